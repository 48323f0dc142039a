"""Trains a base once on digits that the study does not ask for, and keeps its weights."""

from __future__ import annotations

import hashlib
import sys
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.core.study import stream
from ablations.vision.data import datasets
from ablations.vision.data.fingerprint import RECIPE_VERSION
from ablations.vision.features import engines
from ablations.vision.model.build import build
from ablations.vision.model.layers import Streams
from ablations.vision.platform import cache, shortcuts
from ablations.vision.recipe.settings import FINE_TUNE_RATE, Recipe
from ablations.vision.training.loop import Part, fit, make_learner

PRETRAINING_SEED = 0
"""The base is trained once, with this seed: like downloaded weights it is shared by all seeds."""


def load_pretrained(base: keras.Model, recipe: Recipe) -> None:
    """Puts weights that were trained on the recipe's source classes into ``base``.

    They are trained on all images of those classes, with the recipe's own settings, when first
    asked for, and kept in the cache under a hash of these settings and of what may round otherwise:
    versions, shortcuts, threads. Two processes that ask at once both train, to the same end.
    """
    source = source_recipe(recipe)
    running = sys.modules[keras.backend.backend()].__version__
    by = f"{keras.__version__} {running} {shortcuts.facts()} {engines.threads()}"
    facts = f"{RECIPE_VERSION} {by} {source!r}"
    name = hashlib.sha256(facts.encode()).hexdigest()[:16]
    path = cache.folder() / "pretrained" / f"{name}.npz"
    arrays = _stored(path)
    if arrays is None:
        arrays = made = _train(source)
        cache.publish(path, lambda beside: _write(beside, made))
    base.set_weights(arrays)


def _stored(path: Path) -> list[NDArray[np.generic]] | None:
    """Returns the weights in a file; ``None`` if it is missing or damaged (it has checksums)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return [stored[f"weight_{i:04}"] for i in range(len(stored.files))]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def source_recipe(recipe: Recipe) -> Recipe:
    """Returns the recipe of the pretraining: other classes, all of their images, a fitting end.

    The last layer is a dense one, as the settings' check has made sure.
    """
    classes = recipe.source_classes or ()
    head = recipe.layers[-1]
    arguments = tuple(dict(head.arguments, units=len(classes)).items())
    return replace(
        recipe,
        dataset="digits",
        classes=classes,
        layers=(*recipe.layers[:-1], replace(head, arguments=arguments)),
        loss=None,
        weights="none",
        freeze=False,
        unfreeze=None,
        fine_tune_rate=FINE_TUNE_RATE,
        precision="float32",
        test_size=None,
        validation_size=None,
        train_size=None,
        split_seed=None,
        skip_broken=False,
    )


def _train(source: Recipe) -> list[NDArray[np.generic]]:
    examples = datasets.load(source, None)
    rng = {
        name: np.random.default_rng(stream(PRETRAINING_SEED, name))
        for name in ("order", "initialization", "augmentation", "dropout")
    }
    streams = Streams(rng["initialization"], rng["augmentation"], rng["dropout"])
    built = build(source, examples.images, classes=examples.classes, streams=streams)
    learner = make_learner(built.model, source, examples.source, classes=len(examples.classes))
    part = Part(examples.source, np.arange(len(examples.labels)), examples.labels)
    fit(learner, part, rng=rng["order"])
    return list(built.base.get_weights()) if built.base is not None else []


def _write(path: Path, arrays: list[NDArray[np.generic]]) -> None:
    named = {f"weight_{i:04}": array for i, array in enumerate(arrays)}
    np.savez(path, allow_pickle=False, **named)
