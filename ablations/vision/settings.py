"""The settings of the built-in training function as one frozen, checked recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from ablations.errors import StudyError
from ablations.study import Settings
from ablations.vision import readers
from ablations.vision.grammar import LayerSpec, parse_augment, parse_layers

LOSSES = ("sparse_categorical_crossentropy", "binary_crossentropy")
OPTIMIZERS = (
    "adam", "adamw", "sgd", "rmsprop", "nadam", "adamax", "adagrad", "adadelta", "lion", "ftrl",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to train on, and how. The package's docstring describes each setting.

    ``settings`` are those that it was read from, for a function named by ``build``.
    """

    dataset: str
    classes: tuple[str, ...] | None = None
    image_size: tuple[int, int] | None = None
    skip_broken: bool = False
    split: str = "disjoint"
    test_size: int | float | None = None
    validation_size: int | float | None = None
    train_size: int | float | None = None
    split_seed: int | None = None
    batch_size: int = 32
    epochs: int = 10
    optimizer: str = "adam"
    learning_rate: float | None = None
    loss: str | None = None
    backend: str = "tensorflow"
    augment: tuple[LayerSpec, ...] = ()
    scale: str = "none"
    base: str | tuple[LayerSpec, ...] | None = None
    weights: str = "none"
    freeze: bool = False
    layers: tuple[LayerSpec, ...] = ()
    build: str | None = None
    settings: Settings = field(default_factory=dict, repr=False, compare=False)

    @property
    def source_classes(self) -> tuple[str, ...] | None:
        """The digits that the base is pretrained on, or ``None`` without pretraining."""
        if not self.weights.startswith("pretrain:"):
            return None
        return readers.classes("weights", self.weights.split(":", 2)[2])

    @property
    def weights_file(self) -> str | None:
        """The path of the file that holds the base's weights, if there is one."""
        known = self.weights in {"none", "imagenet"} or self.source_classes is not None
        return None if known or self.base is None else self.weights


_READERS: dict[str, readers.Reader] = {
    "dataset": readers.dataset,
    "classes": readers.classes,
    "image_size": readers.image_size,
    "skip_broken": readers.flag,
    "split": readers.one_of("disjoint"),
    "test_size": readers.share,
    "validation_size": readers.share,
    "train_size": readers.share,
    "split_seed": readers.whole(0, example=0),
    "batch_size": readers.whole(1, example=32),
    "epochs": readers.whole(1, example=20),
    "optimizer": readers.one_of(*OPTIMIZERS),
    "learning_rate": readers.positive,
    "loss": readers.one_of(*LOSSES),
    "backend": readers.one_of("tensorflow", "jax", "torch"),
    "augment": parse_augment,
    "scale": readers.one_of("none", "0..1", "-1..1", "standardise"),
    "base": readers.base,
    "weights": readers.weights,
    "freeze": readers.flag,
    "layers": parse_layers,
    "build": readers.entry,
}


def read(settings: Settings) -> Recipe:
    """Returns the recipe that ``settings`` describe.

    Raises:
        StudyError: for the first setting that is unknown, wrong, or contradicts another.
    """
    own = {key: value for key, value in settings.items() if key.startswith("build_")}
    known = {key: value for key, value in settings.items() if key not in own}
    for key in known:
        if key not in _READERS:
            near = get_close_matches(key, _READERS, n=1)
            cure = f"Did you mean '{near[0]}'?" if near else f"Settings are {', '.join(_READERS)}"
            raise StudyError(f"unknown setting '{key}'", received=settings[key], cure=cure)
    if "dataset" not in known:
        raise StudyError(
            "setting 'dataset' is missing",
            received=list(settings),
            cure='Add for example dataset = "digits"',
        )
    recipe = Recipe(
        **{key: _READERS[key](key, value) for key, value in known.items()}, settings=settings
    )
    _check_model(recipe, own)
    _check_classes(recipe)
    return recipe


def _check_model(recipe: Recipe, own: Mapping[str, Any]) -> None:
    """Settings that describe the model must fit each other."""
    placed = [spec.name for spec in recipe.layers].count("base")
    if recipe.build is None and own:
        raise StudyError(
            "settings of your own need 'build'",
            received=list(own),
            cure="Add build, or remove them",
        )
    if recipe.build is not None and (recipe.layers or recipe.base):
        raise StudyError(
            "setting 'build' stands alone",
            received="build beside layers or base",
            cure="Remove layers and base, or build",
        )
    if recipe.build is None and not recipe.layers:
        raise StudyError(
            "setting 'layers' is missing",
            received="no layers",
            cure='Add for example layers = ["flatten", "dense:10"]',
        )
    if placed > 1 or (placed and recipe.base is None):
        raise StudyError(
            "'base' in layers needs the setting 'base', once",
            received=f"{placed} times",
            cure="Add the setting, or remove the word",
        )
    if isinstance(recipe.base, tuple) and "base" in [spec.name for spec in recipe.base]:
        raise StudyError(
            "setting 'base' cannot hold itself", received="base", cure="Remove the word"
        )
    if isinstance(recipe.base, tuple) and recipe.weights == "imagenet":
        raise StudyError(
            "imagenet weights need a base of keras.applications",
            received="a list of layers",
            cure='Write for example base = "MobileNetV2"',
        )


def _check_classes(recipe: Recipe) -> None:
    """Classes must exist, fit the output units, and not leak from pretraining into testing."""
    known = {"digits": tuple("0123456789"), "cats-vs-dogs": ("cats", "dogs")}.get(recipe.dataset)
    check_known(recipe.classes, known)
    shared = set(recipe.source_classes or ()) & set(recipe.classes or known or ())
    if recipe.dataset == "digits" and shared:
        raise StudyError(
            "pretraining must not see the classes of the study",
            received=f"{recipe.weights} shares {', '.join(sorted(shared))}",
            cure='Pretrain on others: weights = "pretrain:digits:0-4", classes = "5-9"',
        )
    check_known(recipe.source_classes, tuple("0123456789"))
    names = recipe.classes or known
    if names and recipe.layers and recipe.layers[-1].name == "dense":
        units = recipe.layers[-1].get("units")
        check_units(units if isinstance(units, int) else 0, len(names))


def check_known(wanted: tuple[str, ...] | None, known: tuple[str, ...] | None) -> None:
    """Raises ``StudyError`` if a wanted class is none of the known ones; ``None`` fits anything."""
    for name in wanted or ():
        if known is not None and name not in known:
            raise StudyError(
                f"there is no class '{name}'",
                received=", ".join(wanted or ()),
                cure=f"Classes are {', '.join(known)}",
            )


def check_units(units: int, classes: int) -> None:
    """Raises ``StudyError`` if so many outputs cannot tell so many classes apart."""
    if units < classes and not (units == 1 and classes == 2):
        raise StudyError(
            "the model has too few outputs",
            received=f"{units} outputs for {classes} classes",
            cure=f"End 'layers' with dense:{classes}",
        )
