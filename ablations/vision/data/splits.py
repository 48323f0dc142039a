"""Draws which images train, validate and test.

``disjoint`` makes three sets without overlap. ``as-published`` does what the five posts do with
``tf.data``: the test set is the head and the validation set the tail of one data set that is
shuffled anew at every pass, so that test images are validation images in other epochs. A split that
is given by folders stays; a part without a folder is drawn from the training images. Where no image
is kept for validation, epochs validate on the test images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.core.study import stream
from ablations.errors import StudyError
from ablations.vision.recipe.settings import Recipe

Counts = tuple[int, int, int]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Positions of the images in each part.

    ``passes`` is empty where each epoch validates on all of ``validation``. As published it holds,
    for each epoch, the positions within ``validation`` that the epoch validates on.
    """

    train: Indices
    validation: Indices
    test: Indices
    passes: tuple[Indices, ...] = ()

    @property
    def validates_on_test(self) -> bool:
        """Whether no image is kept for validation, so that epochs validate on the test images."""
        return not self.passes and np.array_equal(self.validation, self.test)

    @property
    def last_validation(self) -> Indices:
        """The images that the last epoch validates on."""
        return self.validation[self.passes[-1]] if self.passes else self.validation


@dataclass(frozen=True, slots=True)
class Pool:
    """How many images there are to draw from.

    ``held_out`` of them, the last ones, lie in a validation folder of their own; validation and
    test images are then drawn only from these. ``given`` counts those in the folders of training,
    validation and test, which follow each other; 0 for a part that is to be drawn.
    """

    images: int
    held_out: int = 0
    given: Counts | None = None


def draw(recipe: Recipe, pool: Pool, *, seed: int) -> Split:
    """Draws a split from the seed's split stream, or from ``split_seed`` if the recipe has one.

    Args:
        recipe: Names the kind of split and its sizes.
        pool: The images that there are.
        seed: The trial's seed.

    Raises:
        StudyError: if there are too few images for the sizes.
    """
    chosen = seed if recipe.split_seed is None else recipe.split_seed
    rng = np.random.default_rng(stream(chosen, "split"))
    if pool.given is not None:
        return _given(recipe, pool.given, rng)
    return _KINDS[recipe.split](recipe, pool.images, pool.held_out, rng)


def _given(recipe: Recipe, given: Counts, rng: np.random.Generator) -> Split:
    """Keeps the folders' split; what has none is drawn from the training images as in `_disjoint`.

    ``test_size`` and ``validation_size`` are then shares of the training folder.
    """
    pool, validation, test = given
    order = rng.permutation(pool)
    tested = 0 if test else _count("test_size", recipe.test_size or 0.2, pool)
    drawn = 0 if validation else _validation(recipe, 0.2, pool)
    if tested + drawn >= pool:
        raise _too_few("validation_size", tested + drawn, pool - 1)
    training = order[tested + drawn :]
    train = _count("train_size", recipe.train_size or len(training), len(training))
    ends = np.cumsum([pool, validation, test])
    testing = np.arange(*ends[1:]) if test else np.sort(order[:tested])
    own = np.arange(*ends[:2]) if validation else np.sort(order[tested : tested + drawn])
    return Split(
        train=np.sort(training[:train]), validation=own if len(own) else testing, test=testing
    )


def _disjoint(recipe: Recipe, images: int, held_out: int, rng: np.random.Generator) -> Split:
    """Shuffles once and cuts, so that a smaller ``train_size`` keeps a part of the same images."""
    order = rng.permutation(images - held_out)
    pool = images - held_out + rng.permutation(held_out) if held_out else order
    every = len(pool) if recipe.validation_size == 0 else 192
    test = _count("test_size", recipe.test_size or (every if held_out else 0.2), len(pool))
    rest = len(pool) - test
    validation = _validation(recipe, rest if held_out else 0.2, len(pool))
    if validation > rest:
        raise _too_few("validation_size", validation, rest)
    training = order if held_out else order[test + validation :]
    train = _count("train_size", recipe.train_size or len(training), len(training))
    testing, own = np.sort(pool[:test]), np.sort(pool[test : test + validation])
    return Split(
        train=np.sort(training[:train]), validation=own if len(own) else testing, test=testing
    )


def _as_published(recipe: Recipe, images: int, held_out: int, rng: np.random.Generator) -> Split:
    """Follows ``take(n // 5)`` and ``skip(n // 5)`` on n batches, reshuffled at every pass."""
    if not held_out:
        raise StudyError(
            "split 'as-published' needs a data set with a validation folder of its own",
            received=recipe.dataset,
            cure='Use it with cats-vs-dogs, or write split = "disjoint"',
        )
    train = rng.permutation(images - held_out)
    listed = rng.permutation(held_out)
    batches = -(-held_out // recipe.batch_size)
    test = batches // 5 * recipe.batch_size
    passes = [buffered_shuffle(listed, recipe, rng) for _ in range(recipe.epochs + 1)]
    validation = np.arange(images - held_out, images)
    return Split(
        train=train,
        validation=validation,
        test=validation[passes.pop()[:test]],
        passes=tuple(order[test:] for order in passes),
    )


def buffered_shuffle(order: Indices, recipe: Recipe, rng: np.random.Generator) -> Indices:
    """Shuffles as ``tf.data`` does, with the buffer of 8 batches that Keras gives it.

    The buffer is filled from the front; each draw takes one of its elements and fills the gap with
    the next. Source: ``keras.utils.image_dataset_from_directory``, ``tf.data.Dataset.shuffle``.
    """
    size = min(len(order), 8 * recipe.batch_size)
    buffer, drawn = list(order[:size]), np.empty_like(order)
    for i in range(len(order)):
        chosen = int(rng.integers(len(buffer)))
        drawn[i] = buffer[chosen]
        if size + i < len(order):
            buffer[chosen] = order[size + i]
        else:
            buffer[chosen] = buffer[-1]
            buffer.pop()
    return drawn


def _validation(recipe: Recipe, default: int | float, there: int) -> int:
    """Returns how many images are kept for validation: none where the study says 0."""
    share = default if recipe.validation_size is None else recipe.validation_size
    return 0 if share == 0 else _count("validation_size", share, there)


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


_KINDS = {"disjoint": _disjoint, "as-published": _as_published}
"""Kinds of split by their name in the setting ``split``."""
