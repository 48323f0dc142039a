from __future__ import annotations

import errno
import io
import os
import threading
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from PIL import Image

from ablations.errors import DataError
from ablations.vision import prepare_data
from ablations.vision.data import datasets
from ablations.vision.data.download import Archive, fetch, image_files
from ablations.vision.platform import cache

CATS = {"dataset": "cats-vs-dogs", "test_size": 1, "layers": ["flatten", "dense:2"]}


class Handler(BaseHTTPRequestHandler):
    def __init__(self, *args, content, length):
        self.content, self.length = content, length
        super().__init__(*args)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(self.length))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *args):
        pass


@contextmanager
def served(content, length=None):
    handler = partial(Handler, content=content, length=len(content) if length is None else length)
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/small.zip"
        finally:
            server.shutdown()
            thread.join()


def zipped(files, method=zipfile.ZIP_STORED):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return memory.getvalue()


def jpeg(text):
    """A photograph of one colour that depends on ``text``."""
    memory = io.BytesIO()
    colour = tuple(sum(text[i::3].encode()) % 256 for i in range(3))
    Image.new("RGB", (4, 4), colour).save(memory, "jpeg")
    return memory.getvalue()


FILES = {
    f"small/{part}/{kind}/{kind}.{i}.jpg": jpeg(f"{part} {kind} {i}")
    for part in ("train", "validation")
    for kind in ("cats", "dogs")
    for i in range(2)
}


@pytest.fixture
def digest(tmp_path):
    """The digest of the small archive's images."""
    for name, content in FILES.items():
        (tmp_path / "plain" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "plain" / name).write_bytes(content)
    root = tmp_path / "plain" / "small"
    return cache.content_digest(root, image_files(Archive("", "", "*/*/*.jpg", ""), root))


def refusal(url, target, digest="0" * 64, **limit):
    with pytest.raises(DataError) as caught:
        fetch(Archive(url, "small", "*/*/*.jpg", digest, **limit), target, lambda *_: None)
    assert not target.exists()
    assert list(target.parent.iterdir()) == []
    return str(caught.value)


def test_an_archive_is_fetched_once_and_checked(tmp_path, digest, monkeypatch, cache):
    seen = []
    content = zipped(FILES | {"small/notes.py": "not an image"})
    with served(content) as url:
        archive = Archive(url, "small", "*/*/*.jpg", digest)
        monkeypatch.setattr(datasets, "CATS_VS_DOGS", archive)
        prepare_data(CATS, None, lambda *progress: seen.append(progress))
    assert (len(content), len(content)) in seen
    photographs = sum(map(len, FILES.values()))
    assert seen[-1] == (photographs, photographs)  # decoded
    prepare_data(CATS, None, lambda *progress: pytest.fail("downloaded twice"))
    assert sorted(p.name for p in cache.iterdir()) == ["digests", "images", "small"]


def test_other_images_than_the_pinned_ones(tmp_path):
    with served(zipped(FILES)) as url:
        said = refusal(url, tmp_path / "cache" / "small")
    assert "these are not the images of small.zip. Received: 8 images, SHA-256 " in said
    assert said.endswith(
        "instead of 0000000000000000…. Try again, or download it yourself, extract it and name the "
        'folder with --data-dir; for images of your own use dataset = "directory:PATH".'
    )


def test_a_download_that_is_cut_short(tmp_path):
    content = zipped(FILES)
    with served(content[:100], length=len(content)) as url:
        said = refusal(url, tmp_path / "cache" / "small")
    assert said == (
        f"{url}: the download was cut short. Received: 100 of {len(content)} bytes. "
        "Try again, or download it yourself, extract it and name the folder with --data-dir."
    )


def test_no_archive_at_all(tmp_path):
    with served(b"<html>sorry</html>") as url:
        said = refusal(url, tmp_path / "cache" / "small")
    assert said.startswith(f"{url}: no readable zip archive. Received: File is not a zip file. ")


@pytest.mark.parametrize("name", ["../outside.jpg", "/outside.jpg"])
def test_an_archive_that_reaches_outside(tmp_path, name):
    with served(zipped({name: "x"})) as url:
        said = refusal(url, tmp_path / "cache" / "small")
    assert said == (
        f"{url}: the archive would write outside its folder. Received: {name}. "
        "Do not use this archive."
    )


CURE = "Try again, or download it yourself, extract it and name the folder with --data-dir."


