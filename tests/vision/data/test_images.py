from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from PIL import Image

from ablations.errors import DataError
from ablations.vision.data import images
from ablations.vision.data.images import decode, is_plain, resize, without_warnings


@given(
    image=stn.arrays(np.uint8, stn.array_shapes(min_dims=3, max_dims=3, max_side=9)),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_resizing_stays_within_the_range_and_commutes_with_flips(image, size):
    small = resize(image, size)
    assert small.shape == (*size, image.shape[2])
    assert small.min() >= image.min()
    assert small.max() <= image.max()
    flipped = resize(image[:, ::-1], size)[:, ::-1].astype(int)
    assert np.abs(flipped - small.astype(int)).max() <= 1


def test_resizing_to_the_same_size_changes_nothing():
    image = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
    assert resize(image, (5, 4)) is image


def test_a_broken_file_is_named_with_the_reason(tmp_path):
    (tmp_path / "notes.jpg").write_text("no image")
    with pytest.raises(ValueError, match=r"^no readable JPEG, PNG, .* or AVIF image$"):
        decode(tmp_path / "notes.jpg")


def read_by_keras(folder):
    import keras

    images, _ = next(
        iter(
            keras.utils.image_dataset_from_directory(
                folder, image_size=(160, 160), batch_size=20, shuffle=False, verbose=False
            )
        )
    )
    return np.asarray(images)


@pytest.mark.slow
def test_resizing_is_that_of_keras(shapes):
    files = sorted((shapes / "dark").iterdir())
    ours = np.stack([resize(decode(file), (160, 160)) for file in files])
    assert np.abs(ours - read_by_keras(shapes)).max() < 0.51  # rounded to whole grey levels


@pytest.mark.slow
def test_photographs_are_those_that_keras_reads(photographs):
    files = sorted((photographs / "validation" / "cats").glob("*.jpg"))[:20]
    ours = np.stack([resize(decode(file), (160, 160)) for file in files])
    apart = np.abs(ours - read_by_keras(photographs / "validation"))
    # TensorFlow unpacks JPEG with a faster, less exact cosine transform than Pillow.
    assert apart.max() < 5
    assert apart.mean() < 1.2


def test_sixteen_bits_keep_their_grey_levels(tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((2, 2), 30000, dtype=np.uint16)).save(path)
    assert decode(path).tolist() == [[[117] * 3] * 2] * 2


def test_pixels_without_a_known_range_are_refused(tmp_path):
    path = tmp_path / "float.tiff"
    Image.fromarray(np.full((2, 2), 0.5, dtype=np.float32)).save(path)
    with pytest.raises(ValueError, match="pixels of mode F have no known range"):
        decode(path)


PICTURE = np.random.default_rng(0).integers(0, 256, (6, 4, 3)).astype(np.uint8)
"""Six rows and four columns; no two of the eight ways to lay it are equal."""

STORED = {  # how a camera stores the picture for each orientation (EXIF 2.32, tag 0x0112)
    1: PICTURE,
    2: PICTURE[:, ::-1],
    3: PICTURE[::-1, ::-1],
    4: PICTURE[::-1],
    5: PICTURE.transpose(1, 0, 2),
    6: np.rot90(PICTURE),
    7: PICTURE[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(PICTURE, -1),
}


def encode(image, kind, **options):
    memory = io.BytesIO()
    image.save(memory, kind, **options)
    return memory.getvalue()


def written(tmp_path, content, name="image.jpg"):
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_images_are_turned_upright(tmp_path, orientation, kind):
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation]))
    options = {"lossless": True} if kind == "WEBP" else {}
    path = written(tmp_path, encode(stored, kind, exif=exif(orientation), **options))
    np.testing.assert_array_equal(decode(path), PICTURE)
    assert is_plain(path) == (orientation == 1 or kind == "TIFF")  # Pillow turned those before


def test_orientations_that_say_nothing_leave_the_image_as_it_is(tmp_path):
    broken = b"Exif\0\0II*\0\x08\0\0\0\xff\xff"
    for data in (exif(0), exif(9), broken):
        path = written(tmp_path, encode(Image.fromarray(PICTURE), "PNG", exif=data))
        with without_warnings():
            np.testing.assert_array_equal(decode(path), PICTURE)
            assert is_plain(path)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_shows_white(tmp_path, kind):
    levels = np.zeros((2, 2, 4), np.uint8)
    levels[0, 0], levels[0, 1], levels[1] = (10, 20, 30, 255), (10, 20, 30, 0), (0, 0, 0, 51)
    options = {"lossless": True} if kind == "WEBP" else {}
    path = written(tmp_path, encode(Image.fromarray(levels), kind, **options))
    assert decode(path).tolist() == [[[10, 20, 30], [255] * 3], [[204] * 3] * 2]
    assert not is_plain(path)


def test_what_could_be_transparent_and_is_not_stays(tmp_path):
    opaque = Image.fromarray(PICTURE)
    opaque.putalpha(255)
    path = written(tmp_path, encode(opaque, "PNG"))
    np.testing.assert_array_equal(decode(path), PICTURE)
    assert is_plain(path)


