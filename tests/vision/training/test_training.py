from __future__ import annotations

import numpy as np
import pytest

from ablations.core.trial_log import TrialLog
from ablations.errors import DivergedError, StudyError
from ablations.vision import train

pytestmark = pytest.mark.slow  # trains Keras for real


def contents(trial):
    log = TrialLog()
    train(trial, log)
    return log.contents()


def metrics(found):
    return {metric.name: metric.value for metric in found.metrics}


def exhibit(found, name):
    return next(exhibit for exhibit in found.exhibits if exhibit.name == name)


def test_a_trial_reports_all_of_itself(digits, trial):
    seen = []
    log = TrialLog(on_epoch=lambda number, values: seen.append(number))
    train(trial(digits), log)
    found = log.contents()
    assert seen == [1, 2]
    assert [sorted(epoch) for epoch in found.epochs] == [
        ["accuracy", "loss", "val_accuracy", "val_loss"]
    ] * 2
    assert [len(steps) for steps in found.steps] == [3, 3]
    assert all((steps > 0).all() for steps in found.steps)
    values = metrics(found)
    assert set(values) == {
        "best_val_accuracy", "fit_seconds", "flops_per_second", "images_per_second",
        "majority_accuracy", "parameters", "peak_flops_share",
        "test_accuracy", "test_loss", "train_accuracy", "trainable_parameters", "training_flops",
        "val_accuracy",
        "val_loss",
    }  # fmt: skip
    assert values["images_per_second"] == pytest.approx(60 / found.steps[1].sum())
    assert values["fit_seconds"] > sum(steps.sum() for steps in found.steps)
    assert values["parameters"] == 4 * 9 + 4 + 36 * 5 + 5
    assert values["val_accuracy"] == found.epochs[-1]["val_accuracy"]
    assert set(found.environment) == {"backend", "device", "keras", "precision", "shortcuts"}


def test_metrics_can_be_counted_again_from_the_predictions(digits, trial):
    found = contents(trial(digits | {"scale": "0..1"}))
    values = metrics(found)
    by_split = {predictions.split: predictions for predictions in found.predictions}
    for split, name in (("test", "test"), ("validation", "val")):
        predictions = by_split[split]
        assert predictions.probabilities.shape == (179, 5)
        np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, rtol=1e-5)
        said = predictions.probabilities.argmax(axis=1)
        assert np.mean(said == predictions.labels) == pytest.approx(values[f"{name}_accuracy"])
        picked = predictions.probabilities[np.arange(179), predictions.labels]
        assert -np.log(picked).mean() == pytest.approx(values[f"{name}_loss"], rel=1e-3)


def test_tables_of_layers_and_labels(digits, trial):
    found = contents(trial(digits))
    layers = exhibit(found, "layers")
    assert layers.scope == "arm"
    assert layers.table.rows == (
        ("InputLayer", "8 × 8 × 1", 0, 0),
        ("Conv2D", "6 × 6 × 4", 40, 40),
        ("MaxPooling2D", "3 × 3 × 4", 0, 0),
        ("Flatten", "36", 0, 0),
        ("Dropout", "36", 0, 0),
        ("Dense", "5", 185, 185),
    )
    labels = exhibit(found, "label-counts")
    assert labels.scope == "study"
    counts = np.array([row[1:] for row in labels.table.rows])
    assert counts.sum(axis=0).tolist() == [60, 179, 179]
    test = next(p for p in found.predictions if p.split == "test")
    assert np.bincount(test.labels).tolist() == counts[:, 2].tolist()
    majority = counts[:, 0].argmax()
    assert metrics(found)["majority_accuracy"] == pytest.approx(counts[majority, 2] / 179)


def test_equal_trials_are_equal_and_seeds_differ(digits, trial):
    settings = digits | {"augment": ["translation:0.1,0.1", "rotation:0.1"]}
    first, other, second = (contents(trial(settings, seed)) for seed in (0, 1, 0))
    assert first.epochs == second.epochs
    np.testing.assert_array_equal(
        first.predictions[0].probabilities, second.predictions[0].probabilities
    )
    assert first.epochs != other.epochs


def test_arms_of_a_seed_see_the_same_images_in_the_same_order(digits, trial, monkeypatch):
    import keras

    monkeypatch.setenv("ABLATIONS_WITHOUT", "all")  # augmentation is left to the model

    seen = []
    plain = keras.Model.train_on_batch

    def spy(model, x, y, **more):
        seen.append((x.copy(), y.copy()))
        return plain(model, x, y, **more)

    monkeypatch.setattr(keras.Model, "train_on_batch", spy)
    contents(trial(digits))
    contents(trial(digits | {"augment": ["flip"], "scale": "0..1", "base": ["conv:4"]}))
    assert len(seen) == 12
    for (x, y), (other_x, other_y) in zip(seen[:6], seen[6:], strict=True):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)
    first, second = (np.concatenate([y for _, y in seen[i : i + 3]]) for i in (0, 3))
    assert first.tolist() != second.tolist()
    assert sorted(first) == sorted(second)


