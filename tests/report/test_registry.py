"""The order of sections and the formats stand once, and what is added to them touches nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations.core.findings import Findings
from ablations.report import registry
from ablations.report.blocks import Code, Extras, Fold, Prose, Section, Table, walk
from ablations.report.opening import make_report
from ablations.report.writing import render_report

Make = Callable[..., Findings]
DOCUMENT = Path(__file__).parents[2] / "docs" / "extending.md"
FACTORS = {"augmentation": {"off": {}, "on": {}}}


def documented(heading: str) -> tuple[dict[str, Any], str]:
    """Returns the names that a worked example of the document defines, and its registering line."""
    part = (
        DOCUMENT.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    )
    code, line = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names, line


def registered(line: str, added: dict[str, Any]) -> tuple[Any, ...]:
    """Runs a registering line in the registry as it is."""
    names = {**vars(registry), **added}
    exec(line, names)
    return tuple(names[line.partition(" = ")[0]])


def test_each_section_is_the_function_that_its_module_is_named_after() -> None:
    for make in registry.SECTIONS:
        assert make.__module__ == f"ablations.report.sections.{make.__name__}"
    assert len(set(registry.SECTIONS)) == len(registry.SECTIONS)


def test_a_section_of_the_document_is_in_contents_page_and_markdown(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added, line = documented("A section of the report")
    order = registered(line, added)
    assert [one for one in order if one is not added["spread"]] == list(registry.SECTIONS)
    monkeypatch.setattr(registry, "SECTIONS", order)
    folder = render_report(make(factors=FACTORS), tmp_path).parent
    page = (folder / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'<li><a href="#([\w-]+)">', page)
    assert links[links.index("arms") + 1] == "spread"
    titles = re.findall(r"^## (.*)$", (folder / "cats-or-dogs.md").read_text("utf-8"), re.MULTILINE)
    assert titles[titles.index("All arms") + 1] == "Spread over seeds"
    assert re.findall(r'<section aria-labelledby="([\w-]+)">', page) == links
    assert "<caption><span>Sample SD over seeds</span></caption>" in page
    assert added["spread"](make(factors=FACTORS, seeds=(0,)), Extras()) is None


def test_a_format_of_the_document_writes_its_file(
    nothing: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added, line = documented("An output format")
    formats = registered(line, added)
    assert formats[:-1] == registry.FORMATS
    monkeypatch.setattr(registry, "FORMATS", formats)
    folder = render_report(nothing, tmp_path).parent
    outline = (folder / "outline.txt").read_text(encoding="utf-8").splitlines()
    assert outline == [
        "All arms",
        "  Each arm over its seeds",
        "Settings",
        "  What each level sets",
        "  What all arms share",
        "Do it again",
    ]
    assert "  outline.txt" in (folder / ".ablations-manifest").read_text(encoding="utf-8")


def test_every_file_of_every_block_is_written(nothing: Findings) -> None:
    data = registry.FORMATS[-1](make_report(nothing, Extras()))
    assert sorted(data) == ["data/trials.csv", "figures/thumbnail.svg"]


def test_blocks_are_walked_in_their_order_with_what_lies_within() -> None:
    table, code = Table("t", (), ()), Code("c", "text")
    fold = Fold("f", (code,))
    part = Section("part", "Part", (table, fold))
    blocks = (Prose("a"), part, Prose("b"))
    assert list(walk(blocks)) == [blocks[0], part, table, fold, code, blocks[2]]
