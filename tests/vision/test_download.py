from __future__ import annotations

import io
import threading
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from PIL import Image

from ablations.errors import DataError
from ablations.vision import cache, datasets, prepare_data
from ablations.vision.download import Archive, fetch, image_files

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
    handler = partial(Handler, content=content, length=length or len(content))
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/small.zip"
        server.shutdown()
        thread.join()


def zipped(files):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
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


def refusal(url, target, digest="0" * 64):
    with pytest.raises(DataError) as caught:
        fetch(Archive(url, "small", "*/*/*.jpg", digest), target, lambda *_: None)
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


def test_nobody_answers(tmp_path):
    said = refusal("http://127.0.0.1:9/small.zip", tmp_path / "cache" / "small")
    assert said.startswith("http://127.0.0.1:9/small.zip: the download failed. Received: ")
