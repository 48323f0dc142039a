from __future__ import annotations

from pathlib import Path

import pytest

from ablations.errors import StudyError
from ablations.report.folders import replaced


def _fill(target: Path, text: str) -> None:
    with replaced(target, marker="mark") as fresh:
        (fresh / "mark").touch()
        (fresh / "page").write_text(text)


def _break(target: Path) -> None:
    with replaced(target, marker="mark") as fresh:
        (fresh / "page").write_text("half")
        raise KeyboardInterrupt


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    _fill(target, "old")
    (target / "left over").touch()
    _fill(target, "new")
    assert sorted(path.name for path in target.iterdir()) == ["mark", "page"]
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_a_build_that_breaks_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _fill(target, "old")
    with pytest.raises(KeyboardInterrupt):
        _break(target)
    assert (target / "page").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_swap_that_was_cut_short_is_finished_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "out"
    _fill(target, "old")
    target.rename(tmp_path / ".out.old")
    with pytest.raises(RuntimeError), replaced(target, marker="mark"):
        raise RuntimeError
    assert (target / "page").read_text() == "old"


def test_a_folder_of_someone_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StudyError) as error:
        _fill(tmp_path, "new")
    assert str(error.value) == (
        "the output folder holds something else, and would be replaced as a whole. "
        f"Received: {tmp_path}. Name a new or empty folder."
    )
    assert (tmp_path / "thesis.tex").exists()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    _fill(tmp_path, "new")
    assert (tmp_path / "page").read_text() == "new"
