"""Trains one arm once: data, split, model, loop, report."""

from __future__ import annotations

import time
from dataclasses import dataclass

import keras
import numpy as np

from ablations.record import TrialLog
from ablations.study import Trial
from ablations.vision import datasets, exhibits, shortcuts, splits
from ablations.vision.costs import training_flops
from ablations.vision.feeds import Feed
from ablations.vision.layers import Streams
from ablations.vision.loop import Learner, Part, fit, make_learner, predict
from ablations.vision.models import build
from ablations.vision.pretrain import load_pretrained
from ablations.vision.progress import EpochReport
from ablations.vision.settings import Recipe
from ablations.vision.timing import StepTimer


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The images of the three parts of a split, the names of the classes, and the split."""

    train: Part
    validation: Part
    test: Part
    classes: tuple[str, ...]
    split: splits.Split


def train_recipe(trial: Trial, recipe: Recipe, log: TrialLog) -> None:
    """Trains ``recipe`` with the trial's seed and reports all of it through ``log``.

    Raises:
        StudyError: if the model cannot be built or does not fit the data.
        DataError: if data or weights are missing or broken.
        DivergedError: if a loss is not finite.
    """
    try:
        _train(trial, recipe, log)
    finally:
        # Keras keeps what its models share in the process; no name here may hold the model still.
        keras.utils.clear_session()


def _train(trial: Trial, recipe: Recipe, log: TrialLog) -> None:
    parts = _load(trial, recipe, log)
    model = _build(trial, recipe, parts)
    learner = make_learner(model, recipe, parts.train.source, classes=len(parts.classes))
    _log_model(model, log)
    _fit(learner, parts, trial=trial, log=log)
    _log_test(learner, parts, log)
    _log_frozen(learner.feed, log)


def _load(trial: Trial, recipe: Recipe, log: TrialLog) -> Parts:
    examples = datasets.load(recipe, trial.data_dir)
    count, held_out = len(examples.labels), examples.held_out
    split = splits.draw(recipe, images=count, held_out=held_out, seed=trial.seed)
    log.exhibit(exhibits.label_counts(examples, split))
    if examples.skipped:
        log.exhibit(exhibits.skipped_files(examples))
    whole = Part(examples.source, np.arange(count), examples.labels)
    train, validation, test = map(whole.only, (split.train, split.validation, split.test))
    return Parts(train, validation, test, examples.classes, split)


def _build(trial: Trial, recipe: Recipe, parts: Parts) -> keras.Model:
    streams = Streams(trial.rng("initialization"), trial.rng("augmentation"), trial.rng("dropout"))
    built = build(recipe, parts.train.images, classes=parts.classes, streams=streams)
    if built.base is not None and recipe.source_classes is not None:
        load_pretrained(built.base, recipe)
    return built.model


def _log_model(model: keras.Model, log: TrialLog) -> None:
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    log.metric("training_flops", training_flops(model), unit="count", better="lower")
    log.metric("parameters", model.count_params(), unit="count")
    log.metric("trainable_parameters", trainable, unit="count")
    log.exhibit(exhibits.layer_table(model))
    log.environment(
        backend=keras.backend.backend(),
        keras=keras.__version__,
        device=_device(),
        precision=keras.config.dtype_policy().name,
        shortcuts=shortcuts.facts(),
    )


def _device() -> str:
    if keras.backend.backend() == "torch":  # for which Keras lists no devices
        return str(keras.ops.zeros(1).device)
    return ", ".join(keras.distribution.list_devices())


def _fit(learner: Learner, parts: Parts, *, trial: Trial, log: TrialLog) -> None:
    """Trains, and reports each epoch as it ends and the whole when all have."""
    timer = StepTimer()
    passes = parts.split.passes
    progress = EpochReport(log, timer, learner=learner, part=parts.validation, passes=passes)
    began = time.perf_counter()
    fit(learner, parts.train, rng=trial.rng("order"), callbacks=(timer, progress))
    log.metric("fit_seconds", time.perf_counter() - began, unit="seconds", better="lower")
    progress.log_summary(len(parts.train.labels))


def _log_test(learner: Learner, parts: Parts, log: TrialLog) -> None:
    outputs = learner.outputs
    labels = parts.test.labels
    raw = predict(learner, parts.test)
    accuracy = outputs.accuracy(raw, labels)
    majority = np.bincount(parts.train.labels).argmax()
    baseline = float(np.mean(labels == majority))
    log.predictions("test", labels, outputs.probabilities(raw))
    log.metric("test_accuracy", accuracy, unit="fraction", better="higher")
    log.metric("test_loss", outputs.mean_loss(raw, labels), better="lower")
    log.metric("majority_accuracy", baseline, unit="fraction")
    if parts.split.passes:
        _log_overlap(learner, parts, log)


def _log_overlap(learner: Learner, parts: Parts, log: TrialLog) -> None:
    """Tells what it is worth that test images were validation images in other epochs."""
    split = parts.split
    seen = np.unique(split.validation[np.concatenate(split.passes)])
    last = float(np.isin(split.test, split.last_validation).mean())
    log.metric("test_in_last_validation", last, unit="fraction")
    log.metric("test_in_any_validation", float(np.isin(split.test, seen).mean()), unit="fraction")
    raw = predict(learner, parts.validation)
    accuracy = learner.outputs.accuracy(raw, parts.validation.labels)
    log.metric("held_out_accuracy", accuracy, unit="fraction", better="higher")


def _log_frozen(feed: Feed, log: TrialLog) -> None:
    """Tells what the frozen layers took, and how much of it this trial found done by others."""
    if feed.frozen is None:
        return
    fixed, augmented = feed.frozen.fixed, feed.frozen.augmented
    log.environment(engine=", ".join(sorted(fixed.engines | augmented.engines)))
    shared = fixed.shared_seconds + augmented.shared_seconds
    for name, seconds in (
        ("frozen_seconds", fixed.seconds),
        ("frozen_augmented_seconds", augmented.seconds),
        ("shared_seconds", max(0.0, shared)),  # own work adds to nothing but rounding
    ):
        log.metric(name, seconds, unit="seconds")
