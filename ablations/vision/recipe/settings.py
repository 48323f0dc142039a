"""The settings of the built-in training function as one frozen, checked recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from ablations.core.design import Settings
from ablations.errors import StudyError
from ablations.vision.recipe import readers
from ablations.vision.recipe.grammar import LayerSpec, parse_augment, parse_layers

Contradiction = tuple[bool, str, object, str]
"""Whether settings contradict each other; the problem, what was received, and the cure."""

LOSSES = ("sparse_categorical_crossentropy", "binary_crossentropy")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
FINE_TUNE_RATE = 1e-5
"""What the Keras guide on transfer learning fine-tunes with."""

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
    precision: str = "float32"
    augment: tuple[LayerSpec, ...] = ()
    scale: str = "none"
    base: str | tuple[LayerSpec, ...] | None = None
    weights: str = "none"
    freeze: bool = False
    unfreeze: int | str | None = None
    fine_tune_rate: float = FINE_TUNE_RATE
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
    def fine_tunes(self) -> bool:
        """Whether layers of a base are trained after the rest."""
        return self.base is not None and self.unfreeze is not None

    @property
    def mixed(self) -> bool:
        """Whether layers compute in numbers of 16 bits."""
        return self.precision != "float32"

    @property
    def split_folders(self) -> dict[str, str]:
        """The folders that the study names for the parts of a given split."""
        named = self.settings.get("split")
        return dict(named) if isinstance(named, Mapping) else {}

    @property
    def pretrained_elsewhere(self) -> bool:
        """Whether the base's weights come from ImageNet or a file."""
        return self.weights == "imagenet" or self.weights_file is not None

    @property
    def weights_file(self) -> str | None:
        """The path of the file that holds the base's weights, if there is one."""
        return self.weights if names_file(self.weights) and self.base is not None else None


def names_file(weights: str) -> bool:
    """Whether the setting ``weights`` is the path of a file."""
    return weights not in {"none", "imagenet"} and not weights.startswith("pretrain:")


_READERS: dict[str, readers.Reader] = {
    "dataset": readers.dataset,
    "classes": readers.classes,
    "image_size": readers.image_size,
    "skip_broken": readers.flag,
    "split": readers.split,
    "test_size": readers.share,
    "validation_size": readers.share_or_none,
    "train_size": readers.share,
    "split_seed": readers.whole(0, example=0),
    "batch_size": readers.whole(1, example=32),
    "epochs": readers.whole(1, example=20),
    "optimizer": readers.one_of(*OPTIMIZERS),
    "learning_rate": readers.positive,
    "loss": readers.one_of(*LOSSES),
    "backend": readers.one_of("tensorflow", "jax", "torch"),
    "precision": readers.one_of(*PRECISIONS),
    "augment": parse_augment,
    "scale": readers.one_of("none", "0..1", "-1..1", "standardise"),
    "base": readers.base,
    "weights": readers.weights,
    "freeze": readers.flag,
    "unfreeze": readers.last_layers,
    "fine_tune_rate": readers.positive,
    "layers": parse_layers,
    "build": readers.entry,
}


def read(settings: Settings) -> Recipe:
    """Returns the recipe that ``settings`` describe.

    Raises:
        StudyError: for the first setting that is unknown, wrong, or contradicts another.
    """
    own = [key for key in settings if key.startswith("build_")]
    values = {
        key: _reader(key, value)(key, value) for key, value in settings.items() if key not in own
    }
    if "dataset" not in values:
        problem, cure = "setting 'dataset' is missing", 'Add for example dataset = "digits"'
        raise StudyError(problem, received=list(settings), cure=cure)
    recipe = Recipe(**values, settings=settings)
    contradictions = (*_wrong_model(recipe, own), *_wrong_base(recipe), *_wrong_phases(recipe))
    for contradicts, problem, received, cure in contradictions:
        if contradicts:
            raise StudyError(problem, received=received, cure=cure)
    _check_classes(recipe)
    return recipe


def _reader(key: str, value: object) -> readers.Reader:
    if key not in _READERS:
        near = get_close_matches(key, _READERS, n=1)
        known = f"Settings are {', '.join(_READERS)}"
        cure = f"Perhaps '{near[0]}' was meant" if near else known
        raise StudyError(f"unknown setting '{key}'", received=value, cure=cure)
    return _READERS[key]


