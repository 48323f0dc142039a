"""A large study's page is bounded, sorted, and says where the rest is."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ablations.core.estimates import Interval, NeededSeeds, SeedPlan, Training, VarianceParts
from ablations.core.findings import Findings, Variances
from ablations.core.study import Study
from ablations.report import many
from ablations.report.blocks import (
    Column,
    Extras,
    Figure,
    Fold,
    Prose,
    Report,
    Section,
    Table,
    walk,
)
from ablations.report.figures.dots import DotPlot
from ablations.report.figures.theme import NARROW, style
from ablations.report.formats.beside import block_files
from ablations.report.formats.html import html
from ablations.report.formats.markdown import markdown
from ablations.report.opening import make_report
from ablations.report.sections.gates import gate_scope
from ablations.report.showing import shown_html

Make = Callable[..., Findings]

SIX = {name: {"off": {}, "on": {name: 1}} for name in "abcdef"}
GAINS = {"a": 0.01, "b": 0.02, "c": -0.03, "d": 0.04, "e": 0.05, "f": 0.06}


@pytest.fixture(scope="module")
def large(make: Make) -> Findings:
    """64 arms of six factors, 10 seeds."""
    return make(factors=SIX, gains=GAINS, interaction=0.0, seeds=range(10))


@pytest.fixture(scope="module")
def report(large: Findings) -> Report:
    with style():
        return make_report(large, Extras(), {})


def parts_of(n: int) -> VarianceParts:
    """Parts that can be told apart."""
    return VarianceParts(float(n), 0.0, Interval(0, 1, 0.95, "made up"), 2, 10, shared=False)


def tables(report: Report, name: str) -> list[Table]:
    found = walk((*report.opening, *report.sections))
    return [block for block in found if isinstance(block, Table) and block.name == name]


def test_a_small_study_is_shown_as_it_is(findings: Findings) -> None:
    assert not many.is_large(findings)
    assert many.arranged(findings) == findings
    assert many.drawn_arms(findings) == findings.arms
    assert many.fewer_arms(findings) == findings.arms
    assert many.order_words(findings) == many.drawn_words(findings, findings.arms) == ""


def test_arms_follow_the_reference_from_the_best_mean_on(large: Findings) -> None:
    first, *others = many.arranged(large).arms
    assert first.is_reference
    means = [arm.mean("test_accuracy") for arm in others]
    assert means == sorted(means, reverse=True)
    assert {arm.arm for arm in (first, *others)} == {arm.arm for arm in large.arms}


def test_what_is_known_of_arms_stays_with_them(large: Findings) -> None:
    parts = [parts_of(n) for n in range(64)]
    before = dict(zip([arm.arm for arm in large.arms], parts, strict=True))
    known = Variances((), tuple(parts), None, None, None)
    found = many.arranged(replace(large, variances=known))
    assert found.variances is not None
    assert found.variances.arms == tuple(before[arm.arm] for arm in found.arms)


def test_effects_and_all_that_is_known_of_them_are_sorted_alike(
    large: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "MOST", 20)  # six factors have 21 effects
    plans = tuple(
        SeedPlan(effect, (), (), NeededSeeds((), ()), NeededSeeds((), ()))
        for effect in large.effects
    )
    parts = tuple(parts_of(n) for n in range(21))
    before = {e.changes: own for e, own in zip(large.effects, parts, strict=True)}
    known = Variances(parts, (None,) * 64, None, None, None)
    found = many.arranged(replace(large, plans=plans, variances=known))
    kinds = [effect.kind for effect in found.effects]
    assert kinds == ["main"] * 6 + ["interaction"] * 15
    sizes = [abs(effect.estimate or 0) for effect in found.effects]
    assert sizes == [*sorted(sizes[:6], reverse=True), *sorted(sizes[6:], reverse=True)]
    assert tuple(plan.effect for plan in found.plans) == found.effects
    assert found.variances is not None
    assert found.variances.effects == tuple(before[effect.changes] for effect in found.effects)
    pairs = list(dict.fromkeys(cell.factors for cell in found.cells))
    assert pairs == [tuple(c.factor for c in effect.changes) for effect in found.effects[6:]]


def test_gates_that_failed_come_first(large: Findings) -> None:
    (gate, *_), status = large.gates, ("passed", "incomplete", "failed", "inconclusive")
    gates = tuple(replace(gate, status=status[n % 4]) for n in range(40))
    found = many.arranged(replace(large, gates=gates)).gates
    assert [one.status for one in found[::10]] == ["failed", "inconclusive", "incomplete", "passed"]


def test_figures_draw_the_reference_the_best_and_the_worst(large: Findings) -> None:
    drawn, ranked = many.drawn_arms(large), large.ranked
    assert drawn == (*ranked[:15], *ranked[-5:])
    assert many.fewer_arms(large) == (*ranked[:6], *ranked[-2:])


def test_a_table_shows_thirty_rows_folds_the_others_and_links_all(report: Report) -> None:
    (shown,) = tables(report, "arm")
    assert (len(shown.first), len(shown.rest), shown.rest_title) == (30, 34, "Rows 31 to 64")
    assert [data.link for data in shown.data] == ["all trials", "all 64 rows"]
    (section,) = (one for one in report.sections if one.anchor == "arms")
    texts = [block.text for block in section.blocks if isinstance(block, Prose)]
    assert not [text for text in texts if text.startswith("These are the first")]
    page, post = str(html(report)["index.html"]), str(next(iter(markdown(report).values())))
    ids = re.findall(r'<tr id="arm-(\d+)"', page)
    assert ids == [str(n) for n in range(1, 65)]
    assert page.count("<summary>Rows 31 to 64</summary>") == 1
    (rest,) = re.findall(
        r"<summary>Rows 31 to 64</summary>\n\n(.*?)\n\n</details>", post, re.DOTALL
    )
    assert rest.count("\n") == 35
    assert rest.startswith("| a | b |")


def test_all_arms_are_drawn_in_figures_that_share_their_axis(report: Report) -> None:
    (section,) = (one for one in report.sections if one.anchor == "arms")
    (fold,) = (b for b in section.blocks if isinstance(b, Fold) and "figures" in b.title)
    assert fold.title == "64 arms in 4 figures"
    figures = [block for block in fold.blocks if isinstance(block, Figure)]
    assert [figure.headline for figure in figures] == [
        f"Where a is {a} and b is {b}" for a in ("off", "on") for b in ("off", "on")
    ]
    charts = [figure.chart for figure in figures]
    assert all(isinstance(chart, DotPlot) for chart in charts)
    labels = [row.label for chart in charts for row in chart.rows]  # type: ignore[attr-defined]
    assert len(set(labels)) == len(labels) == 64
    assert "a + b + c" in labels
    axes = [chart.figure(NARROW).axes[0].get_xlim() for chart in charts]
    np.testing.assert_allclose(axes[1:], [axes[0]] * 3)
    files = block_files(report)
    assert all(f"figures/arms-{n}.svg" in files for n in (1, 2, 3, 4))


def test_arms_that_no_factor_divides_are_drawn_by_their_place(large: Findings) -> None:
    assert [page.title for page in many.arm_pages(replace(large, study=one_factor(large)))] == [
        "Arms 1 to 20", "Arms 21 to 40", "Arms 41 to 60", "Arms 61 to 64",
    ]  # fmt: skip
    assert many.arm_pages(replace(large, arms=large.arms[:24])) == ()
    assert many.arm_pages(replace(large, arms=large.arms * 5)) == ()  # too many to draw


def one_factor(found: Findings) -> Study:
    return replace(found.study, factors=found.study.factors[:1])


def test_no_row_is_missing_from_the_files(report: Report) -> None:
    files = block_files(report)
    arms = list(csv.DictReader(io.StringIO(str(files["data/arms.csv"]))))
    assert len({tuple(row[name] for name in "abcdef") for row in arms}) == 64
    short = [
        block
        for block in walk(report.sections)
        if isinstance(block, Table) and any(data.link.endswith("rows") for data in block.data)
    ]
    assert short
    for table in short:
        ((data, total),) = [
            (data, int(data.link.split()[1])) for data in table.data if data.link.endswith("rows")
        ]
        lines = list(csv.reader(io.StringIO(str(files[data.path]))))
        assert len(lines) > total
        if data.path.startswith("data/table-"):
            assert lines[0] == [column.name for column in table.columns]


def test_beyond_a_hundred_rows_only_the_file_has_them() -> None:
    table = Table("Each arm", (), tuple((f"arm {n}",) for n in range(1024)))
    table = replace(table, columns=(Column("arm"),))
    shown, words = many.bounded(Section("x", "X", (table,))).blocks
    assert isinstance(shown, Table)
    assert isinstance(words, Prose)
    assert words.text == "These are the first 100 of 1\u202f024 rows; the CSV file has all."
    assert (len(shown.first), len(shown.rest)) == (6, 94)
    assert shown.data[0].text.count("\n") == 1025


def test_the_page_is_bounded_and_says_its_order(report: Report) -> None:
    page, post = str(html(report)["index.html"]), str(next(iter(markdown(report).values())))
    nodes = len(re.findall(r"<[a-z]", page))
    assert nodes < 25_000
    assert len(page.encode()) < 1_500_000
    for text in (page, post):
        assert "The 64 arms are sorted: ‘baseline’, then the others from the best mean on." in text
        assert "It shows 20 of 64 arms" in text
        assert "It shows 8 of 64 arms" in text


def test_a_notebook_shows_as_few(large: Findings) -> None:
    shown = shown_html(large)
    assert shown.count("<tr>") <= 4 * 21
    assert "These are the first 20 of 64 rows; the report has all." in shown


def test_gates_of_many_arms_are_counted_and_not_listed(large: Findings) -> None:
    (gate, *_) = large.gates
    training = Training((), 2, Interval(0.0, 0.8, 0.95, "made up"), {})
    gates = tuple(replace(gate, arm=arm.arm, training=training) for arm in large.arms)
    assert "Of 64 arms, all of 2 seeds trained" in gate_scope(replace(large, gates=gates))
