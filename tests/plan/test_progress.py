from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.record import RunRecord
from ablations.plan import plan_trials, progress_of, seconds_to_go


def test_trials_come_in_blocks_of_one_seed(study):
    trials = plan_trials(study)
    assert [trial.seed for trial in trials] == [0] * 4 + [1] * 4 + [2] * 4
    assert len({trial.key for trial in trials}) == 12


def test_progress_counts_the_latest_word_on_each_trial(study):
    trials = plan_trials(study)

    def ended(key, status, reason, seconds):
        trial = trials[0]
        return RunRecord(
            key, trial.study, trial.entry, trial.arm, 0, {}, "", status, "", seconds, reason
        )

    outcomes = [
        ended(trials[0].key, "failed", "raised", 1.0),
        ended(trials[0].key, "completed", None, 2.0),
        ended(trials[1].key, "failed", "diverged", 1.0),
        ended(trials[2].key, "failed", "timeout", 9.0),
        ended("of-another-plan", "completed", None, 99.0),
    ]
    progress = progress_of(trials, outcomes)
    assert (progress.planned, progress.completed, progress.failed) == (12, 1, 2)
    assert progress.to_do == trials[2:]
    assert progress.seconds_to_go == pytest.approx(2.0 * 10)


def test_a_measured_arm_gives_an_estimate_before_any_record(study):
    trials = plan_trials(study)
    measured = {arm: float(i) for i, arm in enumerate(study.arms, start=1)}
    progress = progress_of(trials, [], jobs=2, measured=measured)
    assert progress.seconds_to_go == pytest.approx(3 * (1 + 2 + 3 + 4) / 2)


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=5))
def test_the_estimate_is_the_mean_of_the_arm(seconds):
    from ablations.core.design import Arm
    from ablations.core.study import Trial

    arm, other = Arm((("a", "x"),)), Arm((("a", "y"),))
    trial = Trial("s", "m:f", arm, 0, {})
    mean = sum(seconds) / len(seconds)
    assert seconds_to_go([trial] * 3, {arm: seconds}) == pytest.approx(3 * mean)
    assert seconds_to_go([replace(trial, arm=other)], {arm: seconds}) == pytest.approx(mean)
    assert seconds_to_go([trial], {}) is None
    assert seconds_to_go([], {}) == 0.0
