from __future__ import annotations

import math
import pickle

import pytest

from ablations.core.trial_log import TrialLog
from ablations.errors import DivergedError, StudyError


def test_a_log_keeps_what_is_reported():
    reported = []
    log = TrialLog(lambda number, metrics: reported.append((number, dict(metrics))))
    log.epoch(loss=1.0)
    log.epoch(loss=0.5)
    log.steps([0.1, 0.2])
    log.metric("acc", 0.5, unit="fraction", better="higher")
    log.metric("acc", 0.75, unit="fraction", better="higher")
    log.predictions("test", [1], [[0.2, 0.8]])
    contents = log.contents()
    assert reported == [(1, {"loss": 1.0}), (2, {"loss": 0.5})]
    assert [metric.value for metric in contents.metrics] == [0.75]
    assert contents.steps[0].tolist() == [0.1, 0.2]
    assert contents.predictions[0].probabilities.shape == (1, 2)


def test_a_number_that_is_not_finite_stops_the_trial_and_is_kept():
    log = TrialLog()
    with pytest.raises(DivergedError) as caught:
        log.epoch(loss=math.nan)
    assert str(caught.value) == (
        "epoch 1: 'loss' is not finite. Received: nan. Lower the learning rate or check the data."
    )
    assert math.isnan(log.contents().epochs[0]["loss"])
    with pytest.raises(DivergedError, match="metric 'acc' is not finite"):
        log.metric("acc", math.inf)


def test_predictions_need_fitting_shapes():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(1, 2\)"):
        TrialLog().predictions("test", [0, 1], [[0.5, 0.5]])


def test_errors_survive_the_way_from_a_worker():
    error = StudyError("x is wrong", received=[1], cure="Correct it").at("s.toml")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is StudyError
    assert str(again) == str(error) == "s.toml: x is wrong. Received: [1]. Correct it."


def test_predictions_may_tell_which_examples_they_are_of():
    log = TrialLog()
    log.predictions("test", [1], [[0.2, 0.8]], examples="digest")
    log.predictions("validation", [1], [[0.2, 0.8]])
    digests = {own.split: own.examples for own in log.contents().predictions}
    assert digests == {"test": "digest", "validation": ""}
