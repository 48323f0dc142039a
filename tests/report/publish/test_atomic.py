from __future__ import annotations

import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ablations.errors import StudyError
from ablations.records.written import MANIFEST
from ablations.report.publish.atomic import replaced

MARKER = "mark"


def _fill(target: Path, text: str, **more: str) -> None:
    with replaced(target, MARKER) as fresh:
        (fresh / "mark").touch()
        for name, content in {"page": text, **more}.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_text(content)


def _break(target: Path) -> None:
    with replaced(target, MARKER) as fresh:
        (fresh / "page").write_text("half")
        raise KeyboardInterrupt


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)


def test_what_we_wrote_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    _fill(target, "old", **{"data/gone": "1"})
    _fill(target, "new")
    assert _names(target) == ["mark", "page"]
    assert (target / "page").read_text() == "new"
    assert _names(target.parent) == ["out"]


def test_files_of_someone_else_stay(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _fill(target, "old", **{"data/a": "1", "data/gone": "1"})
    (target / "my-notes.md").write_text("mine")
    (target / "data" / "mine.csv").write_text("mine")
    (target / "link").symlink_to(tmp_path)
    (target / "data" / "gone").write_text("changed by me, and no longer written")
    _fill(target, "new", **{"data/a": "2"})
    assert _names(target) == ["data", "link", "mark", "my-notes.md", "page"]
    assert (target / "my-notes.md").read_text() == "mine"
    assert _names(target / "data") == ["a", "gone", "mine.csv"]
    assert (target / "data" / "gone").read_text().startswith("changed by me")
    assert (target / "link").readlink() == tmp_path
    _fill(target, "newer")
    assert _names(target / "data") == ["gone", "mine.csv"]


@pytest.mark.parametrize("theirs", ["page", "extra", "data", "page/inside"])
def test_a_name_that_is_needed_and_taken_is_refused(tmp_path: Path, theirs: str) -> None:
    target = tmp_path / "out"
    _fill(target, "old")
    if "/" in theirs:
        (target / "page").unlink()
        (target / "page").mkdir()
    (target / theirs).write_text("mine")
    with pytest.raises(StudyError) as error:
        _fill(target, "new", extra="1", **{"data/a": "1"})
    assert str(error.value) == (
        "files that are to be written were put there, or changed, by someone else. "
        f"Received: {target / theirs}. Rename or delete them, then issue the same command again."
    )
    assert (target / theirs).read_text() == "mine"
    (target / theirs).rename(tmp_path / "mine")
    _fill(target, "new", extra="1", **{"data/a": "1"})
    assert (target / "page").read_text() == "new"


def test_a_file_of_someone_else_that_is_as_ours_would_be_is_no_conflict(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _fill(target, "old")
    (target / "page").write_text("new")
    _fill(target, "new")
    assert _names(target) == ["mark", "page"]


def test_many_conflicts_are_counted(tmp_path: Path) -> None:
    _fill(tmp_path / "out", "old")
    names = {f"f{i}": "ours" for i in range(9)}
    for name in names:
        (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(StudyError, match=r"f0, .*f1, .*f2 and 6 more files\. Rename"):
        _fill(tmp_path / "out", "new", **names)


def test_a_link_to_a_folder_stays_one_every_time(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "out"
    link.symlink_to(real)
    for text in ("first", "second", "third"):
        _fill(link, text)
        assert link.is_symlink()
        assert (real / "page").read_text() == text
    assert _names(tmp_path) == ["out", "real"]


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "out")
    with pytest.raises(StudyError, match="cannot be replaced"):
        _fill(tmp_path / "out", "new")


def test_the_root_is_refused() -> None:
    with pytest.raises(StudyError) as error:
        _fill(Path("/"), "new")
    assert str(error.value) == (
        "the output folder cannot be replaced. Received: /. Name a new or empty folder."
    )


def test_the_manifest_is_one_that_sha256sum_checks(tmp_path: Path) -> None:
    _fill(tmp_path / "out", "text", **{"data/a b": "1"})
    lines = (tmp_path / "out" / MANIFEST).read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == ["data/a b", "mark", "page"]
    assert lines[2].split()[0] == hashlib.sha256(b"text").hexdigest()
    command = ["sha256sum", "--check", "--strict", MANIFEST]
    assert subprocess.run(command, cwd=tmp_path / "out", check=False).returncode == 0


def test_a_damaged_manifest_deletes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _fill(target, "old", gone="1")
    first, *rest = (target / MANIFEST).read_text().splitlines()
    assert first.endswith("  gone")
    (target / MANIFEST).write_text("\n".join([first[1:], "\x00", f"{'0' * 64}  ../../x", *rest]))
    _fill(target, "new")
    assert _names(target) == ["gone", "mark", "page"]


def test_a_folder_without_manifest_is_refused_and_stays(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _fill(target, "old")
    (target / MANIFEST).unlink()
    with pytest.raises(StudyError) as error:
        _fill(target, "new")
    assert str(error.value) == (
        "the output folder holds something else, or .ablations-manifest, which names our files, "
        f"is missing. Received: {target}. Move it away, or name a new or empty folder."
    )
    assert (target / "page").read_text() == "old"
    target.rename(tmp_path / "away")
    _fill(target, "new")
    assert (target / "page").read_text() == "new"


def test_a_build_that_breaks_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _fill(target, "old")
    with pytest.raises(KeyboardInterrupt):
        _break(target)
    assert (target / "page").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_swap_that_was_cut_short_is_finished_by_the_next(tmp_path: Path) -> None:
    target, aside = tmp_path / "out", tmp_path / ".out.ablations-old"
    _fill(target, "old")
    (target / "mine").write_text("mine")
    target.rename(aside)
    with pytest.raises(KeyboardInterrupt):
        _break(target)
    assert (target / "page").read_text() == "old"
    target.rename(aside)
    _fill(tmp_path / "copy", "new")
    (tmp_path / "copy").rename(target)
    _fill(target, "newer")
    assert (target / "mine").read_text() == "mine"
    assert not aside.exists()


def test_two_builds_at_once_both_end_and_lose_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _fill(target, "first")
    (target / "mine").write_text("mine")

    def build(name: str) -> None:
        for i in range(40):
            _fill(target, f"{name} {i}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, ("a", "b")))
    assert (target / "page").read_text() in ("a 39", "b 39")
    assert (target / "mine").read_text() == "mine"
    assert _names(tmp_path) == ["out"]


def test_what_someone_wrote_twice_around_a_cut_is_named(tmp_path: Path) -> None:
    target, aside = tmp_path / "out", tmp_path / ".out.ablations-old"
    for folder in (aside, target):
        _fill(tmp_path / "copy", "old")
        (tmp_path / "copy" / "mine").write_text(folder.name)
        (tmp_path / "copy").rename(folder)
    with pytest.raises(StudyError, match="were left in the folder of an earlier build") as error:
        _fill(target, "new")
    assert str(aside / "mine") in str(error.value)
    (aside / "mine").rename(tmp_path / "moved away")
    _fill(target, "new")
    assert not aside.exists()


def test_a_folder_of_someone_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StudyError) as error:
        _fill(tmp_path, "new")
    assert str(error.value) == (
        "the output folder holds something else, or .ablations-manifest, which names our files, "
        f"is missing. Received: {tmp_path}. Move it away, or name a new or empty folder."
    )
    assert (tmp_path / "thesis.tex").exists()


def test_a_file_that_has_the_folders_name_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(StudyError, match="holds something else"):
        _fill(tmp_path / "out", "new")
    assert (tmp_path / "out").read_text() == "mine"


def test_an_empty_folder_is_taken_and_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o750)
    _fill(tmp_path / "out", "new")
    assert (tmp_path / "out" / "page").read_text() == "new"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
