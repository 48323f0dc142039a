"""Puts everything in place before the first trial, in the driver and without a framework."""

from __future__ import annotations

from ablations.vision.data import datasets, splits
from ablations.vision.data.folders import ReportBytes
from ablations.vision.model import weights
from ablations.vision.platform import cache, processor, shortcuts
from ablations.vision.platform.backend import require_installed
from ablations.vision.recipe.settings import Recipe

FEATURE_BYTES = 10 << 30
"""How much of frozen layers' outputs the cache keeps from one run to the next."""


def prepare(recipe: Recipe, data_dir: str | None, report: ReportBytes) -> None:
    """Downloads and checks the data and the base's weights, and tries out the split's sizes.

    Raises:
        StudyError: if the backend is missing or cannot compute in the precision, a shortcut to
            leave out is unknown, or the split asks for more images than there are.
        DataError: if the data or weights cannot be had, or are broken, or the cache cannot be
            used.
    """
    require_installed(recipe.backend)
    shortcuts.check()
    cache.require()
    processor.require(recipe.backend, recipe.precision)
    cache.prune("features", limit_bytes=FEATURE_BYTES)
    weights.make_ready(recipe, datasets.shape_of(recipe), report)
    pool = datasets.make_ready(recipe, data_dir, report)
    splits.draw(recipe, pool, seed=0)
