"""Formats are written beside the files of others, and replace only our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablations.errors import StudyError
from ablations.report.publish.placed import place


def test_our_own_files_are_written_again_and_others_stay(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    assert place({"a.txt": "1", "sub/b.bin": b"\x00"}, tmp_path) == [
        tmp_path / "a.txt",
        tmp_path / "sub/b.bin",
    ]
    place({"a.txt": "2"}, tmp_path)
    assert (tmp_path / "a.txt").read_text() == "2"
    assert (tmp_path / "sub/b.bin").read_bytes() == b"\x00"
    assert (tmp_path / "notes.txt").read_text() == "mine"
    place({"sub/b.bin": b"\x01"}, tmp_path)


def theirs(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("mine")


def changed(tmp_path: Path) -> None:
    place({"b.txt": "ours"}, tmp_path)
    (tmp_path / "b.txt").write_text("changed")


def link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("ours")
    (tmp_path / "b.txt").symlink_to("elsewhere")


def folder(tmp_path: Path) -> None:
    (tmp_path / "b.txt").mkdir()


@pytest.mark.parametrize("put", [theirs, changed, link, folder])
def test_what_someone_else_wrote_stops_all_of_it(tmp_path: Path, put):
    put(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StudyError) as caught:
        place({"a.txt": "new", "b.txt": "new"}, tmp_path)
    assert str(caught.value) == (
        "files that are to be written were put there, or changed, by someone else. Received: "
        f"{tmp_path / 'b.txt'}. Rename or delete them, or name another folder with -o."
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_with_the_same_content_is_ours(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1")
    place({"a.txt": "1"}, tmp_path)
    place({"a.txt": "2"}, tmp_path)
    assert (tmp_path / "a.txt").read_text() == "2"
