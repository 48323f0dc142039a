from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablations.errors import DataError, StudyError
from ablations.vision import fingerprint_data, prepare_data
from ablations.vision.data import datasets, folders
from ablations.vision.recipe.settings import read


def silent(done, total):
    pass


def folder_settings(folder, **more):
    layers = ["flatten", "dense:2"]
    return {"dataset": f"directory:{folder}", "image_size": 8, "layers": layers} | more


DIGITS = {"dataset": "digits", "layers": ["flatten", "dense:10"]}
UNREADABLE = "no readable JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF image"
CATS = {"dataset": "cats-vs-dogs", "layers": ["flatten", "dense:2"]}


def test_digits_are_the_pinned_ones():
    examples = datasets.load(read(DIGITS), None)
    content = examples.images.tobytes() + examples.labels.astype(np.uint8).tobytes()
    assert hashlib.sha256(content).hexdigest() == datasets.DIGITS_SHA256
    assert examples.images.shape == (1797, 8, 8, 1)
    assert examples.images.max() == 255


def test_classes_are_numbered_in_the_order_in_which_they_are_named():
    examples = datasets.load(
        read(DIGITS | {"classes": [9, 5], "layers": ["flatten", "dense:2"]}), None
    )
    assert examples.classes == ("9", "5")
    assert np.bincount(examples.labels).tolist() == [180, 182]


def test_a_folder_is_loaded_at_the_wanted_size(shapes):
    examples = datasets.load(read(folder_settings(shapes)), None)
    assert examples.images.shape == (40, 8, 8, 3)
    assert examples.classes == ("dark", "light")
    dark, light = (examples.images[examples.labels == label].mean() for label in (0, 1))
    assert dark < 80
    assert light > 170


def test_images_are_decoded_once_and_anew_when_they_change(shapes, monkeypatch):
    recipe = read(folder_settings(shapes))
    first, again = (datasets.load(recipe, None).source for _ in range(2))
    assert first.images.filename == again.images.filename
    decoded = Path(first.images.filename)
    written = decoded.stat().st_mtime_ns
    monkeypatch.setenv("ABLATIONS_WITHOUT", "images")
    plain = datasets.load(recipe, None).source
    assert not isinstance(plain.images, np.memmap)
    np.testing.assert_array_equal(plain.images, first.images)
    assert datasets.load(recipe, None).images is plain.images
    monkeypatch.delenv("ABLATIONS_WITHOUT")
    shutil.copy(shapes / "light" / "00.png", shapes / "dark" / "00.png")
    changed = datasets.load(recipe, None).source
    assert changed.digest != first.digest
    assert Path(changed.images.filename) != decoded
    assert decoded.stat().st_mtime_ns == written


def test_the_order_of_the_classes_keeps_images_with_their_labels(shapes):
    for classes in ("dark,light", "light,dark"):
        examples = datasets.load(read(folder_settings(shapes, classes=classes)), None)
        bright = examples.images.mean(axis=(1, 2, 3)) > 125
        assert (bright == (examples.labels == classes.split(",").index("light"))).all()


def test_a_damaged_file_of_images_is_made_anew(shapes, cache):
    recipe = read(folder_settings(shapes))
    first = np.array(datasets.load(recipe, None).images)
    (decoded,) = (cache / "images").glob("*.npy")
    decoded.write_bytes(decoded.read_bytes()[:300])
    np.testing.assert_array_equal(datasets.load(recipe, None).images, first)


def test_a_cache_that_cannot_be_used(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ABLATIONS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError) as caught:
        prepare_data(DIGITS, None, silent)
    assert str(caught.value) == (
        "the cache folder cannot be used. "
        f"Received: {tmp_path / 'file' / 'cache'} (Not a directory). "
        "Name another one with ABLATIONS_CACHE."
    )


