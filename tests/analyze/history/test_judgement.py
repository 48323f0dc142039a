"""Lines of a history become verdicts: states, machines, data, networks that did not train."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from ablations.analyze.history.judgement import (
    commits_to_keep,
    history_exit_code,
    judge_history,
    with_simulation,
)
from ablations.core.study import Study
from ablations.errors import StoreError
from ablations.records.history import Line
from ablations.report.formats.checks.github_annotations import github_annotations
from ablations.text.commits.history import history_lines, level_lines
from ablations.text.judged import judged_history


@pytest.fixture
def judged(study: Study) -> Study:
    return dataclasses.replace(study, smallest_effect_that_matters=0.01)


def lines(study: Study, shifts, *, sd=0.002, speed=None, seeds=5, seed=0, **given) -> list[Line]:
    """A commit for each shift of the first arm's accuracy; 0 noise repeats the commit before."""
    rng, found = np.random.default_rng(seed), []
    base = 0.02 * np.random.default_rng(1).standard_normal(seeds)
    noise = np.zeros((len(study.arms), seeds))
    for place, shift in enumerate(shifts):
        if shift is not None:
            noise = sd * rng.standard_normal(noise.shape)
            last = shift
        for i, arm in enumerate(study.arms):
            for own in range(seeds):
                accuracy = 0.8 + base[own] + noise[i, own] + (last if i == 0 else 0)
                metrics = {"test_accuracy": accuracy, "test_loss": 1 - accuracy}
                if speed:
                    metrics["median_step_seconds"] = speed(place) * (1 + 0.001 * own)
                found.append(Line(
                    1, study.report_name, f"{place:040x}", f"2026-01-{place + 1:02}T00:00:00Z",
                    dict(arm.levels), own, given.get("data", lambda _: "d")(place),
                    given.get("machine", lambda _: "m")(place), "e", metrics,
                ))  # fmt: skip
    return found


def test_a_commit_without_a_change_is_equivalent(judged: Study):
    found = judge_history(judged, lines(judged, [0.0] * 8))
    assert {own.verdict for own in found.series} == {"equivalent"}
    assert [own.n_before for own in found.series] == [7] * len(judged.arms)
    assert history_exit_code(found) == 0
    assert list(history_lines(judged, found)) == []


def test_each_commit_has_the_interval_of_its_mean_over_seeds_and_a_speed_has_none(judged: Study):
    own = lines(judged, [0.0] * 3, speed=lambda _: 0.1)
    found = judge_history(judged, own)
    level = found.series[0].levels[1]
    values = [
        line.metrics["test_accuracy"]
        for line in own
        if line.commit == level.commit.name and line.arm == dict(judged.arms[0].levels)
    ]
    expected = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert level.interval is not None
    assert (level.n, level.mean) == (5, pytest.approx(np.mean(values)))
    assert (level.interval.low, level.interval.high) == pytest.approx(expected)
    speeds = [series.levels[1] for series in found.series if series.is_ratio]
    assert [level.interval for level in speeds] == [None] * len(judged.arms)
    assert speeds[0].mean == pytest.approx(0.1 * stats.gmean([1 + 0.001 * i for i in range(5)]))
    alone = judge_history(judged, lines(judged, [0.0], seeds=1))
    assert alone.series[0].levels[0].interval is None


def test_a_regression_is_told_once_and_stays_listed(judged: Study):
    shifts = [0.0] * 8 + [-0.04] * 4
    codes = [
        history_exit_code(judge_history(judged, lines(judged, shifts[:n]))) for n in (8, 9, 10, 12)
    ]
    assert codes == [0, 1, 0, 0]
    found = judge_history(judged, lines(judged, shifts))
    (change,) = found.series[0].changes
    assert change.commit.name == f"{8:040x}"
    assert (change.verdict, change.vanished) == ("regressed", None)
    assert change.interval.high < -0.01
    assert found.series[0].n_before == 3
    assert not any(own.changes for own in found.series[1:])
    (line,) = history_lines(judged, found)
    assert "▼\u00a0regressed with 0000000000 (9 January 2026) by −4" in line


def test_a_regression_that_vanishes_says_when(judged: Study):
    found = judge_history(judged, lines(judged, [0.0] * 6 + [-0.04] * 3 + [0.0] * 3))
    first, second = found.series[0].changes
    assert (first.verdict, second.verdict) == ("regressed", "improved")
    assert first.vanished == second.commit
    said = list(history_lines(judged, found))
    assert len(said) == 2
    assert said[1].endswith("; vanished with 0000000000 (10 January 2026)")


