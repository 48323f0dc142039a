"""Tables that a trial shows: the layers, the label counts, the files that were left out."""

from __future__ import annotations

import keras
import numpy as np

from ablations.core.record import WARNING, Cell, Exhibit, Table
from ablations.text.formatting import sentence
from ablations.vision.data.copies import sentences
from ablations.vision.data.datasets import Examples
from ablations.vision.data.folders import NAMED_AT_MOST
from ablations.vision.data.layouts import described
from ablations.vision.data.splits import Split
from ablations.vision.platform import processor


def layer_table(model: keras.Model) -> Exhibit:
    """Returns one row per layer with its output shape and its number of parameters.

    ``trainable`` are those that training changes: none of a frozen base.
    """
    rows = tuple(
        (_name(layer), _shape(layer), layer.count_params(), _trainable(layer))
        for layer in model.layers
    )
    columns = ("layer", "output shape", "parameters", "trainable")
    caption = "Shapes of one example, from the image to the outputs."
    return Exhibit("layers", "Layers", caption=caption, table=Table(columns, rows))


def _name(layer: keras.Layer) -> str:
    return str(layer.name) if isinstance(layer, keras.Model) else type(layer).__name__


def _shape(layer: keras.Layer) -> str | None:
    output = getattr(layer, "output", None)
    shape = getattr(output, "shape", None)
    return None if shape is None else " × ".join(map(str, shape[1:]))


def _trainable(layer: keras.Layer) -> int:
    return sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)


def label_counts(examples: Examples, split: Split) -> Exhibit:
    """Returns the number of images of each class in each part of the split."""
    parts = (split.train, split.last_validation, split.test)
    counts = [np.bincount(examples.labels[p], minlength=len(examples.classes)) for p in parts]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *(int(count[i]) for count in counts)) for i, name in enumerate(examples.classes)
    )
    columns = ("class", "training", "validation", "test")
    caption = "" if examples.layout is None else sentence(described(examples.layout)) + "."
    table = Table(columns, rows)
    return Exhibit("label-counts", "Images per class", "study", caption=caption, table=table)


def skipped_files(examples: Examples) -> Exhibit:
    """Returns the files that are no readable image, with the reasons."""
    columns = ("file", "reason")
    table = Table(columns, tuple(examples.skipped))
    return Exhibit("skipped-files", "Files left out", scope="study", table=table)


def emulated_numbers(precision: str) -> Exhibit:
    """Returns the warning that this machine has no instructions for what trials computed in."""
    caption = sentence(processor.emulation(precision)) + "."
    return Exhibit(f"{WARNING}{precision}", "Emulated numbers", "study", caption=caption)


def copied_images(examples: Examples) -> Exhibit:
    """Returns the images that are there more than once, as a warning."""
    rows = tuple((copy.file, copy.same_as, copy.where) for copy in examples.copies)
    table = Table(("image", "same as", "both in"), rows[:NAMED_AT_MOST])
    caption = ". ".join(sentences(examples.copies)) + "."
    return Exhibit(WARNING + "copies", "Images that are there twice", "study", caption, table)
