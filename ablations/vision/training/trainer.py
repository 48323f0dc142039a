"""Trains one arm once: data, split, model, loop, report."""

from __future__ import annotations

import time
from dataclasses import dataclass

import keras
import numpy as np

from ablations.core import metrics
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.vision.data import datasets, splits
from ablations.vision.exhibits import tables as exhibits
from ablations.vision.model.build import Built, build
from ablations.vision.model.flops import training_flops
from ablations.vision.model.layers import Streams
from ablations.vision.model.outputs import Outputs, Raw, read_outputs
from ablations.vision.platform import processor, shortcuts
from ablations.vision.platform.devices import device_memory_bytes, device_name, on_processor
from ablations.vision.recipe.settings import Recipe
from ablations.vision.training.epoch_report import EpochReport, Validation
from ablations.vision.training.loop import Learner, Part, fit, make_learner, predict
from ablations.vision.training.phases import phases
from ablations.vision.training.pretrain import load_pretrained
from ablations.vision.training.timing import StepTimer


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The three parts of a split, all images and their labels, names of classes, and the split."""

    whole: Part
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
    parts = load(trial, recipe, log)
    built = build_model(trial, recipe, parts)
    report = report_of(built.model, recipe, parts, log)
    log_model(built.model, log)
    learner = _fit(built, recipe, report, parts=parts, trial=trial)
    held_out = predict(learner, parts.validation) if parts.split.passes else None
    log_test(learner.outputs, parts, log, test=predict(learner, parts.test), held_out=held_out)
    log_memory(log)


def report_of(model: keras.Model, recipe: Recipe, parts: Parts, log: TrialLog) -> EpochReport:
    """Returns what reports a trial's epochs.

    Raises:
        StudyError: if the outputs do not fit the loss or the number of classes.
    """
    outputs = read_outputs(model, recipe, len(parts.classes))
    return EpochReport(log, outputs, parts.validation, passes=parts.split.passes)


def load(trial: Trial, recipe: Recipe, log: TrialLog) -> Parts:
    """Returns a trial's images, split by its seed; reports how many there are of each class."""
    examples = datasets.load(recipe, trial.data_dir)
    split = splits.draw(recipe, examples.pool, seed=trial.seed)
    log.exhibit(exhibits.label_counts(examples, split))
    if examples.skipped:
        log.exhibit(exhibits.skipped_files(examples))
    if examples.copies:
        log.exhibit(exhibits.copied_images(examples))
    whole = Part(examples.source, np.arange(len(examples.labels)), examples.labels)
    train, validation, test = map(whole.only, (split.train, split.validation, split.test))
    return Parts(whole, train, validation, test, examples.classes, split)


def build_model(trial: Trial, recipe: Recipe, parts: Parts) -> Built:
    """Returns a trial's model with its first weights, and those of a pretrained base."""
    streams = Streams(trial.rng("initialization"), trial.rng("augmentation"), trial.rng("dropout"))
    built = build(recipe, parts.train.images, classes=parts.classes, streams=streams)
    if built.base is not None and recipe.source_classes is not None:
        load_pretrained(built.base, recipe)
    return built


def log_model(model: keras.Model, log: TrialLog) -> None:
    """Reports a model's size and layers, and what it runs on."""
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    if (operations := training_flops(model)) is not None:
        log.known(metrics.TRAINING_FLOPS, operations)
    log.known(metrics.PARAMETERS, model.count_params())
    log.known(metrics.TRAINABLE_PARAMETERS, trainable)
    log.exhibit(exhibits.layer_table(model))
    precision = model.dtype_policy.name
    if on_processor() and processor.emulates(precision):
        log.exhibit(exhibits.emulated_numbers(precision))
    log.environment(
        backend=keras.backend.backend(),
        keras=keras.__version__,
        device=device_name(),
        precision=precision,
        shortcuts=shortcuts.facts(),
    )


def _fit(
    built: Built, recipe: Recipe, report: EpochReport, *, parts: Parts, trial: Trial
) -> Learner:
    """Trains, and reports each epoch as it ends and the whole when all have.

    Returns:
        What has been trained, as the last phase leaves it.
    """
    timer, rng = StepTimer(), trial.rng("order")
    learners, seconds = [], 0.0
    for own, epochs in phases(built, recipe):
        learner = make_learner(built.model, own, parts.whole.source, classes=len(parts.classes))
        learners.append(learner)
        callbacks = (timer, Validation(report, learner, timer))
        began = time.perf_counter()
        fit(learner, parts.train, rng=rng, callbacks=callbacks, epochs=epochs)
        seconds += time.perf_counter() - began
    report.log_summary(seconds, predictions=not parts.split.validates_on_test)
    feeds = [learner.feed for learner in learners]
    frozen = [feed.frozen for feed in feeds if feed.frozen is not None]
    report.log_speed([feed.trained for feed in feeds], len(parts.train.labels), frozen=frozen)
    report.log_frozen(frozen)
    return learners[-1]


def log_test(
    outputs: Outputs, parts: Parts, log: TrialLog, *, test: Raw, held_out: Raw | None
) -> None:
    """Reports how well the trained model classifies the test images.

    Args:
        outputs: How to read it.
        parts: The images.
        log: Where to report.
        test: The model's raw outputs for the test images.
        held_out: Those for all validation images, where epochs validate on some of them.
    """
    labels = parts.test.labels
    majority = np.bincount(parts.train.labels).argmax()
    log.predictions("test", labels, outputs.probabilities(test), examples=parts.test.examples)
    log.known(metrics.TEST_ACCURACY, outputs.accuracy(test, labels))
    log.known(metrics.TEST_LOSS, outputs.mean_loss(test, labels))
    log.known(metrics.MAJORITY_ACCURACY, float(np.mean(labels == majority)))
    if held_out is not None:
        accuracy = outputs.accuracy(held_out, parts.validation.labels)
        log.known(metrics.HELD_OUT_ACCURACY, accuracy)
    if held_out is not None or parts.split.validates_on_test:
        _log_overlap(parts.split, log)


def _log_overlap(split: splits.Split, log: TrialLog) -> None:
    """Reports the share of test images that were validation images in other epochs."""
    passes = [split.validation[chosen] for chosen in split.passes] or [split.validation]
    seen = np.unique(np.concatenate(passes))
    last = float(np.isin(split.test, split.last_validation).mean())
    log.known(metrics.TEST_IN_LAST_VALIDATION, last)
    log.known(metrics.TEST_IN_ANY_VALIDATION, float(np.isin(split.test, seen).mean()))


def log_memory(log: TrialLog) -> None:
    """Reports the GPU's memory that this process took, for all trials that trained together."""
    if (taken := device_memory_bytes()) is not None:
        log.known(metrics.DEVICE_MEMORY_BYTES, taken)
