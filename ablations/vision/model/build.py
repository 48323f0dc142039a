"""Builds the model that a recipe describes: augment, scale, base, layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ablations.errors import DataError, StudyError
from ablations.vision.data.images import Image8
from ablations.vision.model.layers import Streams, make_layer, seeded_defaults
from ablations.vision.model.precision import computing_in
from ablations.vision.model.preprocessing import base_preprocessing, scaling
from ablations.vision.recipe.grammar import LayerSpec
from ablations.vision.recipe.settings import Recipe

Shape = tuple[int, int, int]
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A model, and the base inside it if there is one."""

    model: keras.Model
    base: keras.Model | None = None


def build(recipe: Recipe, images: Image8, *, classes: tuple[str, ...], streams: Streams) -> Built:
    """Builds the model of a recipe; a base that is to be pretrained has its first weights still.

    Args:
        recipe: What to build.
        images: The training images, shape (example, height, width, channel).
        classes: Names of the classes, for a function named by ``build``.
        streams: Feed initial weights, augmentation and dropout.

    Raises:
        StudyError: if the layers do not fit each other or the image.
        DataError: if the weights do not fit the base or cannot be downloaded.
    """
    with computing_in(recipe.precision):
        return _build(recipe, images, classes, streams)


def _build(recipe: Recipe, images: Image8, classes: tuple[str, ...], streams: Streams) -> Built:
    shape = images.shape[1:]
    base = _build_base(recipe, shape, streams)
    own = _build_own(recipe, shape, classes, streams)
    with _explained("the layers"):
        inputs = outputs = keras.Input(shape)
        for spec in recipe.augment:
            outputs = make_layer(spec, streams)(outputs)
        for layer in scaling(recipe.scale, images):
            outputs = layer(outputs)
        outputs = (
            own(outputs) if own else _stack(recipe, outputs, base, images=images, streams=streams)
        )
        return Built(keras.Model(inputs, outputs), base)


def _build_own(
    recipe: Recipe, shape: Shape, classes: tuple[str, ...], streams: Streams
) -> keras.Model | None:
    if recipe.build is None:
        return None
    module, _, function = recipe.build.partition(":")
    make = getattr(import_module(module), function)
    with seeded_defaults(streams.seed("initialization")):
        model = make(recipe.settings, shape, classes)
    if not isinstance(model, keras.Model):
        problem = f"'{recipe.build}' must return a keras.Model"
        raise StudyError(problem, received=model, cure="Return the model that it builds")
    _require_heeded(model, recipe.build)
    return model


def _require_heeded(model: keras.Model, name: str) -> None:
    """Refuses what the study would not heed: a model is compiled and trained as its settings say.

    Raises:
        StudyError: if the model is compiled, or has a training step of its own.
    """
    if model.compiled:
        raise StudyError(
            f"'{name}' returns a compiled model, and the study would not use what it is compiled "
            "with",
            received=f"optimizer {type(model.optimizer).__name__}",
            cure="Leave compile out, and set optimizer, learning_rate and loss in the study; or "
            "train it by the adapter for Keras",
        )
    if type(model).train_step is not keras.Model.train_step:
        raise StudyError(
            f"'{name}' returns a model with a training step of its own, which the study would not "
            "use",
            received=f"{type(model).__name__}.train_step",
            cure="Remove it, or train the model by the adapter for Keras",
        )


def _stack(
    recipe: Recipe, outputs: Any, base: keras.Model | None, *, images: Image8, streams: Streams
) -> Any:
    """Puts ``layers`` on top, with the base first unless they place it themselves."""
    # A frozen base is left in inference mode, so that its batch statistics stay as they were.
    training = False if recipe.freeze else None
    if base is not None and "base" not in [spec.name for spec in recipe.layers]:
        if isinstance(recipe.base, str) and recipe.pretrained_elsewhere:
            for layer in base_preprocessing(recipe.base, recipe.scale, images):
                outputs = layer(outputs)
        outputs = base(outputs, training=training)
    precise = _first_precise(recipe.layers)
    for i, spec in enumerate(recipe.layers):
        if spec.name == "base" and base is not None:
            outputs = base(outputs, training=training)
        else:
            last, dtype = i == len(recipe.layers) - 1, "float32" if i >= precise else None
            outputs = make_layer(spec, streams, last=last, dtype=dtype)(outputs)
    return outputs


def _first_precise(layers: Sequence[LayerSpec]) -> int:
    """Returns the first of the layers that compute in float32 at any precision.

    That is the last one with weights, which gives the logits, as the Keras guide on mixed precision
    has it.
    """
    weighing = [i for i, spec in enumerate(layers) if spec.word.stream == "initialization"]
    return weighing[-1] if weighing else len(layers) - 1


