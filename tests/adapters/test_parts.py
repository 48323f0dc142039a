"""The examples are shared out by the seed, equally in all arms."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ablations.adapters import parts, split
from ablations.adapters.reporting import as_probabilities, epoch_values, log_test
from ablations.errors import AblationsError

from .conftest import N, points, trial_of


def test_all_arms_of_a_seed_share_the_split_and_seeds_differ():
    first, other = split(trial_of(0, "off"), N), split(trial_of(0, "on", width=3), N)
    assert all(np.array_equal(first[name], other[name]) for name in parts.NAMES)
    assert sorted(np.concatenate(list(first.values()))) == list(range(N))
    assert {name: len(rows) for name, rows in first.items()} == {
        "train": 84, "validation": 12, "test": 24,
    }  # fmt: skip
    assert not np.array_equal(first["test"], split(trial_of(1), N)["test"])
    without = split(trial_of(0), N, validation=0)
    assert np.array_equal(without["test"], first["test"])
    assert set(without) == {"train", "test"}
    assert len(split(trial_of(0), N, test=50, validation=1)["test"]) == 50


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({"test": 1.5}, "'test' must be a share of the examples below 1, or their number. Received: "
         "1.5. Write for example test=0.2."),
        ({"validation": float("nan")}, "'validation' must be a share of the examples below 1, or their "
         "number. Received: nan. Write for example validation=0.2."),
        ({"test": 0.95, "validation": 0.05}, "the examples do not suffice for training, validation and "
         "test. Received: 120 examples, test=0.95, validation=0.05. Give more examples, or smaller "
         "parts such as test=0.2, validation=0.1."),
        ({"test": 0}, "the examples do not suffice for training, validation and test. Received: 120 "
         "examples, test=0, validation=0.1. Give more examples, or smaller parts such as test=0.2, "
         "validation=0.1."),
    ],
)  # fmt: skip
def test_sizes_that_cannot_be_are_one_line(sizes, text):
    with pytest.raises(AblationsError) as caught:
        split(trial_of(), N, **sizes)
    assert str(caught.value) == text
    assert split(trial_of(), N, test=0.2, validation=0.1)  # the cure


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (points()[0], "the data must be a pair of inputs and labels. Received: ndarray. Return (inputs, "
         "labels), or a mapping of such pairs by train, validation, test."),
        ((points()[0], points()[1][:5]), "the data must have one label for each input. Received: inputs "
         "of shape (120, 4) and labels of shape (5,). Return arrays whose first axis is the examples."),
        ({"train": points(), "tests": points()}, "the parts of the data must be train and test, and "
         "perhaps validation. Received: train, tests. Did you mean 'test'? Return a mapping with these "
         "names."),
        ((np.zeros((2, 3)), np.array([[1, 1, 0], [0, 0, 0]])), "the data must have one class for each "
         "input. Received: rows of labels that do not sum to 1, as of several labels at a time. Return "
         "the number of the class, or one column for each class with a single 1."),
        (([], []), "the data must have one label for each input. Received: inputs of shape (0,) and "
         "labels of shape (0,). Return arrays whose first axis is the examples."),
    ],
)  # fmt: skip
def test_data_of_another_form_are_one_line(data, text):
    with pytest.raises(AblationsError) as caught:
        parts.load(data, trial_of(), test=0.2, validation=0.1)
    assert str(caught.value) == text


def test_parts_that_are_given_stay_as_they_are():
    inputs, labels = points()
    given = {"train": (inputs[:90], labels[:90]), "test": (inputs[90:], labels[90:, None])}
    found = parts.load(lambda trial: given, trial_of(5), test=0.2, validation=0.1)
    assert set(found) == {"train", "test"}
    assert np.array_equal(found["test"].inputs, inputs[90:])
    assert np.array_equal(found["test"].numbers, labels[90:])
    again = parts.load(given, trial_of(6), test=0.2, validation=0.1)
    assert again["test"].examples == found["test"].examples


def test_the_digest_names_the_examples_and_their_order():
    pair = points()
    one, two, other = (
        parts.load(pair, trial_of(seed), test=0.2, validation=0.1)["test"].examples
        for seed in (0, 0, 1)
    )
    assert one == two != other
    words = np.array(["a", "b"], dtype=object)
    assert parts.digest(np.arange(2), words) != parts.digest(np.arange(2), words[::-1])


def test_outputs_become_probabilities():
    assert as_probabilities([[0.2, 0.8]], logits=False).tolist() == [[0.2, 0.8]]
    assert as_probabilities([0.25], logits=False).tolist() == [[0.75, 0.25]]
    assert as_probabilities([[0.0]], logits=True).tolist() == [[0.5, 0.5]]
    huge = as_probabilities([[1000.0, 0.0], [0.0, 0.0]], logits=True)
    assert huge.tolist() == [[1.0, 0.0], [0.5, 0.5]]
    with pytest.raises(AblationsError, match=r"are no probabilities. Received: for the first"):
        as_probabilities([[3.0, -1.0]], logits=False)
    with pytest.raises(
        AblationsError, match=r"must be \(example, class\). Received: shape \(1, 1, 2\)"
    ):
        as_probabilities([[[0.5, 0.5]]], logits=False)


def test_a_label_beyond_the_classes_is_said(log):
    with pytest.raises(AblationsError, match="Received: label 2 and 2 classes"):
        log_test(log, [0, 2], [[0.5, 0.5], [0.5, 0.5]], examples="")


def test_results_of_an_epoch_have_the_names_of_keras():
    given = {
        "train_loss": 1.0,
        "val_acc": 0.5,
        "loss_step": 3.0,
        "sparse_categorical_accuracy": 0.4,
    }
    assert epoch_values(given) == {"loss": 1.0, "val_accuracy": 0.5, "accuracy": 0.4}
    assert epoch_values({"acc": 0.1, "accuracy": 0.2}) == {"acc": 0.1, "accuracy": 0.2}


def test_no_framework_is_imported_before_it_is_used():
    code = (
        "import sys, ablations\n"
        "from ablations import adapters\n"
        "assert ablations.adapters is adapters and 'adapters' in ablations.__all__\n"
        "ablations.adapters.sklearn(lambda trial: None, ([], []))\n"
        "ablations.adapters.keras(lambda trial: None, ([], []))\n"
        "print(sorted({'keras', 'sklearn', 'torch', 'lightning', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_softmax_under_a_loss_of_logits_is_named():
    with pytest.raises(AblationsError) as caught:
        as_probabilities([[0.2, 0.8], [0.5, 0.5]], logits=True)
    assert str(caught.value) == (
        "the outputs of the model are probabilities already, and its loss takes them for logits. "
        "Received: for the first example [0.2, 0.8]. Remove the softmax from the model, or "
        "from_logits=True from its loss."
    )
    assert as_probabilities([[0.2, 0.8], [0.5, 0.5]], logits=False)[0].tolist() == [0.2, 0.8]