def test_commits_with_the_same_results_are_one_state(judged: Study):
    found = judge_history(judged, lines(judged, [0.0, None, None, 0.001, None]))
    assert all(own.same and own.n_before == 1 for own in found.series)
    assert len(found.series[0].levels) == 5
    again = judge_history(judged, lines(judged, [0.0, None]))
    assert [own.change for own in again.series] == [None] * len(judged.arms)


@pytest.mark.parametrize("shifts", [[0.0], [0.0, 0.01], [0.0] * 4 + [-0.04], [0.0] * 8])
def test_the_results_of_the_commit_before_are_no_change(judged: Study, shifts):
    found = judge_history(judged, lines(judged, [*shifts, None]))
    assert {own.verdict for own in found.series} == {"equivalent"}
    assert history_exit_code(found) == 0
    told = judged_history(judged, found, 0)
    assert told.status == "passed"
    assert not told.open_checks
    assert told.headlines[0][0].endswith("has the same results as the one before.")
    warned = github_annotations(told)["github-annotations.txt"]
    assert warned.count("\n") == 1
    assert warned.startswith("::notice ")


def test_a_speed_that_regressed_with_the_same_results_is_told_first(judged: Study):
    days = np.exp(0.01 * np.random.default_rng(4).standard_normal(20))
    given = lines(judged, [0.0] + [None] * 19, speed=lambda i: days[i] * (2.0 if i == 19 else 1.0))
    found = judge_history(judged, given)
    assert history_exit_code(found) == 1
    assert "brought to light: " in judged_history(judged, found, 1).headlines[0][0]


def test_a_first_commit_has_nothing_to_be_compared_with(judged: Study):
    found = judge_history(judged, lines(judged, [0.0]))
    assert {(own.verdict, own.change, own.before) for own in found.series} == {
        ("inconclusive", None, None)
    }
    assert history_exit_code(found) == 3
    assert with_simulation(found) is None


def test_speed_allows_for_the_days_that_were_seen(judged: Study):
    days = np.exp(0.03 * np.random.default_rng(4).standard_normal(20))
    steady = judge_history(judged, lines(judged, [0.0] * 20, speed=lambda i: days[i]))
    speeds = [own for own in steady.series if own.is_ratio]
    assert len(speeds) == len(judged.arms)
    assert not any(own.changes for own in speeds)
    slower = lines(judged, [0.0] * 20, speed=lambda i: days[i] * (2.0 if i == 19 else 1.0))
    found = judge_history(judged, slower)
    assert {own.verdict for own in found.series if own.is_ratio} == {"regressed"}
    assert history_exit_code(found) == 1
    assert found.series[-1].change == pytest.approx(2.0, rel=0.2)


def test_speed_of_another_machine_and_results_on_other_data_are_left_out(judged: Study):
    given = {"machine": lambda i: "old" if i < 3 else "m", "data": lambda i: "x" if i < 1 else "d"}
    found = judge_history(judged, lines(judged, [0.0] * 6, speed=lambda i: 1.0, **given))
    assert (found.n_other_data, found.n_other_machines) == (1, 2)
    said = list(history_lines(judged, found))
    assert said == [
        "1 commit left out: measured on other data",
        "speeds of 2 commits left out: measured on another machine",
    ]
    assert [own.n_before for own in found.series if not own.is_ratio] == [4] * len(judged.arms)
    assert [own.n_before for own in found.series if own.is_ratio] == [2] * len(judged.arms)


def test_networks_that_did_not_train_are_in_no_mean_and_leave_it_undecided(judged: Study):
    given = lines(judged, [0.0] * 6)
    last = given[-1]
    given[-1] = dataclasses.replace(
        last, metrics={"test_accuracy": 0.5, "test_loss": 1.0}, trained=False
    )
    found = judge_history(judged, given)
    assert found.series[-1].untrained == 1
    assert found.series[-1].levels[-1].n == 4
    assert found.series[-1].verdict == "inconclusive"
    assert history_exit_code(found) == 3
    assert "1 network of the newest commit did not train and is in no mean here" in next(
        iter(history_lines(judged, found))
    )


def test_trials_that_the_newest_commit_lacks_are_counted(judged: Study):
    found = judge_history(judged, lines(judged, [0.0] * 3)[:-2])
    assert found.missing == 2
    assert history_exit_code(found) == 4


def test_a_metric_that_the_newest_commit_lacks_is_missing(judged: Study):
    given = lines(judged, [0.0] * 3)
    given[-1] = dataclasses.replace(given[-1], metrics={"test_loss": 1.0})
    found = judge_history(judged, given)
    assert (found.missing, history_exit_code(found)) == (1, 4)


