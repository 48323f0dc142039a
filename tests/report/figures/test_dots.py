"""More seeds than can be told apart are shown by the quantiles of their distribution."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from ablations.report.figures.dots import MOST, QUANTILES, DotPlot, Row, dots_of, plot_rows
from ablations.report.figures.panels import FIRST, Line, Panel, Panels, fitted
from ablations.report.figures.theme import WIDE


def drawn_dots(values: tuple[float, ...]) -> np.ndarray:
    axes = Figure().add_subplot()
    axes.set_ylim(1, 0)
    row = Row("arm", values, float(np.mean(values)), None)
    plot_rows(axes, DotPlot((row,), "accuracy"), [0.5], reach=0.5)
    found = [c.get_offsets()[:, 0] for c in axes.collections if len(c.get_offsets()) > 1]
    return np.sort(np.concatenate(found))


def test_fifty_seeds_are_drawn_as_they_are() -> None:
    values = tuple(np.random.default_rng(0).normal(size=MOST))
    np.testing.assert_allclose(drawn_dots(values), np.sort(values))
    assert DotPlot((Row("arm", values, None, None),), "x").notes == ""


def test_more_are_drawn_as_fifty_of_their_values_with_equal_shares() -> None:
    values = tuple(float(n) for n in np.random.default_rng(0).permutation(500))
    # The middle one of each ten: the 5th, the 15th, ...
    np.testing.assert_allclose(drawn_dots(values), np.arange(4, 500, 10))
    assert DotPlot((Row("arm", values, None, None),), "x").notes == QUANTILES


def test_two_humps_stay_two_humps_in_their_shares() -> None:
    values = (0.5,) * 200 + (0.9,) * 600
    assert np.unique(dots_of(values), return_counts=True)[1].tolist() == [13, 37]


def test_percentiles_in_place_of_more_steps_are_left_alone() -> None:
    row = Row("arm", tuple(range(99)), None, None)
    assert DotPlot((row,), "x", ticks_for_dots=True).notes == ""


def test_curves_of_the_first_seeds_are_drawn_and_the_mean_of_all() -> None:
    seeds = tuple((float(n), float(n)) for n in range(60))
    panels = Panels((Panel("arm", (Line("accuracy", (29.5, 29.5), seeds),)),), "y", (0.0, 60.0))
    (line,) = fitted(panels).panels[0].lines
    assert line.seeds == seeds[:MOST]
    assert line.mean == (29.5, 29.5)
    assert panels.notes == FIRST


def test_dots_of_a_panel_are_quantiles_at_each_place() -> None:
    runs = tuple((float(n), float(-n)) for n in range(100))
    line = Line("on", (49.5, -49.5), runs)
    panels = Panels((Panel("a × b", (line,), ("off", "on"), "a"),), "y", (-100.0, 100.0))
    found = np.array(fitted(panels).panels[0].lines[0].seeds)
    assert panels.notes == QUANTILES
    np.testing.assert_allclose(found[:, 0], np.arange(0, 100, 2))
    np.testing.assert_allclose(np.sort(-found[:, 1]), np.arange(1, 100, 2))


def places_of(values: tuple[float, ...]) -> np.ndarray:
    axes = Figure(figsize=(6, 2)).add_subplot()
    axes.set_ylim(1, 0)
    plot_rows(axes, DotPlot((Row("arm", values, None, None),), "accuracy"), [0.5], reach=0.5)
    axes.figure.savefig(io.BytesIO(), format="svg")
    return np.asarray(next(c for c in axes.collections if len(c.get_offsets()) > 1).get_offsets())


def test_seeds_that_agree_are_drawn_beside_each_other_by_turns_in_their_order() -> None:
    found = places_of((0.5, 0.9, 0.5, 0.5))
    np.testing.assert_allclose(found[:, 0], [0.5, 0.9, 0.5, 0.5], atol=1e-11)
    first, alone, second, third = found[:, 1] - 0.3
    np.testing.assert_allclose([first, alone], 0, atol=1e-9)
    assert second == pytest.approx(-third)
    assert abs(second) > 0.01


def words_of(label: str, *, width: int) -> list[str]:
    row = Row(label, (0.6, 0.62), 0.61, (0.6, 0.62), note="61.0%", detail="[60.0%, 62.0%]")
    [axes] = DotPlot((row,), "accuracy").figure(width).axes
    return [text.get_text().strip() for text in axes.texts]


def test_a_phone_shows_intervals_where_they_cut_no_label_short() -> None:
    assert words_of("augmentation", width=360) == ["augmentation", "61.0% [60.0%, 62.0%]"]
    long = "augmentation + preprocessing + transfer"
    assert words_of(long, width=360) == [long, "61.0%"]
    assert words_of(long, width=WIDE) == [long, "61.0% [60.0%, 62.0%]"]
