"""What kept a bisection from an answer is said with what helps, and nothing that does not."""

from __future__ import annotations

import pytest

from ablations.core.design import Arm
from ablations.core.estimates import Interval
from ablations.core.past import ArmChange, Bisected
from ablations.core.record import Metric
from ablations.text.commits.bisection import answer_lines


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        (
            None,
            "the change is the same at all 20 seeds, so that it has no interval; more seeds do not "
            "decide it",
        ),
        (Interval(-0.06, 0.001, 0.95, "t"), "with 20 seeds it is not decided; --seeds allows more"),
    ],
)
def test_more_seeds_are_advised_only_where_they_help(interval: Interval | None, said: str):
    change = ArmChange(Arm(()), 20, 0.6, 0.55, -0.05, interval, (0, 0), "inconclusive")
    found = Bisected("no-regression", 0, 1, (change,), ())
    accuracy = Metric("test_accuracy", 0.6, "fraction", "higher")
    lines = list(answer_lines(found, ["good", "bad"], metric=accuracy, margin=0.01))
    assert lines == ["no arm is shown to have regressed from good to bad", said]