def test_two_processes_decode_once(shapes, cache):
    """Whoever comes second waits, and reads what the first one wrote."""
    code = (
        "import sys; from ablations.vision.data import datasets;"
        "from ablations.vision.recipe import settings;"
        "r = settings.read(dict(dataset='directory:' + sys.argv[1], image_size=64,"
        " layers=['flatten', 'dense:2']));"
        "print(datasets.load(r, None).images.sum())"
    )
    command = [sys.executable, "-c", code, str(shapes)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = {process.communicate()[0] for process in both}
    assert len(sums) == 1
    assert int(sums.pop()) > 0
    assert len(list((cache / "images").glob("*.npy"))) == 1


def test_a_broken_file_stops_or_is_named_and_skipped(shapes):
    (shapes / "dark" / "zz.txt").write_text("no image")
    settings = folder_settings(shapes)
    with pytest.raises(DataError) as caught:
        prepare_data(settings, None, silent)
    assert str(caught.value) == (
        f"{shapes}: 1 of 41 files cannot be read as images. "
        f"Received: dark/zz.txt ({UNREADABLE}). "
        "Remove or replace them, or write skip_broken = true."
    )
    examples = datasets.load(read(settings | {"skip_broken": True}), None)
    assert examples.skipped == (("dark/zz.txt", UNREADABLE),)
    assert len(examples.labels) == 40


def test_all_broken_files_are_named_up_to_twenty(shapes):
    for i in range(23):
        (shapes / "light" / f"zz{i:02}.jpg").write_text("no image")
    with pytest.raises(DataError) as caught:
        prepare_data(folder_settings(shapes), None, silent)
    listed = ", ".join(f"light/zz{i:02}.jpg" for i in range(20))
    assert str(caught.value) == (
        f"{shapes}: 23 of 63 files cannot be read as images. Received: {listed} ({UNREADABLE}); and 3 more. "
        "Remove or replace them, or write skip_broken = true."
    )
    prepare_data(folder_settings(shapes, skip_broken=True), None, silent)


def test_names_that_no_terminal_shows_are_made_harmless(shapes):
    (shapes / "light" / os.fsdecode(b"\x1b[2J\nno\xff.jpg")).write_text("no image")
    settings = folder_settings(shapes)
    assert fingerprint_data(settings, None).startswith("directory-")
    with pytest.raises(DataError, match=r"Received: light/�\[2J�no�.jpg \(no readable") as caught:
        prepare_data(settings, None, silent)
    assert str(caught.value).isprintable()


def turned(path):
    """Writes the image of a file anew, to be turned by its EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as image:
        image.load()
        image.save(path, exif=exif)


def test_only_images_that_are_decoded_otherwise_have_a_new_identity(shapes, cache):
    recipe = read(folder_settings(shapes))
    there = datasets.listing(recipe, None)
    assert datasets.content(recipe, None) == folders.digest(there)
    with Image.open(shapes / "dark" / "00.png") as image:
        image.convert("RGBA").save(shapes / "dark" / "00.png")  # opaque
    assert datasets.content(recipe, None) == folders.digest(datasets.listing(recipe, None))
    turned(shapes / "dark" / "00.png")
    assert datasets.content(recipe, None) != folders.digest(datasets.listing(recipe, None))


def test_both_ways_to_decode_give_the_same(shapes, monkeypatch):
    turned(shapes / "dark" / "00.png")
    Image.new("RGBA", (9, 9), (1, 2, 3, 100)).save(shapes / "light" / "zz.png")
    for i, path in enumerate(sorted(shapes.glob("dark/1*.png"))):
        content = bytearray(path.read_bytes())
        content[60 + 7 * i] ^= 255
        path.write_bytes(content)
    recipe = read(folder_settings(shapes, skip_broken=True))
    stored = datasets.load(recipe, None)
    monkeypatch.setenv("ABLATIONS_WITHOUT", "images")
    plain = datasets.load(recipe, None)
    np.testing.assert_array_equal(plain.images, stored.images)
    assert plain.skipped == stored.skipped
    assert 1 < len(plain.skipped) <= 10


def test_links_that_lead_outside_or_nowhere_are_refused(shapes, tmp_path):
    settings = folder_settings(shapes)
    (shapes / "dark" / "inside.png").symlink_to(shapes / "dark" / "00.png")
    assert fingerprint_data(settings, None).startswith("directory-")
    (tmp_path / "more").mkdir()
    shutil.copy(shapes / "dark" / "00.png", tmp_path / "secret.png")
    shutil.copy(shapes / "dark" / "00.png", tmp_path / "more" / "other.png")
    (shapes / "dark" / "out.png").symlink_to(tmp_path / "secret.png")
    (shapes / "light" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    (shapes / "light" / "more").symlink_to(tmp_path / "more")
    with pytest.raises(DataError) as caught:
        fingerprint_data(settings, None)
    assert str(caught.value) == (
        f"{shapes}: 3 links lead out of the folder, nowhere, or to folders. "
        "Received: dark/out.png; light/more; light/lost.png. "
        "Use a copy that holds the files themselves (cp -rL)."
    )
    (shapes / "light" / "lost.png").unlink()
    subprocess.run(["cp", "-rL", str(shapes), str(tmp_path / "copied")], check=True)
    prepare_data(folder_settings(tmp_path / "copied"), None, silent)
    assert len(datasets.load(read(folder_settings(tmp_path / "copied")), None).labels) == 43


def test_a_class_that_is_a_link_to_another_place_is_refused(shapes, tmp_path):
    (shapes / "light").rename(tmp_path / "light")
    (shapes / "light").symlink_to(tmp_path / "light")
    with pytest.raises(DataError, match=r"1 links lead out of the folder.* Received: light\. Use"):
        fingerprint_data(folder_settings(shapes), None)


def test_a_file_whose_time_is_set_back_is_read_again(shapes):
    settings, path = folder_settings(shapes), shapes / "dark" / "00.png"
    first, other = (shapes / name for name in ("dark/00.png", "light/00.png"))
    size = max(first.stat().st_size, other.stat().st_size)
    first.write_bytes(first.read_bytes().ljust(size, b"\0"))
    before, pixels = fingerprint_data(settings, None), datasets.load(read(settings), None).images[0]
    then = path.stat()
    path.write_bytes(other.read_bytes().ljust(size, b"\0"))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (size, then.st_mtime_ns)
    assert fingerprint_data(settings, None) != before
    assert datasets.load(read(settings), None).images[0].mean() > pixels.mean() + 50


def test_a_class_without_any_readable_image_is_refused(shapes):
    for file in (shapes / "dark").iterdir():
        file.write_text("no image")
    with pytest.raises(DataError, match="no readable image is left of class 'dark'"):
        prepare_data(folder_settings(shapes, skip_broken=True), None, silent)


def test_checking_reports_bytes_and_is_done_once(shapes):
    seen = []
    for _ in range(2):
        prepare_data(folder_settings(shapes), None, lambda *progress: seen.append(progress))
    assert len(seen) == 80  # checked, and decoded
    assert seen[-1][0] == seen[-1][1] == sum(f.stat().st_size for f in shapes.rglob("*.png"))


def test_a_fingerprint_follows_content_not_place(shapes, tmp_path):
    here = fingerprint_data(folder_settings(shapes), None)
    assert here.startswith("directory-")
    shutil.copytree(shapes, tmp_path / "elsewhere" / "shapes")
    assert fingerprint_data(folder_settings("shapes"), str(tmp_path / "elsewhere")) == here
    shutil.copy(shapes / "light" / "00.png", shapes / "dark" / "00.png")
    assert fingerprint_data(folder_settings(shapes), None) != here


def test_a_fingerprint_follows_the_content_of_weights(tmp_path):
    path = tmp_path / "base.weights.h5"
    settings = DIGITS | {"base": ["conv:4"], "weights": str(path)}
    with pytest.raises(DataError) as caught:
        fingerprint_data(settings, None)
    assert str(caught.value) == (
        f"there is no such file of weights. Received: {path}. "
        "Correct the path in the setting 'weights'."
    )
    path.write_bytes(b"one")
    one = fingerprint_data(settings, None)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert fingerprint_data(settings, None) != one


def test_cats_have_their_fingerprint_before_they_are_there(photographs):
    assert fingerprint_data(CATS, None) == fingerprint_data(CATS, str(photographs))
    prepare_data(CATS, str(photographs), silent)


def test_cats_are_found_in_the_folder_that_they_were_extracted_in(photographs):
    assert fingerprint_data(CATS, str(photographs.parent)) == fingerprint_data(CATS, None)


def test_cats_that_are_others_are_refused(shapes, tmp_path):
    (tmp_path / "data" / "train").mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        fingerprint_data(CATS, str(tmp_path / "data"))
    assert "these are not the images of cats_and_dogs_filtered.zip" in str(caught.value)
    assert "Received: no */*/*.jpg. " in str(caught.value)


def test_a_wrong_folder_or_class(shapes):
    with pytest.raises(DataError) as caught:
        fingerprint_data(folder_settings(shapes / "nowhere"), None)
    assert str(caught.value) == (
        f"there is no such folder of images. Received: {shapes / 'nowhere'}. "
        "Correct the path, or --data-dir."
    )
    with pytest.raises(StudyError) as wrong:
        fingerprint_data(folder_settings(shapes, classes="dark,pale"), None)
    assert str(wrong.value) == (
        "there is no class 'pale'. Received: dark, pale. Classes are dark, light."
    )
