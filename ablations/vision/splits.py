"""Draws which images train, validate and test: three sets without overlap, by construction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.errors import StudyError
from ablations.study import stream
from ablations.vision.settings import Recipe

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Positions of the images in each part, ascending; no image is in two of them."""

    train: Indices
    validation: Indices
    test: Indices


def draw(recipe: Recipe, *, images: int, held_out: int, seed: int) -> Split:
    """Draws a split from the seed's split stream, or from ``split_seed`` if the recipe has one.

    Args:
        recipe: Names the kind of split and its sizes.
        images: Number of images in all.
        held_out: How many of them, the last ones, lie in a validation folder of their own;
            validation and test images are then drawn from these alone.
        seed: The trial's seed.

    Raises:
        StudyError: if there are too few images for the sizes.
    """
    chosen = seed if recipe.split_seed is None else recipe.split_seed
    rng = np.random.default_rng(stream(chosen, "split"))
    return _KINDS[recipe.split](recipe, images, held_out, rng)


def _disjoint(recipe: Recipe, images: int, held_out: int, rng: np.random.Generator) -> Split:
    """Shuffles once and cuts, so that a smaller ``train_size`` keeps a part of the same images."""
    order = rng.permutation(images - held_out)
    pool = images - held_out + rng.permutation(held_out) if held_out else order
    test = _count("test_size", recipe.test_size or (192 if held_out else 0.2), len(pool))
    rest = len(pool) - test
    default = rest if held_out else 0.2
    validation = _count("validation_size", recipe.validation_size or default, len(pool))
    if validation > rest:
        raise _too_few("validation_size", validation, rest)
    training = order if held_out else order[test + validation :]
    train = _count("train_size", recipe.train_size or len(training), len(training))
    return Split(
        train=np.sort(training[:train]),
        validation=np.sort(pool[test : test + validation]),
        test=np.sort(pool[:test]),
    )


def _count(setting: str, share: int | float, there: int) -> int:
    """Returns how many images ``share`` is of those that are there; at least one."""
    count = share if isinstance(share, int) else max(1, round(share * there))
    if not 1 <= count <= there:
        raise _too_few(setting, count, there)
    return count


def _too_few(setting: str, wanted: int, there: int) -> StudyError:
    return StudyError(
        f"setting '{setting}' asks for more images than there are",
        received=f"{wanted} of {there} images",
        cure="Make the validation, test or training part smaller",
    )


_KINDS = {"disjoint": _disjoint}
"""Kinds of split by their name in the setting ``split``."""
