"""The identity of what a trial trains on: the content of its data, its weights, and this code."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from ablations.errors import DataError
from ablations.vision.data import datasets
from ablations.vision.platform import cache
from ablations.vision.recipe.settings import Recipe

RECIPE_VERSION = 1
"""Raise it when the same settings begin to train differently, so that trials are made anew."""


def fingerprint(recipe: Recipe, data_dir: str | None) -> str:
    """Returns the data set's name and 16 hex digits over the content, wherever it lies.

    Raises:
        DataError: if a folder or file is missing or is not what it should be.
    """
    facts = [RECIPE_VERSION, datasets.content(recipe, data_dir), _weights(recipe)]
    if recipe.build is not None:
        facts.append(_source(recipe.build))
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return f"{recipe.dataset.partition(':')[0]}-{digest[:16]}"


def _source(build: str) -> str:
    """Returns the digest of the file of a function that builds models."""
    spec = find_spec(build.partition(":")[0])
    source = Path(spec.origin).read_bytes() if spec and spec.origin else b""
    return hashlib.sha256(source).hexdigest()


def _weights(recipe: Recipe) -> str | None:
    """Returns the digest of the base's weight file, if there is one."""
    if recipe.weights_file is None:
        return None
    path = Path(recipe.weights_file).expanduser()
    if not path.is_file():
        raise DataError(
            "there is no such file of weights",
            received=recipe.weights_file,
            cure="Correct the path in the setting 'weights'",
        )
    facts = cache.stamp(path.parent, [Path(path.name)])
    return cache.remembered("digests", facts, lambda: hashlib.sha256(path.read_bytes()).hexdigest())