def build_base(recipe: Recipe, shape: Shape) -> None:
    """Builds a recipe's base with its weights, to see that it can be done.

    Raises:
        StudyError: if the base cannot be built.
        DataError: if the weights do not fit it, cannot be read, or cannot be downloaded.
    """
    _build_base(recipe, shape, Streams(*(np.random.default_rng(0) for _ in range(3))))


def _build_base(recipe: Recipe, shape: Shape, streams: Streams) -> keras.Model | None:
    if recipe.base is None:
        return None
    if isinstance(recipe.base, str):
        base = _application(recipe, shape, streams)
    else:
        base = _listed_base(recipe, shape, streams)
    if recipe.weights_file is not None:
        _load_file(base, recipe)
    base.trainable = not recipe.freeze
    if recipe.unfreeze is not None:
        unfreeze(base, recipe.unfreeze)
    return base


def unfreeze(base: keras.Model, last: int | str) -> None:
    """Has training change the last layers of a base, but for their batch normalisations.

    These stay frozen, as Keras's guide on fine-tuning EfficientNet has it, and so keep the means
    and variances of the data that the base comes from: ``fit`` calls all of a model with
    ``training=True``, whatever ``training=False`` it was built with, and a frozen batch
    normalisation alone computes as in inference.

    Args:
        base: What to unfreeze; all that is not named stays or becomes frozen.
        last: How many layers, as ``base.layers`` counts them, or ``all``.

    Raises:
        StudyError: if it has fewer layers, or none of them has weights to train.
    """
    count = len(base.layers)
    wanted = count if last == "all" else int(last)
    base.trainable = False  # TensorFlow leaves out an assignment of what is there already
    base.trainable = True
    frozen = base.layers[: max(0, count - wanted)]
    inside = [layer for layer in base._flatten_layers() if layer is not base]
    kept = [layer for layer in inside if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in (*frozen, *kept):
        layer.trainable = False
    if wanted > count or not base.trainable_weights:
        received = f"unfreeze = {last}, of {count} layers"
        cure = f'Name 1 to {count} layers, or "all"; the last ones may have no weights to train'
        raise StudyError("no such layers of the base can be trained", received=received, cure=cure)


def _application(recipe: Recipe, shape: Shape, streams: Streams) -> keras.Model:
    weights = "imagenet" if recipe.weights == "imagenet" else None
    make = getattr(keras.applications, str(recipe.base))
    try:
        with seeded_defaults(streams.seed("initialization")), _explained(f"base {recipe.base}"):
            return make(input_shape=shape, include_top=False, weights=weights)
    except Exception as error:
        # Keras raises a bare Exception when a download fails; anything else goes on as it is.
        if type(error) is not Exception:
            raise
        raise DataError(
            f"the imagenet weights of {recipe.base} cannot be downloaded",
            received=_first_line(error),
            cure="Connect to the internet and try again, or name a file of them: "
            "--set weights=PATH",
        ) from error


def _listed_base(recipe: Recipe, shape: Shape, streams: Streams) -> keras.Model:
    specs = recipe.base if isinstance(recipe.base, tuple) else ()
    inputs = outputs = keras.Input(shape)
    with _explained("base"):
        for spec in specs:
            outputs = make_layer(spec, streams)(outputs)
        return keras.Model(inputs, outputs, name="base")


def _load_file(base: keras.Model, recipe: Recipe) -> None:
    """Loads the file of weights that the recipe names.

    Raises:
        DataError: if it is damaged, or holds the weights of another model.
    """
    named = recipe.base if isinstance(recipe.base, str) else "this very base"
    try:
        base.load_weights(Path(str(recipe.weights_file)).expanduser())
    except ValueError as error:
        problem = f"{recipe.weights_file}: the weights do not fit the base"
        cure = f"Name a file with the weights of {named}, saved without its top layers"
        raise DataError(problem, received=_first_line(error), cure=cure) from error
    except Exception as error:  # damaged files make h5py raise nearly anything
        raise _damaged(recipe, _first_line(error)) from error
    if not all(np.isfinite(weight).all() for weight in base.get_weights()):
        raise _damaged(recipe, "numbers that are not finite")


def _damaged(recipe: Recipe, received: str) -> DataError:
    return DataError(
        f"{recipe.weights_file}: this is no whole file of weights",
        received=received,
        cure="Download or save it again, or name another one: --set weights=PATH",
    )


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """Turns Keras's errors about layers that do not fit into one ``StudyError``."""
    try:
        yield
    except (ValueError, TypeError) as error:
        cure = "Make the layers fit each other and the image size"
        problem = f"{place} cannot be built"
        raise StudyError(problem, received=_first_line(error), cure=cure) from error


def _first_line(error: Exception) -> str:
    """Returns the first line that says what is wrong, without Keras's frame and its colours."""
    lines = [line.strip() for line in _COLOURS.sub("", str(error)).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("Exception encountered when calling")]
    return next(iter(telling or lines), type(error).__name__).rstrip(".")
