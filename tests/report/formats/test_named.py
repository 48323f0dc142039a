"""Every format is registered once, writes equal bytes for equal findings, and has a row in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablations.errors import StudyError
from ablations.report.formats import named
from ablations.report.writing import write_formats

ROOT = Path(__file__).parents[3]


def test_each_format_is_the_function_that_its_module_is_named_after():
    for name, place in {**named.OF_CHECKS, **named.OF_DECISIONS, **named.OF_REPORTS}.items():
        assert place.rpartition(".")[2] == name.replace("-", "_")
    names = named.names()
    found = [*named.of_checks(names), *named.of_decisions(names), *named.of_reports(names)]
    assert len(found) == len(named.names()) == len(set(named.names()))
    for write in found:
        assert write.__module__.rpartition(".")[2] == write.__name__


def test_each_module_of_a_format_is_registered_or_used_by_one_that_is():
    rooms = Path(named.__file__).parent
    modules = {
        f"{room}.{path.stem}": path
        for room in ("checks", "papers", "trackers")
        for path in (rooms / room).glob("[a-z]*.py")
    }
    registered = {
        *named.OF_CHECKS.values(),
        *named.OF_DECISIONS.values(),
        *named.OF_REPORTS.values(),
    }
    texts = {place: path.read_text(encoding="utf-8") for place, path in modules.items()}
    for place in modules.keys() - registered:
        assert any(f".{place} import" in text for text in texts.values()), place


def test_an_unknown_format_is_refused_with_the_nearest_name():
    with pytest.raises(StudyError) as caught:
        named.require_known(["junti"])
    assert str(caught.value) == (
        "there is no such format. Received: --format junti. Did you mean 'junit'? There are "
        f"{', '.join(named.names())}."
    )


PORTABLE = [name for name in named.names() if name not in ("pgf", "asv")]
"""PGF needs a TeX system, asv the repository of the records; each has a test of its own."""


def test_equal_findings_give_equal_bytes_in_every_format(hostile, tmp_path: Path, forget_drawings):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        forget_drawings()
        write_formats(hostile, PORTABLE, folder)
    one, two = (
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in folders
    )
    assert one == two
    assert len(one) > len(PORTABLE)


def test_every_format_can_show_a_study_that_has_not_run(nothing, decide, tmp_path: Path):
    for path in write_formats(decide(nothing), PORTABLE, tmp_path):
        assert path.is_file()


def test_the_document_has_a_row_for_each_format():
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE) == named.names()
