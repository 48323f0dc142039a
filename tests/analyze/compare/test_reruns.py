from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ablations.analyze.compare.reruns import Mismatch, compare_rerun
from ablations.core.design import Arm
from ablations.core.record import Metric, Predictions, RunRecord

RECORD = RunRecord(
    key="k",
    study="s",
    entry="m:train",
    arm=Arm((("a", "on"),)),
    seed=0,
    settings={},
    data="d",
    status="completed",
    started_at="2026-01-02T03:04:05+00:00",
    seconds=1.5,
    metrics=(
        Metric("test_loss", 0.1),
        Metric("fit_seconds", 3.0, "seconds"),
        Metric("peak_memory_bytes", 5.0, "bytes"),
        Metric("images_per_second", 7.0, "per second"),
        Metric("energy_joules", 9.0),
        Metric("peak_flops_share", 0.2, "fraction"),
    ),
    epochs=({"loss": 0.3, "epoch_seconds": 1.0}, {"loss": 0.2}),
    steps=(np.array([0.1]),),
    predictions=(
        Predictions(
            "test", np.array([0, 1]), np.array([[0.25, 0.75], [0.5, 0.5]], np.float32), "x"
        ),
    ),
    environment={"cpu": "one", "threads": "1"},
)


def test_what_a_trial_took_may_differ():
    slower = tuple(
        m if m.name == "test_loss" else replace(m, value=m.value + 1) for m in RECORD.metrics
    )
    epochs = ({"loss": 0.3, "epoch_seconds": 2.0}, {"loss": 0.2})
    again = replace(RECORD, metrics=slower, epochs=epochs, steps=(np.array([0.2]),), seconds=9.0)
    found = compare_rerun(RECORD, again)
    assert found.equal
    assert (found.epochs, found.metrics, found.predictions) == (2, 1, 2)


def changed(**changes):
    return compare_rerun(RECORD, replace(RECORD, **changes)).mismatches


def test_the_last_bit_counts():
    nearly = math.nextafter(0.1, 1)
    assert changed(metrics=(Metric("test_loss", nearly),)) == (
        Mismatch("metric", "test_loss", (), 0.1, nearly),
    )
    epochs = ({"loss": 0.3}, {"loss": math.nextafter(0.2, 0)})
    assert changed(epochs=epochs) == (Mismatch("epoch", "loss", (2,), 0.2, epochs[1]["loss"]),)
    said = RECORD.predictions[0].probabilities.copy()
    said[1, 0] = np.nextafter(said[1, 0], np.float32(1))
    other = replace(RECORD.predictions[0], probabilities=said)
    assert changed(predictions=(other,)) == (
        Mismatch("predictions", "test", (1, 0), 0.5, float(said[1, 0])),
    )


def test_the_first_difference_of_each_kind_comes_in_the_order_of_training():
    found = changed(
        status="failed",
        reason="diverged",
        epochs=({"loss": 0.4}, {"loss": math.nan}),
        metrics=(),
        predictions=(),
    )
    assert found == (
        Mismatch("outcome", "", (), "completed", "diverged"),
        Mismatch("epoch", "loss", (1,), 0.3, 0.4),
        Mismatch("metric", "test_loss", (), 0.1, None),
        Mismatch("predictions", "test", (), "2 examples", None),
    )


def test_epochs_that_are_missing_or_more_differ():
    assert changed(epochs=RECORD.epochs[:1]) == (Mismatch("epoch", "loss", (2,), 0.2, None),)
    more = (*RECORD.epochs, {"loss": 0.1})
    assert changed(epochs=more) == (Mismatch("epoch", "loss", (3,), None, 0.1),)


def test_a_trial_that_diverged_alike_is_equal():
    lost = replace(RECORD, status="failed", reason="diverged", epochs=({"loss": math.nan},))
    assert compare_rerun(lost, lost).equal


@pytest.mark.parametrize(
    ("other", "mismatch"),
    [
        ({"labels": np.array([1, 1])}, ("some examples", "other examples")),
        ({"examples": "y"}, ("some examples", "other examples")),
        ({"probabilities": np.ones((2, 1), np.float32)}, ("(2, 2)", "(2, 1)")),
    ],
)
def test_other_examples_or_classes_differ(other, mismatch):
    changed_side = replace(RECORD.predictions[0], **other)
    assert changed(predictions=(changed_side,)) == (Mismatch("predictions", "test", (), *mismatch),)


def test_an_earlier_record_without_a_digest_of_its_examples_is_compared_all_the_same():
    old = replace(RECORD, predictions=(replace(RECORD.predictions[0], examples=""),))
    assert compare_rerun(old, RECORD).equal


def test_the_facts_of_the_environment_that_differ_are_named():
    again = replace(RECORD, environment={"cpu": "other", "threads": "1", "keras": "3"})
    assert compare_rerun(RECORD, again).environment == (
        ("cpu", "one", "other"),
        ("keras", None, "3"),
    )