def test_one_transparent_colour_shows_white(tmp_path):
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.putdata([0, 1])
    deep = Image.fromarray(np.array([[0, 1 << 8]], dtype=np.uint16))
    rgb = Image.fromarray(np.array([[[1, 2, 3], [0, 0, 0]]], dtype=np.uint8))
    for image, seen, second in ((palette, 0, 9), (deep, 0, 1), (rgb, (1, 2, 3), 0)):
        path = written(tmp_path, encode(image, "PNG", transparency=seen))
        assert decode(path).tolist() == [[[255] * 3, [second] * 3]]
        assert not is_plain(path)


def test_of_several_frames_the_first_counts(tmp_path):
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        content = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert decode(written(tmp_path, content))[1, 1].tolist() == [255, 0, 0]


def test_other_colours_are_turned_into_rgb(tmp_path):
    for mode in ("1", "L", "P", "CMYK", "YCbCr", "LA"):
        image = Image.new("RGB", (8, 8), "white").convert(mode)
        kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
        shown = decode(written(tmp_path, encode(image, kind)))
        assert shown.shape == (8, 8, 3)
        assert shown.min() > 252


@pytest.mark.parametrize("kind", ["EPS", "PPM", "PCX", "TGA", "ICO", "DDS", "PDF"])
def test_formats_that_are_not_meant_are_not_opened(tmp_path, kind):
    path = written(tmp_path, encode(Image.new("RGB", (16, 16)), kind))
    with pytest.raises(ValueError, match="no readable JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"):
        decode(path)
    assert not is_plain(path)


def test_an_image_of_one_pixel_holds_no_picture(tmp_path):
    with pytest.raises(ValueError, match="1 × 1 pixel holds no picture"):
        decode(written(tmp_path, encode(Image.new("RGB", (1, 1)), "GIF")))


@pytest.mark.parametrize("side", [9_500, 20_000])
def test_more_pixels_than_a_picture_has_are_not_unpacked(tmp_path, side):
    path = written(tmp_path, encode(Image.new("1", (side, side)), "PNG"))
    assert path.stat().st_size < 100_000
    with without_warnings(), pytest.raises(ValueError, match=r"pixels"):
        decode(path)


def test_memory_that_is_short_is_not_taken_for_a_broken_file(tmp_path, monkeypatch):
    def fail(image):
        raise MemoryError

    monkeypatch.setattr(images, "_upright", fail)
    path = written(tmp_path, encode(Image.fromarray(PICTURE), "PNG"))
    with pytest.raises(DataError, match="this image takes more memory than there is"):
        decode(path)


def originals():
    """Small images of every format that is read, with what makes them special."""
    rng = np.random.default_rng(0)
    noise = rng.normal(128, 40, (24, 32, 3)) + np.linspace(0, 90, 32)[None, :, None]
    plain = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
    alpha = plain.copy()
    alpha.putalpha(Image.fromarray(np.tile(np.arange(0, 256, 8, dtype=np.uint8), (24, 1))))
    grey = np.asarray(plain.convert("L")).astype(np.uint16) << 8
    few, turned = plain.quantize(32), exif(6)
    return [
        encode(plain, "JPEG", exif=turned),
        encode(plain, "JPEG", progressive=True),
        encode(plain.convert("CMYK"), "JPEG"),
        encode(alpha, "PNG"),
        encode(Image.fromarray(grey), "PNG"),
        encode(few, "PNG", transparency=3, exif=turned),
        encode(alpha, "WEBP"),
        encode(plain, "WEBP", lossless=True, exif=turned),
        encode(few, "GIF", save_all=True, append_images=[plain.quantize(8)], transparency=2),
        encode(plain, "BMP"),
        encode(plain, "TIFF"),
        encode(alpha, "TIFF", compression="tiff_lzw"),
        encode(plain, "TIFF", compression="tiff_adobe_deflate", exif=turned),
        encode(plain, "TIFF", compression="jpeg"),
        encode(plain, "AVIF"),
        encode(alpha, "AVIF", exif=turned),
    ]


def mutated(content, rng):
    """Returns the content cut off, with some bytes changed, a piece replaced, or left out."""
    data, kind = bytearray(content), rng.integers(5)
    first, last = sorted(rng.integers(len(data), size=2))
    if kind == 0:
        del data[rng.integers(len(data)) :]
    elif kind == 1:
        for place in rng.integers(len(data), size=rng.integers(1, 8)):
            data[place] = rng.integers(256)
    elif kind == 2:
        data[rng.integers(min(len(data), 120))] = rng.integers(256)
    elif kind == 3:
        data[first:last] = rng.bytes(int(last - first))
    else:
        del data[first:last]
    return bytes(data)


def outcome(path):
    """Returns what a file was read as: a digest of the pixels, or the reason why not."""
    try:
        image = decode(path)
    except ValueError as error:
        return f"broken: {error}"
    return hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()


def test_2000_damaged_images_are_read_alike_twice_or_named(tmp_path):
    """Any other exception than ``ValueError`` would be a traceback, and end this test."""
    found, whole = [], originals()
    with without_warnings():
        for number in range(125):
            for i, content in enumerate(whole):
                damaged = mutated(content, np.random.default_rng([number, i]))
                path = written(tmp_path, damaged)
                first = outcome(path)
                heap = [np.full(size, 255 - i, np.uint8) for size in (96, 768, 2304, 3072, 9999)]
                del heap  # so that memory that nobody has filled shows
                assert outcome(path) == first
                assert is_plain(path) in (True, False)
                found.append(first.startswith("broken: "))
    assert len(found) == 2000
    assert 500 < found.count(False) < 800  # a changed byte may leave an image that can be read
