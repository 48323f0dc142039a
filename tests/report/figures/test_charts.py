from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.analyze.describe.averages import pareto_front, with_averages
from ablations.analyze.inference.intervals import summarize
from ablations.core.design import Arm
from ablations.core.estimates import Curve, Summary, TargetTime
from ablations.core.findings import Findings
from ablations.core.metrics import MetricInfo, Unit
from ablations.report.figures import charts, training_charts
from ablations.report.figures.dots import MOST, DotPlot, Row
from ablations.report.figures.layout import shorten, spaced, wrapped
from ablations.report.figures.theme import style
from ablations.report.sections.cost import (
    cost_headline,
    cost_table,
    cost_table_reading,
    target_reading,
    target_table,
)
from ablations.report.sections.curves import curves_headline
from ablations.text.formatting import number

Make = Callable[..., Findings]


def test_arms_keep_their_order_and_the_reference_is_the_line(findings: Findings) -> None:
    chart = charts.arms_chart(findings)
    assert [row.label for row in chart.rows][:3] == ["baseline", "transfer", "preprocessing"]
    assert chart.line == chart.rows[0].middle
    assert chart.axis == "test accuracy, % (higher is better →)"
    assert all(len(row.dots) == 3 for row in chart.rows)


def test_seconds_choose_their_scale_and_say_that_lower_is_better(make: Make) -> None:
    chart = charts.arms_chart(make(metric=MetricInfo("latency_seconds", "seconds", "lower")))
    assert chart.axis == "latency time, ms (← lower is better)"
    assert max(chart.scale.place(dot) for row in chart.rows for dot in row.dots) > 100


def test_inconclusive_effects_are_hollow_and_verdicts_have_colours(findings: Findings) -> None:
    chart = charts.effects_chart(findings)
    assert chart is not None
    by_label = {row.label: row for row in chart.rows}
    assert by_label["augmentation × transfer"].colour == "vermillion"
    assert by_label["transfer instead of scratch"].colour == "blue"
    assert by_label["augmentation × preprocessing"].hollow


def test_interaction_cells_give_the_interaction_back(findings: Findings) -> None:
    pair = ("augmentation", "initialization")
    cells = {c.levels: [v for _, v in c.per_seed] for c in findings.cells if c.factors == pair}
    mean = {levels: sum(values) / len(values) for levels, values in cells.items()}
    gain = {level: mean["on", level] - mean["off", level] for level in ("scratch", "transfer")}
    effect = next(
        e
        for e in findings.effects
        if [c.factor for c in e.changes] == ["augmentation", "initialization"]
    )
    assert gain["transfer"] - gain["scratch"] == pytest.approx(effect.estimate)


def test_curves_prefer_accuracy_then_loss_then_anything(findings: Findings) -> None:
    assert training_charts.curve_metrics(findings) == ("accuracy", "val_accuracy")

    def keep(*names: str) -> Findings:
        arms = tuple(
            replace(a, curves=tuple(c for c in a.curves if c.metric in names))
            for a in findings.arms
        )
        return replace(findings, arms=arms)

    assert training_charts.curve_metrics(keep("loss", "val_loss")) == ("loss", "val_loss")
    assert training_charts.curve_metrics(keep("loss")) == ("loss",)
    assert training_charts.curves_chart(keep()) is None


def test_a_mean_curve_ends_with_its_shortest_run(findings: Findings) -> None:
    arm = findings.arms[0]
    cut = tuple(replace(c, values=c.values[:5]) if c.seed == 0 else c for c in arm.curves)
    found = with_averages(replace(findings, arms=(replace(arm, curves=cut),), effects=()))
    chart = training_charts.curves_chart(found)
    assert chart is not None
    assert len(chart.panels[0].lines[0].mean) == 5


