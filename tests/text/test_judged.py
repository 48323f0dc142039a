"""A history is said as checks: what regressed fails, what only differs in speed decides nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ablations.core.design import Factor, Level
from ablations.core.estimates import Interval, Verdict
from ablations.core.metrics import MetricInfo
from ablations.core.past import Commit, History, PastChange, SeriesFinding
from ablations.core.past import Level as Measured
from ablations.core.study import Study
from ablations.plan.designs import Wanted, lay_out
from ablations.text.judged import judged_history

FACTORS = (Factor("dropout", (Level("off", {}), Level("on", {}))),)
DESIGN = lay_out(Wanted("full-factorial", FACTORS))
STUDY = Study("small", "Small?", "", "m:f", {}, FACTORS, DESIGN, (0, 1, 2))
OLD, NEW = Commit("a" * 40, "2026-11-01T00:00:00Z"), Commit("b" * 40, "2026-11-02T00:00:00Z")
ACCURACY = MetricInfo("test_accuracy", "fraction", "higher")
TIME = MetricInfo("median_step_seconds", "seconds", "lower")
BOUNDS = Interval(-0.06, -0.04, 0.95, "t")


def series(verdict: Verdict, *, is_ratio: bool = False) -> SeriesFinding:
    levels = (Measured(OLD, 0.95, 3), Measured(NEW, 0.90, 3))
    changes = (PastChange(NEW, OLD, NEW, NEW, -0.05, BOUNDS, verdict, None),)
    return SeriesFinding(
        DESIGN.arms[1], TIME if is_ratio else ACCURACY, is_ratio, levels,
        changes if verdict == "regressed" else (), 4, 0.95, 0.01, 0.95 if is_ratio else -0.05,
        BOUNDS, 0.01, same=False, untrained=0, verdict=verdict,
    )  # fmt: skip


def history(*found: SeriesFinding, missing: int = 0) -> History:
    return History("small", (OLD, NEW), found, 0, 0, 1, missing)


def test_a_regression_is_a_check_that_failed_and_names_the_commit():
    judged = judged_history(STUDY, history(series("regressed")), 1)
    (check,) = judged.of_kind("history")
    assert (check.status, check.verdict, check.then, check.now) == (
        "failed", "regressed", "95.0%", "90.0%",
    )  # fmt: skip
    assert check.text == (
        "Of ‘dropout’: At the newest commit, bbbbbbbbbb (2 November 2026), test accuracy is 90.0%: "
        "−5.0\u202fpp [−6.0, −4.0]\u202fpp against 4 different states before it, which is a "
        "regression (at the level for 200 commits). Test accuracy ▼\u00a0regressed with bbbbbbbbbb (2 November 2026) by "
        "−5.0\u202fpp [−6.0, −4.0]\u202fpp."
    )
    assert (judged.status, judged.brief) == ("failed", "1 of 1 check failed")
    assert judged.open_checks == (check,)


@pytest.mark.parametrize(("is_ratio", "n"), [(False, 1), (True, 0)])
def test_what_is_inconclusive_is_open_unless_it_is_a_speed(is_ratio: bool, n: int):
    found = history(series("inconclusive", is_ratio=is_ratio))
    assert len(judged_history(STUDY, found, 3).open_checks) == n


def test_a_speed_of_few_commits_says_that_they_are_few():
    found = history(replace(series("inconclusive", is_ratio=True), change=None, interval=None))
    (check,) = judged_history(STUDY, found, 0).of_kind("history")
    assert "Too few commits have one of this machine since the last change" in check.text
    assert check.bounds == "–"


def test_an_interval_beside_a_verdict_of_another_level_says_so():
    (check,) = judged_history(STUDY, history(series("inconclusive")), 3).of_kind("history")
    assert check.text.endswith(
        "which is inconclusive (interval for this commit; a change takes the wider one for 200 "
        "commits)."
    )
    (sure,) = judged_history(STUDY, history(series("equivalent")), 0).of_kind("history")
    assert sure.text.endswith("which is equivalent (at the level for this commit).")


def test_trials_that_the_newest_commit_lacks_are_a_check_of_their_own():
    judged = judged_history(STUDY, history(series("equivalent"), missing=2), 4)
    (check,) = judged.open_checks
    assert (check.kind, check.status) == ("trials", "incomplete")
    assert check.text == (
        "The newest commit, bbbbbbbbbb (2 November 2026), lacks 2 trials of which the commit "
        "before has the metric."
    )
    whole = judged_history(STUDY, history(series("equivalent")), 0)
    assert (whole.status, whole.brief, whole.open_checks) == ("passed", "passed", ())
    same = history(replace(series("equivalent"), same=True))
    assert (
        "has the same results as the one before" in judged_history(STUDY, same, 0).headlines[0][0]
    )