def changed(content, offset, value):
    """Sets two bytes in the header of each member, in its place and in the directory at the end."""
    content = bytearray(content)
    for mark, further in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        start = -1
        while (start := content.find(mark, start + 1)) >= 0:
            place = start + offset + further
            content[place : place + 2] = value.to_bytes(2, "little")
    return bytes(content)


@pytest.mark.parametrize(
    ("offset", "value", "said"),
    [
        (6, 1, "is encrypted, password required for extraction"),
        (8, 99, "That compression method is not supported"),
        (8, 8, "Error -3 while decompressing data"),
    ],
)
def test_members_that_cannot_be_unpacked(tmp_path, offset, value, said):
    with served(changed(zipped(FILES), offset, value)) as url:
        told = refusal(url, tmp_path / "cache" / "small")
    assert told.startswith(f"{url}: the archive cannot be unpacked. Received: ")
    assert said in told
    assert told.endswith(CURE)
    assert told.count("\n") == 0


def test_names_that_are_too_long(tmp_path):
    with served(zipped({f"small/train/cats/{'x' * 300}.jpg": "x"})) as url:
        said = refusal(url, tmp_path / "cache" / "small")
    assert said == f"{url}: the archive cannot be unpacked. Received: File name too long. {CURE}"


@pytest.mark.parametrize("length", ["many", "-5", "1e3", "", "9" * 5000])
def test_a_length_that_is_no_number(tmp_path, digest, length):
    seen = []
    with served(zipped(FILES), length=length) as url:
        archive = Archive(url, "small", "*/*/*.jpg", digest)
        fetch(archive, tmp_path / "small", lambda *progress: seen.append(progress))
    assert [total for _, total in seen] == [0]


@pytest.mark.parametrize("length", [0, 100])
def test_a_length_that_is_too_short(tmp_path, length):
    with served(zipped(FILES), length=length) as url:
        said = refusal(url, tmp_path / "cache" / "small")
    assert said == f"{url}: no readable zip archive. Received: File is not a zip file. {CURE}"


def test_what_is_no_image_is_not_unpacked(tmp_path, digest):
    filler = {"small/filler.bin": bytes(5_000_000), "other/train/cats/x.jpg": bytes(5_000_000)}
    with served(zipped(FILES | filler)) as url:
        archive = Archive(url, "small", "*/*/*.jpg", digest, limit_bytes=1 << 24)
        fetch(archive, tmp_path / "small", lambda *_: None)
    assert sum(file.is_file() for file in (tmp_path / "small").rglob("*")) == len(FILES)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_more_bytes_than_the_images_have_are_not_written(tmp_path, method, monkeypatch):
    monkeypatch.setattr("ablations.vision.data.download.CHUNK_BYTES", 1 << 14)
    bomb = {f"small/train/cats/{i}.jpg": bytes(100_000) for i in range(10)}
    with served(zipped(bomb, method)) as url:
        said = refusal(url, tmp_path / "cache" / "small", limit_bytes=500_000)
    assert said == (
        f"{url}: the archive is larger than its images can be. "
        "Received: more than 500000 bytes. Do not use this archive."
    )


def test_a_disk_that_is_full(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(zipfile.ZipFile, "extractall", fail)
    with served(zipped(FILES)) as url:
        said = refusal(url, tmp_path / "cache" / "small")
    assert said == (
        f"{url}: the archive cannot be unpacked. Received: No space left on device. "
        "Free 134217728 bytes of the disk, and try again."
    )


@pytest.mark.parametrize("seed", range(10))
def test_damaged_archives_end_in_one_line(tmp_path, digest, seed):
    rng = np.random.default_rng(seed)
    for i in range(10):
        content = bytearray(zipped(FILES, zipfile.ZIP_DEFLATED if i % 2 else zipfile.ZIP_STORED))
        for place in rng.integers(len(content), size=4):
            content[place] = rng.integers(256)
        target = tmp_path / f"{i}" / "small"
        packed = tmp_path / f"{i}.zip"
        packed.write_bytes(content)
        archive = Archive(packed.as_uri(), "small", "*/*/*.jpg", digest)
        said = None
        try:
            fetch(archive, target, lambda *_: None)
        except DataError as error:
            said = str(error)
        left = sorted(path.name for path in target.parent.iterdir())
        assert left == (["small"] if said is None else [])
        assert "\n" not in (said or "")


def test_nobody_answers(tmp_path):
    said = refusal("http://127.0.0.1:9/small.zip", tmp_path / "cache" / "small")
    assert said.startswith("http://127.0.0.1:9/small.zip: the download failed. Received: ")