def test_of_many_seeds_those_that_are_drawn_one_by_one_say_what_they_are(
    findings: Findings,
) -> None:
    seeds = range(MOST + 10)
    arm = findings.arms[0]
    curves = tuple(Curve(seed, "accuracy", (0.1, 0.2)) for seed in seeds)
    own = arm.summaries[findings.metric.name]
    many = replace(own, values=tuple((seed, 0.5) for seed in seeds))
    arm = replace(arm, curves=curves, summaries={findings.metric.name: many})
    found = with_averages(replace(findings, arms=(arm,), effects=()))
    chart = training_charts.curves_chart(found)
    assert chart is not None
    assert chart.panels[0].lines[0].says == tuple(f"seed {seed}: 20.0%" for seed in seeds[:MOST])
    assert charts.arms_chart(found).rows[0].says == ()  # its dots are quantiles


def test_charts_without_data_are_left_out(nothing: Findings) -> None:
    assert charts.effects_chart(nothing) is None
    assert charts.interaction_chart(nothing) is None
    assert training_charts.steps_chart(nothing) is None
    assert training_charts.cost_chart(nothing) is None


def test_a_crowded_cost_plot_labels_the_best_and_the_reference(make: Make) -> None:
    levels = {f"v{i}": {"x": i} for i in range(20)}
    chart = training_charts.cost_chart(make(factors={"variant": levels}))
    assert chart is not None
    assert [point.label for point in chart.points if point.label] == ["v0", "v19"]


@given(st.lists(st.floats(0, 100), max_size=12), st.floats(0.1, 5))
def test_spaced_labels_never_overlap(places: list[float], gap: float) -> None:
    moved = spaced(sorted(places), gap, top=100)
    assert all(b - a >= gap * 0.999 for a, b in pairwise(moved))
    assert all(place <= 100 for place in moved)


def test_labels_are_cut_or_broken_to_fit() -> None:
    assert shorten("augmentation", 30) == "aug…"
    assert shorten("short", 300) == "short"
    assert wrapped("augmentation + preprocessing", 120) == "augmentation +\npreprocessing"


def test_the_line_to_compare_with_is_always_in_view() -> None:
    row = Row("far away", (-50.0, -40.0), -45.0, (-52.0, -38.0))
    with style():
        figure = DotPlot((row,), "change", line=0.0, line_label="no effect").figure(800)
    low, high = figure.axes[0].get_xlim()
    assert low < -52.0
    assert high > 0.0


def test_the_front_joins_the_points_that_no_cheaper_one_equals_or_beats() -> None:
    places = [(1.0, 0.6), (2.0, 0.5), (3.0, 0.9), (3.0, 0.8), (4.0, 0.9), (5.0, 0.95)]
    arms = {Arm((("arm", f"{x} {y}"),)): (x, y) for x, y in places}
    lower = {arm: (x, -y) for arm, (x, y) in arms.items()}
    front = [arms[arm] for arm in pareto_front(arms)]
    assert front == [(1.0, 0.6), (3.0, 0.9), (5.0, 0.95)]
    assert [arms[arm] for arm in pareto_front(lower)] == [(1.0, 0.6), (2.0, 0.5)]


def test_the_table_of_costs_has_the_time_without_sharing_only_where_work_was_shared(
    findings: Findings,
) -> None:
    def costing(full: float) -> Findings:
        values = {"training_flops": 1e6, "fit_seconds": 2.0, "full_fit_seconds": full}
        units: dict[str, Unit] = dict.fromkeys(values, "seconds")
        own = {
            name: Summary(MetricInfo(name, units[name], "lower"), ((0, v),), v, None, v, v, v, None)
            for name, v in values.items()
        }
        arms = tuple(replace(arm, summaries=arm.summaries | own) for arm in findings.arms)
        return replace(findings, arms=arms)

    for full, shown in ((2.0, False), (5.0, True)):
        table = cost_table(costing(full))
        assert table is not None
        assert ("fit time, nothing shared" in [c.name for c in table.columns]) is shown
        assert ("where another trial did it" in cost_table_reading(costing(full))) is shown