def _wrong_model(recipe: Recipe, own: list[str]) -> Iterator[Contradiction]:
    """Yields what contradicts in the settings of the whole model."""
    names = [spec.name for spec in recipe.layers]
    built = recipe.build is not None
    beside, remove = "build beside layers or base", "Remove one of them"
    example = 'Add for example layers = ["flatten", "dense:10"]'
    needs = "settings of your own need 'build'"
    yield bool(own) and not built, needs, own, "Add build, or remove them"
    both = built and (bool(names) or recipe.base is not None)
    yield both, "setting 'build' excludes 'layers' and 'base'", beside, remove
    yield not built and not names, "setting 'layers' is missing", "no layers", example


def _wrong_phases(recipe: Recipe) -> Iterator[Contradiction]:
    """Yields what contradicts in the settings of fine-tuning."""
    thawed = recipe.fine_tunes and not recipe.freeze
    needs = "setting 'unfreeze' needs a base that is frozen first"
    yield thawed, needs, "freeze = false", "Add freeze = true, or remove unfreeze"
    short = recipe.fine_tunes and recipe.epochs < 2
    twice = "setting 'unfreeze' needs epochs before and after it"
    yield short, twice, f"epochs = {recipe.epochs}", "Write for example epochs = 10"


def _wrong_base(recipe: Recipe) -> Iterator[Contradiction]:
    """Yields what contradicts in the settings of the base, its weights and the split."""
    names = [spec.name for spec in recipe.layers]
    listed = recipe.base if isinstance(recipe.base, tuple) else ()
    lost = "base" in names and (recipe.base is None or names.count("base") > 1)
    needs = "'base' in layers needs the setting 'base', once"
    yield lost, needs, names, "Add it, or remove the word"
    inside = LayerSpec("base") in listed
    yield inside, "setting 'base' cannot contain 'base'", "base", "Remove the word"
    imagenet = "imagenet weights need a base of keras.applications"
    example = 'Write for example base = "MobileNetV2"'
    yield bool(listed) and recipe.weights == "imagenet", imagenet, "a list of layers", example
    pretrained = recipe.base is not None and recipe.source_classes is not None
    unfit = pretrained and (recipe.dataset != "digits" or names[-1:] != ["dense"])
    problem = "'pretrain:' needs the digits, and layers that end in dense"
    cure = "Name a file of weights instead, or end 'layers' with dense"
    yield unfit, problem, recipe.dataset, cure
    elsewhere = recipe.split == "given" and not recipe.dataset.startswith("directory:")
    problem = "a given split needs dataset = directory:PATH"
    yield elsewhere, problem, recipe.dataset, "Remove split"


def _check_classes(recipe: Recipe) -> None:
    """Classes must exist, fit the output units, and not leak from pretraining into testing."""
    digits = tuple("0123456789")
    known = {"digits": digits, "cats-vs-dogs": ("cats", "dogs")}.get(recipe.dataset)
    check_known(recipe.classes, known)
    check_known(recipe.source_classes, digits)
    names = recipe.classes or known or ()
    shared = [name for name in names if name in (recipe.source_classes or ())]
    if recipe.base is not None and shared:
        raise StudyError(
            "pretraining must not see the classes of the study",
            received=f"{recipe.weights} shares {', '.join(shared)}",
            cure='Pretrain on others: weights = "pretrain:digits:0-4", classes = "5-9"',
        )
    if names:
        check_outputs(recipe, len(names))


def check_outputs(recipe: Recipe, classes: int) -> None:
    """Raises ``StudyError`` if the listed layers end with too few outputs for the classes."""
    if recipe.layers and recipe.layers[-1].name == "dense":
        units = recipe.layers[-1].get("units")
        check_units(units if isinstance(units, int) else 0, classes)


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
    """Raises ``StudyError`` if there are too few outputs for the classes."""
    if units < classes and not (units == 1 and classes == 2):
        raise StudyError(
            "the model has too few outputs",
            received=f"{units} outputs for {classes} classes",
            cure=f"End 'layers' with dense:{classes}",
        )
