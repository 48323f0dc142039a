"""A network that did not train is known by its record; one that learns little is not taken for it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ablations.core.design import Arm
from ablations.core.record import Metric, Predictions, RunRecord
from ablations.core.training import trained
from ablations.records.readers.jsonl import read_jsonl

RECORDS = Path(__file__).parents[2] / "reports/posts/records"
LN2 = math.log(2)


def record(*, predicted=(), losses=(), accuracies=(), **metrics):
    """Makes a completed record of recorded outputs, epochs and metrics."""
    epochs = [{"loss": loss} for loss in losses]
    for epoch, accuracy in zip(epochs, accuracies, strict=False):
        epoch["accuracy"] = accuracy
    return RunRecord(
        "k", "s", "m:f", Arm((("a", "on"),)), 0, {}, "", "completed", "2026-01-01T00:00:00+00:00",
        1.0, metrics=tuple(Metric(n, v, "fraction", "higher") for n, v in metrics.items()),
        epochs=tuple(epochs), predictions=tuple(predicted),
    )  # fmt: skip


def outputs(probabilities, labels, split="test"):
    return Predictions(split, np.asarray(labels), np.asarray(probabilities, dtype=np.float32))


def learned(labels, classes, rng, strength):
    """Outputs that lean to the true class by ``strength`` in the logit, with noise of 1."""
    logits = rng.standard_normal((len(labels), classes))
    logits[np.arange(len(labels)), labels] += strength
    odds = np.exp(logits)
    return outputs(odds / odds.sum(axis=1, keepdims=True), labels)


BALANCED = np.arange(192) % 2
RARE = (np.arange(200) < 2).astype(int)  # 99 to 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("post-b", {*(("model=model1", seed) for seed in range(5)), ("model=model2", 1)}),
        (
            "post-c-clean",
            {
                ("augmentation=on, preprocessing=off, initialization=scratch", 3),
                ("augmentation=off, preprocessing=off, initialization=scratch", 4),
            },
        ),
        ("post-d", set()),  # its model2 learned next to nothing, and yet its output varies
        ("post-a-clean", set()),
    ],
)
def test_committed_records(name, expected):
    found = read_jsonl(RECORDS / f"{name}.jsonl")
    assert {(r.arm.name, r.seed) for r in found if trained(r) is False} == expected


@pytest.mark.parametrize("row", [(0.5016, 0.4984), (1.0, 0.0), (1 / 3,) * 3])
def test_equal_outputs_for_all_images(row):
    predicted = outputs(np.tile(row, (192, 1)), BALANCED)
    assert trained(record(predicted=[predicted])) is False
    rounded = predicted.probabilities * (1 + 1e-6 * np.arange(192)[:, None] / 192)
    assert trained(record(predicted=[outputs(rounded, BALANCED)])) is False


def test_both_splits_have_to_say_so():
    same = outputs(np.tile((0.5, 0.5), (192, 1)), BALANCED)
    other = learned(BALANCED, 2, np.random.default_rng(0), 1.0)
    assert trained(record(predicted=[same, other])) is True


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("classes", "strength"), [(2, 0.05), (2, 1.0), (10, 0.2), (100, 0.1)])
def test_a_network_that_learns_little_trained(seed, classes, strength):
    """For example ten classes at 12%: next to nothing, but its output depends on the image."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, 192)
    guessing = math.log(classes)
    predicted = learned(labels, classes, rng, strength)
    assert (
        trained(record(predicted=[predicted], losses=[1.02 * guessing, 0.999 * guessing])) is True
    )


def test_an_honest_classifier_of_a_rare_class():
    """It names the frequent class for every image, but sees more in some than in others."""
    shares = np.where(RARE, 0.3, 0.008)
    predicted = outputs(np.stack([1 - shares, shares], axis=1), RARE)
    assert trained(record(predicted=[predicted], losses=[0.06, 0.03])) is True
    assert trained(record(predicted=[predicted])) is True
    numbers = {"test_accuracy": 0.99, "majority_accuracy": 0.99}
    assert trained(record(losses=[0.06, 0.058], **numbers)) is None  # nothing can be known
    constant = outputs(np.tile((0.99, 0.01), (200, 1)), RARE)
    assert trained(record(predicted=[constant], losses=[0.06, 0.056])) is False


def test_one_class_for_all_and_no_loss_better_than_guessing():
    rng = np.random.default_rng(1)
    shares = 0.45 + 0.02 * rng.random(192)
    predicted = outputs(np.stack([1 - shares, shares], axis=1), BALANCED)
    assert trained(record(predicted=[predicted], losses=[0.7, 0.695, 0.693])) is False
    assert (
        trained(record(predicted=[predicted], losses=[0.7, 0.66, 0.64])) is True
    )  # training did learn
    assert trained(record(predicted=[predicted])) is True  # no epoch shows it


@pytest.mark.parametrize(
    ("losses", "accuracy", "share", "expected"),
    [
        ([4.2, LN2, LN2], 0.5, 0.5, False),
        ([0.70, 0.6925, 0.6931], 0.4583, 0.4583, False),  # more of the other class by luck
        ([0.70, 0.69, 0.60], 0.5, 0.5, True),
        ([0.70, 0.69, 0.69], 0.51, 0.5, True),
        ([2.31, 2.303, 2.303], 0.1, 0.1, False),
        ([2.31, 2.29, 2.27], 0.12, 0.1, True),
        ([2.31, 2.29, 2.27], 0.1, 0.1, True),
        ([0.5, 0.33, 0.326], 0.9, 0.9, False),
        ([0.5, 0.33, 0.25], 0.9, 0.9, True),
        ([LN2], 0.5, 0.5, None),  # one epoch is no course
        ([], 0.5, 0.5, None),
    ],
)
def test_without_recorded_outputs(losses, accuracy, share, expected):
    made = record(losses=losses, accuracies=[0.5] * len(losses) if share > 0.4 else (),
                  test_accuracy=accuracy, majority_accuracy=share)  # fmt: skip
    assert trained(made) is expected


@pytest.mark.parametrize(
    "made",
    [
        record(),
        record(losses=[0.25, 0.25], rmse=0.5),
        record(losses=[LN2, LN2], accuracy=0.5),
        record(predicted=[outputs(np.zeros((3, 1)), [1, 1, 1])]),  # only one class
        record(predicted=[outputs(np.zeros((0, 2)), [])]),
    ],
)
def test_records_that_do_not_tell(made):
    assert trained(made) is None


def test_labels_outside_of_the_outputs_do_not_matter():
    predicted = outputs(np.linspace(0, 0.4, 4)[:, None] * [1, 0] + [0.5, 0.1], [7, 8, 9, -1])
    assert trained(record(predicted=[predicted], losses=[9.0, 9.0])) is True