def test_the_headline_of_the_curves_says_which_of_the_two_is_higher(findings: Findings) -> None:
    def shifted(by: float) -> str:
        arms = tuple(
            replace(
                arm, curves=(Curve(0, "accuracy", (0.5,)), Curve(0, "val_accuracy", (0.5 + by,)))
            )
            for arm in findings.arms[:1]
        )
        some = with_averages(replace(findings, arms=arms, effects=()))
        chart = training_charts.curves_chart(some)
        assert chart is not None
        return curves_headline(some, chart)

    assert shifted(0.125).endswith("in ‘baseline’: validation accuracy is 12.5\u202fpp higher")
    assert shifted(-0.125).endswith("in ‘baseline’: validation accuracy is 12.5\u202fpp lower")
    assert shifted(0.0) == "Training and validation end at the same values"


def test_the_headline_of_costs_gives_the_means_that_its_figure_shows(findings: Findings) -> None:
    mean = findings.arm(findings.study.reference).summaries["fit_seconds"].mean
    headline = cost_headline(findings, "fit_seconds")
    assert headline.startswith("Mean fit time: ")
    assert headline.endswith(f", and {number(mean, 'seconds')} for the baseline")
    baseline = replace(findings, best=findings.study.reference)
    assert cost_headline(baseline, "fit_seconds") == "What the arms cost, and what they reach"


def test_the_target_table_says_who_reached_the_target_and_when(findings: Findings) -> None:
    assert cost_table(findings) is None  # nothing but times, which other tables show
    assert target_table(findings) is None
    times = (
        TargetTime(5, 5, 41.6, 18.2, None, None),
        TargetTime(5, 5, 9.1, 9.0, 9.7, 0.002),
        TargetTime(5, 1, None, None, None, 0.6),
    )
    arms = tuple(
        replace(arm, target_time=time) for arm, time in zip(findings.arms, times, strict=False)
    )
    table = target_table(replace(findings, arms=arms, target=0.7))
    assert table is not None
    own = "Training time until validation accuracy reached 70.0%"
    assert table.caption == f"{own}, the mean at which the baseline ends"
    named = replace(findings.study, target_accuracy=0.7)
    table_named = target_table(replace(findings, study=named, arms=arms, target=0.7))
    assert table_named is not None
    assert table_named.caption == own
    assert [row[1:] for row in table.rows] == [
        ("5 of 5", "41.6\u202fs", "18.2\u202fs or more", "–"),
        ("5 of 5", "9.1\u202fs", "9.0\u202fs to 9.7\u202fs", "0.002"),
        ("1 of 5", "–", "–", "0.60"),
    ]
    few = tuple(
        replace(arm, target_time=arm.target_time and replace(arm.target_time, low=None, p=None))
        for arm in arms[2:]
    )
    bare = replace(findings, arms=few, target=0.7)
    table = target_table(bare)
    assert table is not None
    assert [column.name for column in table.columns] == ["arm", "reached", "median time"]
    assert "log-rank" not in target_reading(bare)
    assert "log-rank" in target_reading(replace(findings, arms=arms))


def test_the_reading_of_times_to_a_target_is_about_them(findings: Findings) -> None:
    assert "counting those that never did" in (target_reading(findings))


def test_arms_whose_time_to_the_target_is_unknown_are_named(findings: Findings) -> None:
    frozen = summarize(MetricInfo("frozen_seconds", "seconds", "neither"), [(0, 8.0)])
    arms = tuple(
        replace(arm, target_time=None, summaries={**arm.summaries, "frozen_seconds": frozen})
        for arm in findings.arms[:1]
    )
    assert "The times of the baseline are not known" in target_reading(replace(findings, arms=arms))
    assert "are not known" not in target_reading(findings)


def test_a_quick_step_beside_slow_ones_is_not_written_as_none(findings: Findings) -> None:
    medians = (0.0022, 1.934)
    arms = tuple(
        replace(arm, timing=replace(arm.timing, quantiles=(median,) * 101))
        for arm, median in zip(findings.arms, medians, strict=False)
        if arm.timing
    )
    chart = training_charts.steps_chart(replace(findings, arms=arms))
    assert chart is not None
    assert [row.note for row in chart.rows] == [number(0.0022, "seconds"), "1.9\u202fs"]