def test_our_steps_are_those_of_fit(digits):
    import keras

    from ablations.vision.data.images import Source
    from ablations.vision.model.build import build
    from ablations.vision.model.layers import Streams
    from ablations.vision.recipe.settings import read
    from ablations.vision.training.loop import Part, fit, make_learner

    recipe = read(digits | {"epochs": 2, "layers": ["conv:4", "flatten", "dense:5"]})
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 1)).astype(np.uint8)
    source = Source(images, "test")
    part = Part(source, np.arange(50), np.arange(50) % 5)
    rng = np.random.default_rng(1)
    orders = [rng.permutation(50) for _ in range(2)]
    weights, told = [], []
    listener = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: told.append(dict(logs)))
    for ours in (True, False):
        streams = Streams(*(np.random.default_rng(i) for i in range(3)))
        model = build(recipe, images, classes=tuple("56789"), streams=streams).model
        learner = make_learner(model, recipe, source, classes=5)
        if ours:
            fit(learner, part, rng=np.random.default_rng(1), callbacks=(listener,))
        else:
            for order in orders:
                x, y = images[order].astype(np.float32), part.labels[order]
                model.fit(x, y, batch_size=20, shuffle=False, verbose=0, callbacks=[listener])
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert len(told) == 4
    assert told[:2] == [pytest.approx(epoch, rel=1e-5) for epoch in told[2:]]
    keras.utils.clear_session()


def test_a_loss_that_is_not_finite_ends_the_training_at_once(digits, trial):
    log = TrialLog()
    wild = digits | {"optimizer": "sgd", "learning_rate": 1e30, "epochs": 20}
    with pytest.raises(DivergedError, match=r"is not finite\. Received: (nan|inf)"):
        train(trial(wild), log)
    assert len(log.contents().epochs) < 5


def test_a_pretrained_base_is_trained_once_and_kept(digits, trial, cache):
    settings = digits | {
        "base": ["conv:4", "pool"],
        "layers": ["flatten", "dense:5"],
        "weights": "pretrain:digits:0-4",
        "freeze": True,
    }
    first = metrics(contents(trial(settings)))
    stored = list((cache / "pretrained").iterdir())
    assert len(stored) == 1
    made = stored[0].stat().st_mtime_ns
    assert metrics(contents(trial(settings)))["test_loss"] == first["test_loss"]
    contents(trial(settings, seed=1))
    contents(trial(settings | {"train_size": 40, "freeze": False}))
    assert list((cache / "pretrained").iterdir()) == stored
    assert stored[0].stat().st_mtime_ns == made
    assert first["trainable_parameters"] == 36 * 5 + 5
    contents(trial(settings | {"scale": "0..1"}))
    assert len(list((cache / "pretrained").iterdir())) == 2


def test_a_folder_of_images_is_learned(shapes, trial):
    (shapes / "dark" / "zz.txt").write_text("no image")
    settings = {
        "dataset": f"directory:{shapes}",
        "image_size": 8,
        "skip_broken": True,
        "scale": "standardise",
        "epochs": 15,
        "batch_size": 8,
        "learning_rate": 0.01,
        "layers": ["globalpool:avg", "dense:1"],
    }
    found = contents(trial(settings))
    assert metrics(found)["test_accuracy"] == 1
    assert found.predictions[0].probabilities.shape == (8, 2)
    assert exhibit(found, "skipped-files").table.rows == (
        ("dark/zz.txt", "no readable JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF image"),
    )


def test_another_backend_than_the_running_one_is_refused(digits, trial, monkeypatch):
    import keras

    monkeypatch.setattr("ablations.vision.platform.backend.find_spec", lambda name: object())
    running = keras.backend.backend()
    other = next(name for name in ("jax", "tensorflow") if name != running)
    with pytest.raises(StudyError) as caught:
        contents(trial(digits | {"backend": other}))
    assert str(caught.value) == (
        f"backend '{other}' cannot be used in this process. "
        f"Received: Keras runs on {running} already. "
        "Start a new process, or set backend before Keras is imported."
    )


def test_a_backend_that_is_not_installed(digits, trial, monkeypatch):
    monkeypatch.setattr("ablations.vision.platform.backend.find_spec", lambda name: None)
    with pytest.raises(StudyError) as caught:
        contents(trial(digits | {"backend": "jax"}))
    assert str(caught.value) == (
        "backend 'jax' cannot be used. Received: no package 'keras', 'jax', 'pillow', "
        "'scikit-learn'. Install what is missing: python -m pip install 'ablations[jax]'."
    )


def test_an_epochs_accuracy_is_that_of_all_its_images(digits, trial):
    # So slow a learner does not move: the epoch's means are those of one model over all images.
    layers = ["flatten", "dense:5"]
    still = digits | {"layers": layers, "learning_rate": 1e-12, "epochs": 2, "batch_size": 16}
    still.pop("base", None)
    learned = contents(trial(still))
    (table,) = [e.table for e in learned.exhibits if e.name == "label-counts"]
    images = sum(row[1] for row in table.rows)
    assert images % 16  # so the last batch is another one
    for epoch in learned.epochs:
        assert epoch["accuracy"] * images == pytest.approx(
            round(epoch["accuracy"] * images), abs=1e-3
        )
    one, other = learned.epochs
    assert one["accuracy"] == pytest.approx(other["accuracy"], abs=1e-6)
    assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
