"""Trains the trials of one arm together, all seeds at once, on JAX."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.errors import DivergedError
from ablations.vision.data.splits import Indices
from ablations.vision.features import keys
from ablations.vision.features.frozen import Features
from ablations.vision.model.graph import cut, model_of
from ablations.vision.model.outputs import Outputs, Raw, read_outputs
from ablations.vision.platform import shortcuts
from ablations.vision.recipe.settings import Recipe
from ablations.vision.training.epoch_report import EpochReport
from ablations.vision.training.loop import batches, compile_model
from ablations.vision.training.stacked import Stack
from ablations.vision.training.trainer import (
    Parts,
    build_model,
    load,
    log_memory,
    log_model,
    log_test,
    report_of,
)

Failures = list[DivergedError | None]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One trial of the arm: its images, its model, and where it reports."""

    trial: Trial
    log: TrialLog
    parts: Parts
    model: keras.Model
    report: EpochReport


def train_together(trials: Sequence[Trial], recipe: Recipe, logs: Sequence[TrialLog]) -> Failures:
    """Trains ``recipe`` with each trial's seed and reports each through its own log.

    Each trial has the split, order of images, first weights and random draws that it has when it
    trains by itself. A loss that is not finite ends only its own trial.

    Returns:
        For each trial the error that ended it, or ``None``.
    """
    try:
        return _train(trials, recipe, logs)
    finally:
        keras.utils.clear_session()


def _train(trials: Sequence[Trial], recipe: Recipe, logs: Sequence[TrialLog]) -> Failures:
    runs = [_prepare(trial, recipe, log) for trial, log in zip(trials, logs, strict=True)]
    classes = len(runs[0].parts.classes)
    outputs = read_outputs(runs[0].model, recipe, classes)
    began = time.perf_counter()
    stack, trained, frozen = _stack(runs, recipe, outputs)
    failures: Failures = [None] * len(runs)
    orders = [run.trial.rng("order") for run in runs]
    for epoch in range(recipe.epochs):
        _epoch(stack, runs, recipe, epoch=epoch, orders=orders, failures=failures)
    seconds = (time.perf_counter() - began) / len(runs)
    going = [i for i, failure in enumerate(failures) if failure is None]
    _log_tests(stack, runs, outputs, going=going)
    for run in (runs[i] for i in going):
        run.log.environment(seeds_together=str(len(runs)))
        run.report.log_summary(seconds, predictions=not run.parts.split.validates_on_test)
        run.report.log_speed([trained], len(run.parts.train.rows), frozen=frozen)
        run.report.log_frozen(frozen, trials=len(runs))
        log_memory(run.log)
    return failures


def _prepare(trial: Trial, recipe: Recipe, log: TrialLog) -> Run:
    parts = load(trial, recipe, log)
    model = build_model(trial, recipe, parts).model
    log_model(model, log)
    return Run(trial, log, parts, model, report_of(model, recipe, parts, log))


def _stack(
    runs: Sequence[Run], recipe: Recipe, outputs: Outputs
) -> tuple[Stack, keras.Model, list[Features]]:
    """Puts the models together, after their frozen prefix if that is the same in every step."""
    whole = runs[0].parts.whole
    models, frozen = [run.model for run in runs], []
    inputs: NDArray[Any] = whole.source.images
    parts = cut(models[0])
    if parts.heavy and not parts.random and shortcuts.on("features"):
        features = Features(parts, whole.source)
        frozen.append(features)
        inputs = features.inference(whole.rows)
        models = [model_of(cut(model).rest, features.shape) for model in models]
    _require_alike(runs)
    for model in models:
        compile_model(model, recipe, outputs)
    stack = Stack(models, outputs, inputs, outputs.targets(whole.labels))
    return stack, models[0], frozen


def _require_alike(runs: Sequence[Run]) -> None:
    """Raises if the models differ in more than what is stacked.

    Each seed may have frozen weights of its own, or constants, such as the mean of its training
    images. Such seeds train one by one.
    """
    structures = {keys.structure_of(run.model) for run in runs}
    first, *others = (_frozen_weights(run.model) for run in runs)
    pairs = (zip(own, first, strict=True) for own in others)
    if len(structures) > 1 or not all(np.array_equal(a, b) for pair in pairs for a, b in pair):
        raise ValueError("the seeds' models differ in frozen weights or constants")


def _frozen_weights(model: keras.Model) -> list[NDArray[Any]]:
    parts = cut(model)
    operations = [link.operation for link in (*parts.before, *parts.random, *parts.after)]
    layers = [op for op in operations if isinstance(op, keras.layers.Layer)]
    return [array for layer in layers for array in layer.get_weights()]


def _epoch(
    stack: Stack,
    runs: Sequence[Run],
    recipe: Recipe,
    *,
    epoch: int,
    orders: Sequence[np.random.Generator],
    failures: Failures,
) -> None:
    """Trains all models for an epoch, validates them, and reports those that have not failed."""
    steps, rest = _orders(runs, recipe, orders)
    began = time.perf_counter()
    means = stack.epoch(steps, rest)
    each = (time.perf_counter() - began) / len(runs)
    count = steps.shape[1] + bool(rest.shape[1])
    predicted = stack.predict(np.stack([run.report.validation(epoch).rows for run in runs]))
    for i, run in enumerate(runs):
        own = {name: float(values[i]) for name, values in means.items()}
        if failures[i] is None:
            try:
                run.report.epoch(epoch, own, predicted[i], steps=np.full(count, each / count))
            except DivergedError as error:
                failures[i] = error


def _orders(
    runs: Sequence[Run], recipe: Recipe, rngs: Sequence[np.random.Generator]
) -> tuple[Indices, Indices]:
    """Returns the images of the full steps and of the smaller last one, of each model."""
    rows = []
    for run, rng in zip(runs, rngs, strict=True):
        train = run.parts.train.rows
        rows.append(train[np.concatenate(list(batches(len(train), recipe, rng)))])
    whole = np.stack(rows)
    full = whole.shape[1] // recipe.batch_size * recipe.batch_size
    steps = whole[:, :full].reshape(len(runs), -1, recipe.batch_size)
    return steps, whole[:, full:]


def _log_tests(
    stack: Stack, runs: Sequence[Run], outputs: Outputs, *, going: Sequence[int]
) -> None:
    tests = stack.predict(np.stack([run.parts.test.rows for run in runs]))
    held_out: list[Raw | None] = [None] * len(runs)
    if runs[0].parts.split.passes:
        held_out = [*stack.predict(np.stack([run.parts.validation.rows for run in runs]))]
    for i in going:
        log_test(outputs, runs[i].parts, runs[i].log, test=tests[i], held_out=held_out[i])
