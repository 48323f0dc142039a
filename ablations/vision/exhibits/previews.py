"""Shows what an arm trains on, without training: sample images, augmented copies, pixel values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

import keras
import numpy as np
from numpy.typing import NDArray

from ablations.core.checks import plain
from ablations.core.record import Cell, Exhibit, Table
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.vision.data import datasets, splits
from ablations.vision.data.images import Image8, resize
from ablations.vision.exhibits.image_grid import grid_png
from ablations.vision.model.layers import Streams, make_layer
from ablations.vision.model.preprocessing import scaling
from ablations.vision.recipe.grammar import LayerSpec
from ablations.vision.recipe.settings import Recipe
from ablations.vision.recipe.words import Value

SAMPLES = 4
COPIES = 5
HISTOGRAM_IMAGES = 100
BINS = 32

Floats = NDArray[np.float32]


def describe_recipe(trial: Trial, recipe: Recipe, log: TrialLog) -> None:
    """Shows through ``log`` the data, and what the arm makes of them before its first weights.

    Raises:
        DataError: if the data are missing or broken.
        StudyError: if the split asks for more images than there are.
    """
    examples = datasets.load(recipe, trial.data_dir)
    split = splits.draw(recipe, examples.pool, seed=trial.seed)
    # All arms of a seed share this stream, and so they show the same images.
    drawn = trial.rng("order").permutation(np.sort(split.train))
    log.exhibit(samples(examples, drawn))
    streams = Streams(trial.rng("initialization"), trial.rng("augmentation"), trial.rng("dropout"))
    steps = tuple(_input_steps(recipe, examples.images[split.train], streams))
    if any(spec for spec, _ in steps):
        log.exhibit(augmented_copies(steps, examples.images[drawn[0]]))
    if not all(spec for spec, _ in steps):
        log.exhibit(pixel_histogram(steps, examples.images[drawn[:HISTOGRAM_IMAGES]]))


Step = tuple[LayerSpec | None, keras.Layer]
"""A layer that images pass before the first weights; with its description if it augments."""


def _input_steps(recipe: Recipe, images: Image8, streams: Streams) -> Iterator[Step]:
    """Yields new layers like those that the arm's model begins with, with the same seeds."""
    for spec in recipe.augment:
        yield spec, make_layer(spec, streams)
    for layer in scaling(recipe.scale, images):
        yield None, layer
    placed = recipe.base is None or "base" in [spec.name for spec in recipe.layers]
    for spec in takewhile(_keeps_images, recipe.layers if placed else ()):
        yield (spec if _augments(spec) else None), make_layer(spec, streams)


def _augments(spec: LayerSpec) -> bool:
    return spec.word.stream == "augmentation"


def _keeps_images(spec: LayerSpec) -> bool:
    return spec.name == "rescale" or _augments(spec)


def samples(examples: datasets.Examples, drawn: splits.Indices) -> Exhibit:
    """Returns a picture of the first images of each class, one row per class.

    Args:
        examples: All images.
        drawn: Positions of the training images in a random order.
    """
    labels = examples.labels[drawn]
    rows = [
        list(examples.images[drawn[labels == label][:SAMPLES]])
        for label in range(len(examples.classes))
    ]
    names = ", ".join(examples.classes)
    return Exhibit(
        "samples",
        "Sample images",
        scope="study",
        caption=f"Training images drawn at random, one row per class: {names}.",
        image_png=grid_png(rows),
        alt=f"Grid of training images with one row for each class, from the top: {names}.",
        sample=True,
    )


def augmented_copies(steps: Sequence[Step], original: Image8) -> Exhibit:
    """Returns a picture of an image beside augmented copies, one row an augmentation.

    Each augmentation is applied by itself, to grey levels as they are in its place in the model;
    they are brought back to 0..255 to be shown.

    Args:
        steps: The first layers of the arm's model.
        original: A training image, shape (height, width, channel).
    """
    rows, names, before = [], [], list[keras.Layer]()
    for spec, layer in steps:
        if spec is None:
            before.append(layer)
            continue
        copies = [_copy(layer, original, before) for _ in range(COPIES)]
        rows.append([original, *copies])
        names.append(_in_words(spec))
    listed = "; ".join(names)
    return Exhibit(
        "augmented-copies",
        "Augmented copies",
        caption=f"A training image and {COPIES} copies of it, one row an augmentation: {listed}.",
        image_png=grid_png(rows),
        alt=f"A training image and {COPIES} augmented copies beside it, from the top: {listed}.",
        sample=True,
    )


def _copy(layer: keras.Layer, original: Image8, before: Sequence[keras.Layer]) -> Image8:
    """Returns the original as ``layer`` changes it in training, in grey levels of its size."""
    black, white = _ends(before, original.shape[-1])
    scaled = _through(before, original[None])
    copy = keras.ops.convert_to_numpy(layer(scaled, training=True))[0]
    grey = np.clip((copy - black) / (white - black) * 255, 0, 255)
    return resize(np.rint(grey).astype(np.uint8), (original.shape[0], original.shape[1]))


def _through(layers: Sequence[keras.Layer], images: Image8) -> Floats:
    """Returns images as layers without random draws make them."""
    outputs = images.astype(np.float32)
    for layer in layers:
        outputs = np.asarray(keras.ops.convert_to_numpy(layer(outputs)))
    return outputs


def _ends(layers: Sequence[keras.Layer], channels: int) -> tuple[Floats, Floats]:
    """Returns what black and white become in each channel."""
    ends = np.array([0, 255], dtype=np.uint8)
    shown = _through(layers, np.broadcast_to(ends[:, None, None, None], (2, 1, 1, channels)))
    return shown[0], shown[1]


def _in_words(spec: LayerSpec) -> str:
    """Returns for example ``RandomRotation(factor=0.3)``."""
    values = ", ".join(f"{name}={_value(value)}" for name, value in spec.arguments)
    return f"{spec.word.layer}({values})"


def _value(value: Value) -> str:
    if isinstance(value, tuple):
        return f"{plain(value[0])}..{plain(value[1])}"
    return plain(value) if isinstance(value, float) else str(value)


def pixel_histogram(steps: Sequence[Step], images: Image8) -> Exhibit:
    """Returns the shares of pixel values before and after the arm's preprocessing.

    Args:
        steps: The first layers of the arm's model; those that augment are left out.
        images: Training images, shape (example, height, width, channel).
    """
    layers = [layer for spec, layer in steps if spec is None]
    black, white = _ends(layers, images.shape[-1])
    rows: list[tuple[Cell, ...]] = list(_bins("before", images, (0, 255)))
    reach = float(min(black.min(), white.min())), float(max(black.max(), white.max()))
    rows += _bins("after", _through(layers, images), reach)
    return Exhibit(
        "pixel-histogram",
        "Pixel values before and after preprocessing",
        caption=f"All channels of {len(images)} training images drawn at random.",
        table=Table(("series", "from", "to", "share"), tuple(rows)),
        chart="histogram",
    )


def _bins(
    series: str, values: NDArray[np.generic], reach: tuple[float, float]
) -> Iterator[tuple[Cell, ...]]:
    counts, edges = np.histogram(values, bins=BINS, range=reach)
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        yield series, float(low), float(high), int(count) / values.size
