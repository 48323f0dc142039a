"""Figures of numbers of any size: nothing raises or warns, and what is not shown is said."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from typer.testing import CliRunner

from ablations.analyze.describe.averages import with_averages
from ablations.cli.app import app
from ablations.core.estimates import Curve
from ablations.core.findings import Findings
from ablations.core.metrics import MetricInfo, Unit
from ablations.report.figures.axes import CROWDED, CUT, LEFT_OUT, LOGARITHMIC, PLAIN, fit
from ablations.report.figures.dots import DotPlot, Row, thumbnail_figure
from ablations.report.figures.histograms import Histograms
from ablations.report.figures.panels import (
    Histories,
    Line,
    Panel,
    Panels,
    curve_figure,
    interaction_figure,
)
from ablations.report.figures.scatter import Point, Scatter
from ablations.report.figures.svg import draw
from ablations.report.figures.theme import NARROW, WIDE, style
from ablations.report.writing import render_report
from ablations.text.formatting import interval, number

Make = Callable[..., Findings]
HUGE, TINY = 1.7976931348623157e308, 5e-324
FLOATS = st.one_of(
    st.floats(allow_nan=False),
    st.sampled_from([0.0, 0.5, 0.7, 1e20, 1e200, HUGE, -HUGE, TINY, -TINY, 1e-300, math.inf]),
)
BOUNDS = st.none() | st.tuples(FLOATS, FLOATS).map(lambda pair: (min(pair), max(pair)))
FEW = settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.generate))


def drawn_twice(lay_out: Callable[[int], Figure]) -> None:
    """Draws for page and phone; equal numbers give equal bytes, and XML that can be read."""
    with style():
        wide, again, narrow = (draw(lay_out(width)) for width in (WIDE, WIDE, NARROW))
        assert wide == again
        for svg in (wide, narrow):
            assert not re.search(r"\b(nan|inf)\b", svg)
            ET.fromstring(svg)


ROWS = st.builds(
    Row,
    label=st.just("arm"),
    dots=st.lists(FLOATS, max_size=4).map(tuple),
    middle=st.none() | FLOATS,
    bar=BOUNDS,
    thin=BOUNDS,
    diamond=st.none() | FLOATS,
    note=FLOATS.map(number),
    detail=st.tuples(FLOATS, FLOATS).map(lambda ends: interval(*ends)),
)


@FEW
@given(st.lists(ROWS, min_size=1, max_size=3), st.none() | FLOATS, BOUNDS)
@example([Row("a", (1e308,), 1e308, (-1e308, 1e308))], 0.0, (-1e-300, 1e-300))
def test_any_dot_plot_is_drawn(rows: list[Row], line: float | None, band: object) -> None:
    data = DotPlot(tuple(rows), "axis", line, "line", band)  # type: ignore[arg-type]  # two ends
    drawn_twice(data.figure)
    drawn_twice(lambda _: thumbnail_figure(data))
    assert data.notes.count("\n") == 0


@FEW
@given(st.lists(st.lists(FLOATS, min_size=2, max_size=2), min_size=1, max_size=4), BOUNDS)
def test_any_curves_are_drawn(runs: list[list[float]], bounds: tuple[float, float] | None) -> None:
    low, high = bounds or (0.0, 1.0)
    lines = tuple(Line("a line", tuple(run), (tuple(run), tuple(run[::-1]))) for run in runs)
    panels = tuple(Panel("title", (line,), ("off", "on"), "x") for line in lines)
    shown = (low, high) if math.isfinite(low) and low < high < math.inf else (0.0, 1.0)
    data = Panels(panels, "axis", shown, ("training", "validation"))
    drawn_twice(lambda width: curve_figure(data, width))
    drawn_twice(lambda width: interaction_figure(data, width))
    drawn_twice(Histories((data, data)).figure)


@FEW
@given(st.lists(st.builds(Point, st.just("arm"), FLOATS, FLOATS, BOUNDS, st.just("blue"))))
def test_any_cost_plot_is_drawn(points: list[Point]) -> None:
    log = bool(points) and min(point.x for point in points) > 0
    data = Scatter(tuple(points), "x", "y", log=log, front=tuple(points))
    drawn_twice(data.figure)


@FEW
@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS).filter(lambda b: all(map(math.isfinite, b)))))
def test_any_histogram_is_drawn(bins: list[tuple[float, float, float]]) -> None:
    data = Histograms({"title": bins}, "share, %")
    drawn_twice(data.figure)


def test_numbers_over_many_decades_stand_on_a_logarithmic_axis() -> None:
    rows = (Row("a", (0.5, 1e20), 5e19, (-1e20, 2e20)), Row("b", (0.5, 0.6), 0.55, (0.4, 0.7)))
    data = DotPlot(rows, "loss")
    assert data.notes == f"{LOGARITHMIC} {CUT}"
    with style():
        axes = data.figure(WIDE).axes[0]
        labels = [tick.get_text() for tick in axes.get_xticklabels()]
    assert axes.get_xlabel() == "loss, logarithmic"
    assert {"10⁰", "10²⁰"} <= set(labels)


def test_numbers_on_both_sides_of_zero_are_divided_by_a_power_of_ten() -> None:
    data = DotPlot((Row("a", (-1e20, 0.5), -5e19, None), Row("b", (0.5,), 0.5, None)), "change")
    assert data.notes == CROWDED
    with style():
        axes = data.figure(WIDE).axes[0]
    assert axes.get_xlabel() == "change, ×10²⁰"
    assert axes.get_xlim()[0] == pytest.approx(-1, abs=0.1)


def test_what_cannot_be_drawn_is_said() -> None:
    assert DotPlot((Row("a", (math.inf, 0.5), 0.5, None),), "x").notes == LEFT_OUT


def test_everyday_numbers_keep_their_axis() -> None:
    assert fit([0.0, 1.0]) == fit([93.1, 97.2], [0.0, 99.0]) == fit([1e-5, 9.0], [-8.0]) == PLAIN
    assert fit([]) == fit([0.0]) == PLAIN


@pytest.mark.parametrize(
    ("unit", "values"),
    [
        ("number", (1e20, 0.5, 0.7)),
        ("fraction", (1e308, -1e308)),
        ("seconds", (1e308,)),
        ("bytes", (1e200, 1.0)),
        ("count", (1e300, 1.0)),
        ("per second", (1e-300, TINY)),
    ],
)
def test_a_report_of_any_numbers_is_rendered_in_short_words(
    make: Make, tmp_path: Path, unit: Unit, values: tuple[float, ...]
) -> None:
    found = make(metric=MetricInfo("test_loss", unit, "lower"))
    page = render_report(scattered(found, values), tmp_path)
    text = re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8").split("</style>")[-1])
    assert not re.search(r"\binf\b|\bnan\b|\d{25}|(\d{3}\u202f){5}", text)


HUGE_TRAINING = """
VALUES = [1e308, -1e308, 0.5, 1e20, 1e300, 5e-324, 1.7e308]
RESULTS = [1e100, -1e100, 0.5, 1e20, 1e99, 5e-324, 9e99]


