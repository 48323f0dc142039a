"""The figures of a report on axes for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes

from ablations.core.findings import Findings
from ablations.errors import StudyError


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    plt.close("all")
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("arms", "test accuracy, % (higher is better →)"),
        ("effects", "change in test accuracy, pp (higher is better →)"),
        ("steps", "step time, ms (← lower is better)"),
        ("cost", "fit time, s (← lower is better)"),
    ],
)
def test_one_plot_gives_its_axes(findings: Findings, name: str, label: str) -> None:
    before = dict(mpl.rcParams)
    axes = getattr(findings.plot, name)()
    assert isinstance(axes, Axes)
    assert axes.get_xlabel() == label
    assert plt.gcf() is axes.figure
    assert dict(mpl.rcParams) == before
    axes.set_title("Mine")
    axes.figure.canvas.draw()


@pytest.mark.parametrize(("name", "count"), [("interactions", 3), ("curves", 8)])
def test_small_plots_give_an_array_of_axes(findings: Findings, name: str, count: int) -> None:
    found = getattr(findings.plot, name)()
    assert found.shape == (count,)
    assert len({axes.figure for axes in found}) == 1
    assert all(axes.get_title(loc="left") for axes in found)


def test_the_axes_hold_the_numbers_of_the_findings(findings: Findings) -> None:
    axes = findings.plot.arms()
    drawn = {round(float(x), 6) for line in axes.lines for x in line.get_xdata()}
    for arm in findings.arms:
        mean = arm.mean("test_accuracy")
        assert mean is not None
        assert round(100 * mean, 6) in drawn


def test_what_there_is_nothing_of_is_one_line(findings: Findings) -> None:
    bare = [replace(arm, curves=(), timing=None, summaries={}) for arm in findings.arms]
    empty = replace(findings, arms=tuple(bare), effects=(), cells=())
    for name in ("arms", "effects", "interactions", "curves", "steps", "cost"):
        with pytest.raises(StudyError, match=r"there is nothing to draw\. Received: no "):
            getattr(empty.plot, name)()
    with pytest.raises(StudyError) as caught:
        empty.plot.curves()
    assert str(caught.value) == (
        "there is nothing to draw. Received: no epochs in the findings. It needs epochs: log.epoch "
        "reports them."
    )
    assert not plt.get_fignums()
