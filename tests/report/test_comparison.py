"""A comparison is a report like any other: a page, a post, a summary, and a card on the site."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablations.analyze.compare.side_by_side import compare
from ablations.core.findings import Findings
from ablations.core.several import SideBySide
from ablations.report.writing import render_combined
from ablations.sites import make_site
from ablations.text.side_by_side import comparison_caveats, comparison_sentences

Make = Callable[..., Findings]
HOSTILE = "<script>alert(1)</script> {{ 7*7 }} a|b"


@pytest.fixture(scope="module")
def found(make: Make) -> SideBySide:
    gains = {"augmentation": 0.20, "preprocessing": 0.06, "initialization": 0.30}
    one = make(slug="one", seeds=range(5), margin=0.02)
    return compare({"one": one, "two": make(slug="two", gains=gains, seeds=range(5), margin=0.02)})


@pytest.fixture(scope="module")
def folder(found: SideBySide, tmp_path_factory: Any) -> Path:
    return render_combined(found, tmp_path_factory.mktemp("reports")).parent


def test_the_answer_comes_first(found: SideBySide):
    first, second, effects, arms = comparison_sentences(found)
    assert first == "1 of 6 effects could be shown to differ."
    assert second == "All 11 settings of the studies are the same."
    assert effects.startswith(
        "Effects on test accuracy in two against one: augmentation differs by +15.0\u202fpp "
        "(adjusted interval +"
    )
    assert "improved: +15.0\u202fpp" in arms


def test_what_is_assumed_is_said(found: SideBySide):
    caveats = comparison_caveats(found)
    assert caveats[0].startswith("The studies have seeds and data in common, so differences are")
    assert caveats[-1].startswith("Intervals of differences are adjusted for 6 comparisons of")
    apart = replace(found, one_machine=())
    assert any(
        "two did not run on the machine of one" in line for line in comparison_caveats(apart)
    )
    alone = comparison_caveats(replace(apart, arms=()))
    assert not any("did not run on the machine" in line for line in alone)


def test_the_page_has_each_section_and_asks_no_other_host(folder: Path):
    page = (folder / "index.html").read_text(encoding="utf-8")
    for name in ("effects", "arms", "curves"):
        assert f'id="figure-{name}"' in page
        assert (folder / "data" / f"{name}.csv").is_file()
    for words in ("What is set differently", "Arm by arm", "How they learned", "What they cost"):
        assert words in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert (
        (folder / "comparison-one-two.md")
        .read_text(encoding="utf-8")
        .startswith("# one and two side by side: test accuracy\n")
    )


def test_the_summary_holds_all_numbers(folder: Path, found: SideBySide):
    read = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert read["kind"] == "comparison"
    first = read["effects"][0]
    assert first["differences"]["two"]["verdict"] == "differs"
    assert first["differences"]["two"]["change"] == found.effects[0].differences[0][1].change
    assert len(read["arms"]) == 8
    rows = (folder / "data" / "comparison.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 2 * (6 + 8)


def test_the_site_lists_it(folder: Path, tmp_path: Path):
    index = make_site([folder.parent], tmp_path / "site").read_text(encoding="utf-8")
    assert "comparison-one-two/index.html" in index


def test_names_with_any_signs_are_only_ever_text(make: Make, tmp_path: Path):
    factors = {HOSTILE: {"off": {}, HOSTILE: {"k": HOSTILE}}, "b": {"x": {}, "y": {}}}
    states = {name: make(factors=factors) for name in ("../..", HOSTILE)}
    page = render_combined(compare(states), tmp_path)
    assert page.parent.parent == tmp_path
    assert page.read_text(encoding="utf-8").count("<script") == 1  # ours
    text, _, code = next(page.parent.glob("*.md")).read_text(encoding="utf-8").partition("~~~")
    assert "<script" not in text  # in a block of code it is text, too
    assert code.count("<script") == 1


def test_without_curves_times_or_spread_the_page_leaves_these_out(make: Make, tmp_path: Path):
    def bare(own: Findings) -> Findings:
        arms = [replace(a, epoch_means=(), summaries={own.metric.name: a.summaries[own.metric.name]})
                for a in own.arms]  # fmt: skip
        return replace(own, arms=tuple(arms), environments=())

    both = {name: bare(make(seeds=(7,), slug=name)) for name in ("one", "two")}
    page = render_combined(compare(both), tmp_path).read_text(encoding="utf-8")
    assert "How they learned" not in page
    assert "What they cost" not in page
    assert "inconclusive" in page or "the same" in page
