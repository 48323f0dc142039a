"""A Keras model of a user's goes from `make_study` to findings through its adapter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ablations
from ablations import TrialLog
from ablations.adapters import keras as adapter
from ablations.errors import AblationsError

from .conftest import metrics_of, points, rows, trial_of

pytestmark = pytest.mark.slow


def build(trial):
    import keras

    dropout = [keras.layers.Dropout(0.5)] if trial.settings.get("dropout") else []
    layers = [keras.layers.Dense(8, "relu"), *dropout, keras.layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def kept_batches(monkeypatch):
    """Returns a list to which each batch that is trained on is added, by its rows."""
    from ablations.adapters import keras_fit

    seen, get = [], keras_fit.Batches.__getitem__

    def kept(self, step):
        inputs, labels = get(self, step)
        seen.append(rows(inputs))
        return inputs, labels

    monkeypatch.setattr(keras_fit.Batches, "__getitem__", kept)
    return seen


def test_from_a_study_to_its_findings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen, orders = kept_batches(monkeypatch), {}
    train = adapter(build, points())

    def kept(trial, log):
        seen.clear()
        train(trial, log)
        # Keras looks at the first batches before it trains.
        orders[trial.seed, bool(trial.settings.get("dropout"))] = seen[-6:]

    study = ablations.make_study(
        title="Does dropout help?",
        factors={"dropout": {"off": {}, "on": {"dropout": True}}},
        settings={"epochs": 2, "batch_size": 30},
        train=kept,
        seeds=2,
        version="1",
    )
    assert ablations.run(study, jobs=0).n_completed == 4
    records = ablations.read_records(study)
    for record in records:
        assert [set(epoch) for epoch in record.epochs] == [
            {"loss", "accuracy", "val_loss", "val_accuracy"}
        ] * 2
        assert [len(steps) for steps in record.steps] == [3, 3]  # of 84 examples
        assert len(record.predictions[0].labels) == 24
        assert {m.name: m.value for m in record.metrics}["parameters"] == 67
    _require_shared_order(orders)
    first = next(r for r in records if r.seed == 0 and r.arm.levels == (("dropout", "off"),))
    log = TrialLog()
    train(trial_of(0, epochs=2, batch_size=30), log)  # again, to the last bit
    again = log.contents().predictions[0]
    assert np.array_equal(again.probabilities, first.predictions[0].probabilities)
    assert again.examples == first.predictions[0].examples


def _require_shared_order(orders):
    assert orders[0, False] == orders[0, True] != orders[1, False] == orders[1, True]
    for epoch in (orders[0, True][:3], orders[0, True][3:]):
        assert len({row for batch in epoch for row in batch}) == sum(map(len, epoch)) == 84
    assert orders[0, True][:3] != orders[0, True][3:]


def logits(trial):
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, run_eagerly=True)
    return model


def test_logits_one_hot_labels_given_parts_and_callbacks(log):
    import keras

    inputs, labels = points()
    hot = np.eye(3)[labels]
    data = {"train": (inputs[:90], hot[:90]), "test": (inputs[90:], hot[90:])}
    stop = keras.callbacks.Callback()
    stop.on_epoch_end = lambda epoch, logs: setattr(stop.model, "stop_training", True)
    adapter(logits, data, callbacks=lambda trial: [stop])(trial_of(), log)
    found = log.contents()
    assert [set(epoch) for epoch in found.epochs] == [{"loss"}]
    assert np.allclose(found.predictions[0].probabilities.sum(axis=1), 1)
    assert found.predictions[0].labels.tolist() == labels[90:].tolist()


def test_one_output_for_two_classes_and_tables(log):
    import keras

    def sigmoid(trial):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"], run_eagerly=True)
        return model

    inputs, labels = points()
    frame = pd.DataFrame(inputs, columns=list("abcd"))
    adapter(sigmoid, (frame, labels > 0))(trial_of(epochs=1), log)
    found = log.contents().predictions[0]
    assert found.probabilities.shape == (24, 2)
    assert metrics_of(log)["majority_accuracy"] == (found.labels == 1).mean()


def uncompiled(trial):
    import keras

    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


@pytest.mark.parametrize(
    ("built", "settings", "text"),
    [
        (lambda trial: None, {}, "'build' must return a compiled Keras model. Received: NoneType. Call "
         "model.compile(optimizer=…, loss=…, metrics=['accuracy']) and return model."),
        (uncompiled, {}, "'build' must return a compiled Keras model. Received: a model that is not "
         "compiled. Call model.compile(optimizer=…, loss=…, metrics=['accuracy']) and return model."),
        (build, {"epochs": 0}, "setting 'epochs' must be a whole number of at least 1. Received: 0. "
         "Write for example settings={'epochs': 10}."),
        (build, {"epoch": 3}, "setting 'epoch' is read by no adapter. Received: epoch=3. Call it "
         "'epochs', or give it a name that is less alike."),
        (build, {"epochs": 1, "batchsize": 8}, "setting 'batchsize' is read by no adapter. Received: "
         "batchsize=8. Call it 'batch_size', or give it a name that is less alike."),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_one_line(log, built, settings, text):
    with pytest.raises(AblationsError) as caught:
        adapter(built, points())(trial_of(**settings), log)
    assert str(caught.value) == text


def test_a_loss_that_is_not_finite_ends_the_training(log):
    inputs, labels = points()
    with pytest.raises(ablations.DivergedError, match="epoch 1: 'loss' is not finite"):
        adapter(logits, (inputs * np.nan, np.eye(3)[labels]))(trial_of(epochs=3), log)


def test_build_must_be_a_function():
    with pytest.raises(AblationsError, match=r"keras: 'build' must be a function\. Received: str"):
        adapter("model", points())


def test_labels_that_are_texts_are_named_and_numbering_them_helps():
    inputs, labels = points()
    texts = np.array(["a", "b", "c"])[labels]
    with pytest.raises(AblationsError) as caught:
        adapter(build, (inputs, texts))(trial_of(epochs=1), TrialLog())
    assert str(caught.value).startswith("Keras needs labels that are numbers. Received: ")
    numbered = np.unique(texts, return_inverse=True)[1]
    adapter(build, (inputs, numbered))(trial_of(epochs=1), TrialLog())