def test_a_metric_whose_unit_changed_is_refused(judged: Study):
    given = lines(judged, [0.0] * 3)
    given[-1] = dataclasses.replace(given[-1], units={"test_accuracy": ("number", "higher")})
    with pytest.raises(StoreError, match="more than one unit or direction"):
        judge_history(judged, given)


def test_arms_that_are_gone_and_machines_that_mix_are_said(judged: Study):
    given = lines(judged, [0.0] * 4)
    old = [line for line in given if line.commit != given[-1].commit]
    new = [line for line in given if line.commit == given[-1].commit][5:]
    other = [dataclasses.replace(line, machine="other") for line in new]
    found = judge_history(judged, [*old, *new, *other])
    assert found.gone == judged.arms[:1]
    said = list(history_lines(judged, found))
    assert said[0].startswith("the newest commit was measured on 2 machines")
    assert said[1] == (
        f"not judged, as the newest commit or the study lacks them: {judged.arms[0].name}"
    )


def test_what_is_kept_shows_each_change_as_it_was_found(judged: Study):
    given = lines(judged, [0.0] * 12 + [-0.014] * 16, sd=0.004)
    whole = judge_history(judged, given)
    (change,) = whole.series[0].changes
    assert change.found != change.commit  # one commit alone does not show it
    kept = commits_to_keep(judged, given, 2)
    again = judge_history(judged, [line for line in given if line.commit in kept])
    assert [own.found for own in again.series[0].changes] == [change.found]
    assert commits_to_keep(judged, lines(judged, [0.0] * 20), 2) == {
        f"{place:040x}" for place in (0, 18, 19)
    }


def test_a_history_without_the_metric_is_refused(judged: Study):
    given = [dataclasses.replace(line, metrics={"other": 1.0}) for line in lines(judged, [0.0] * 2)]
    with pytest.raises(StoreError, match=r"has nothing of .* to judge"):
        judge_history(judged, given)


def test_a_history_of_speeds_alone_decides_nothing(judged: Study):
    timed = [
        dataclasses.replace(line, metrics={"trial_seconds": 1.0 + line.seed / 10})
        for line in lines(judged, [0.0] * 2)
    ]
    found = judge_history(judged, timed)
    assert all(own.is_ratio for own in found.series)
    assert history_exit_code(found) == 3
    (said,) = history_lines(judged, found)
    assert said.startswith("no commit has the study's metric, so nothing is decided")
    as_told = judge_history(dataclasses.replace(judged, metric="trial_seconds"), timed)
    assert not list(history_lines(judged, as_told))


def test_the_simulation_has_the_spread_of_the_history(judged: Study):
    found = judge_history(judged, lines(judged, [0.0] * 12, sd=0.005))
    spread, simulated = with_simulation(found)
    assert spread == pytest.approx(0.5, rel=0.35)
    assert simulated.false_alarms <= 0.05
    assert all(map(np.less_equal, simulated.at_once, simulated.found))
    assert simulated.at_once[0] < simulated.at_once[3] == 1
    assert simulated.found[0] < simulated.found[1] <= simulated.found[2] <= simulated.found[3] == 1


def test_a_change_beyond_the_margin_that_is_not_sure_enough_yet_is_explained(judged: Study):
    found = judge_history(judged, lines(judged, [0.0, 0.0, -0.03], sd=0.006))
    (own,) = [own for own in found.series if own.levels[-1].mean < 0.79]
    assert own.interval.high < -own.margin
    assert own.verdict == "inconclusive"
    assert [*level_lines(found)] == [
        "intervals are those of this commit; a change takes the wider one for 200 commits, so that "
        "one beyond the margin may be inconclusive here"
    ]
    still = judge_history(judged, lines(judged, [0.0] * 8))
    assert [*level_lines(still)] == []


def test_a_metric_without_a_better_direction_has_no_regression_and_says_so(judged: Study):
    logged = [
        dataclasses.replace(own, units={"test_accuracy": ("fraction", "neither")})
        for own in lines(judged, [0.0] * 6 + [-0.2])
    ]
    found = judge_history(judged, logged)
    assert history_exit_code(found) == 3
    said = [*history_lines(judged, found)]
    assert any("test accuracy changed with" in line for line in said)
    assert said[-1] == (
        "no direction of test accuracy counts as better, so no change is a regression: report it "
        'with better="higher" or better="lower" (log.metric)'
    )