def train(trial, log):
    at = trial.seed * 3 + len(trial.settings)
    for epoch in range(3):
        log.steps([0.01, 0.02])
        log.epoch(loss=abs(VALUES[(at + epoch) % 7]), val_loss=VALUES[(at + 2 * epoch) % 7])
    log.metric("test_accuracy", RESULTS[at % 7], unit="number", better="lower")
    log.metric("fit_seconds", abs(RESULTS[(at + 1) % 7]), unit="seconds", better="lower")
"""


def test_a_study_of_huge_numbers_ends_in_a_report(study_path: Path) -> None:
    (module,) = study_path.parent.glob("training_*.py")
    module.write_text(HUGE_TRAINING)
    done = CliRunner().invoke(app, ["run", str(study_path), "--jobs", "1"])
    assert done.exit_code == 0, done.stderr
    assert Path("reports/small/index.html").is_file()


def scattered(findings: Findings, values: tuple[float, ...]) -> Findings:
    """Puts the values into every summary, interval and curve."""
    arms = []
    for place, arm in enumerate(findings.arms):
        own = [values[(place + i) % len(values)] for i in range(3)]
        summary = arm.summaries["test_loss"]
        changed = replace(
            summary,
            values=tuple((seed, value) for (seed, _), value in zip(summary.values, own, strict=True)),
            mean=own[0], sd=abs(own[1]), median=own[1], minimum=min(own), maximum=max(own),
        )  # fmt: skip
        curves = tuple(Curve(c.seed, c.metric, tuple(own * 4)) for c in arm.curves)
        summaries = {**arm.summaries, "test_loss": changed}
        arms.append(replace(arm, summaries=summaries, curves=curves))
    effects = [replace(effect, estimate=values[0]) for effect in findings.effects]
    return with_averages(replace(findings, arms=tuple(arms), effects=tuple(effects)))
