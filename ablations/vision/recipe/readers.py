"""Reads single settings: each reader takes the setting's name and value, and returns it checked."""

from __future__ import annotations

import re
import symtable
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import Any

from ablations.errors import StudyError
from ablations.vision.recipe.grammar import LayerSpec, parse_layers

Reader = Callable[[str, Any], Any]

APPLICATIONS = (
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge",
    "DenseNet121", "DenseNet169", "DenseNet201",
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4",
    "EfficientNetB5", "EfficientNetB6", "EfficientNetB7",
    "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3",
    "EfficientNetV2L", "EfficientNetV2M", "EfficientNetV2S",
    "InceptionResNetV2", "InceptionV3",
    "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small",
    "NASNetLarge", "NASNetMobile",
    "ResNet101", "ResNet101V2", "ResNet152", "ResNet152V2", "ResNet50", "ResNet50V2",
    "VGG16", "VGG19", "Xception",
)  # fmt: skip
"""The models of ``keras.applications``, listed here so that planning needs no Keras."""


def wrong(setting: str, must: str, value: object, example: str) -> StudyError:
    """Returns the error for a setting that is not what it must be."""
    cure = f"Write for example {setting} = {example}"
    return StudyError(f"setting '{setting}' must be {must}", received=value, cure=cure)


def is_whole(value: object) -> bool:
    """Whether ``value`` is a whole number; TOML's booleans are none, though Python's are."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole(minimum: int, example: int) -> Reader:
    """Returns a reader of whole numbers from ``minimum``."""

    def read(setting: str, value: Any) -> int:
        if not is_whole(value) or value < minimum:
            raise wrong(setting, f"a whole number from {minimum}", value, str(example))
        return int(value)

    return read


def one_of(*names: str) -> Reader:
    """Returns a reader of one of ``names``."""

    def read(setting: str, value: Any) -> str:
        if value not in names:
            near = get_close_matches(str(value), names, n=1) or names
            raise wrong(setting, "one of " + ", ".join(names), value, f'"{near[0]}"')
        return str(value)

    return read


def flag(setting: str, value: Any) -> bool:
    """Reads true or false."""
    if not isinstance(value, bool):
        raise wrong(setting, "true or false", value, "true")
    return value


def positive(setting: str, value: Any) -> float:
    """Reads a number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise wrong(setting, "a number above 0", value, "0.001")
    return float(value)


def share(setting: str, value: Any) -> int | float:
    """Reads a number of images, or a fraction between 0 and 1 of those drawn from."""
    if is_whole(value) and value >= 1:
        return int(value)
    if isinstance(value, float) and 0 < value < 1:
        return value
    raise wrong(setting, "a number of images, or a fraction between 0 and 1", value, "0.2")


def image_size(setting: str, value: Any) -> tuple[int, int]:
    """Reads one number of pixels or a list [height, width]."""
    pixels = [value, value] if is_whole(value) else value
    if not isinstance(pixels, list | tuple) or len(pixels) != 2:
        raise wrong(setting, "one number of pixels or [height, width]", value, "160")
    if not all(is_whole(pixel) and pixel >= 1 for pixel in pixels):
        raise wrong(setting, "one number of pixels or [height, width]", value, "160")
    return pixels[0], pixels[1]


def classes(setting: str, value: Any) -> tuple[str, ...]:
    """Reads names of classes.

    Example:
        >>> classes("classes", "5-7"), classes("classes", ["cats", "dogs"])
        (('5', '6', '7'), ('cats', 'dogs'))
    """
    if isinstance(value, str) and (ends := re.fullmatch(r"(\d+)-(\d+)", value)):
        names = [str(n) for n in range(int(ends[1]), int(ends[2]) + 1)]
    elif isinstance(value, str):
        names = [name.strip() for name in value.split(",")]
    else:
        names = [str(name) for name in value] if isinstance(value, list | tuple) else []
    if len(names) < 2 or len(set(names)) < len(names) or "" in names:
        raise wrong(setting, "at least two different classes", value, '"5-9"')
    return tuple(names)


def dataset(setting: str, value: Any) -> str:
    """Reads ``digits``, ``cats-vs-dogs`` or ``directory:PATH``."""
    text = str(value)
    if text in {"digits", "cats-vs-dogs"} or re.fullmatch(r"directory:.+", text):
        return text
    raise wrong(setting, "digits, cats-vs-dogs or directory:PATH", value, '"digits"')


def split(setting: str, value: Any) -> str:
    """Reads the kind of split; a table of folders, one for each part, is a given one."""
    if not isinstance(value, Mapping):
        return str(one_of("disjoint", "as-published", "given")(setting, value))
    example = '{ train = "train", validation = "val", test = "test" }'
    known = set(value) <= {"train", "validation", "test"} and "train" in value
    if not known or not all(map(_inside, value.values())) or len({*value.values()}) < len(value):
        raise wrong(setting, "a different folder of the data set for each part", value, example)
    return "given"


def _inside(folder: object) -> bool:
    """Whether ``folder`` can name one that lies inside of the data set's."""
    path = PurePath(folder) if isinstance(folder, str) else PurePath("..")
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def base(setting: str, value: Any) -> str | tuple[LayerSpec, ...]:
    """Reads a name from ``keras.applications`` or a list of layers."""
    if isinstance(value, str):
        if value in APPLICATIONS:
            return value
        near = (get_close_matches(value, APPLICATIONS, n=1) or ["MobileNetV2"])[0]
        raise wrong(setting, "a model of keras.applications or a list", value, f'"{near}"')
    return parse_layers(setting, value)


def weights(setting: str, value: Any) -> str:
    """Reads ``none``, ``imagenet``, the path of a file, or ``pretrain:digits:CLASSES``."""
    if not isinstance(value, str) or not value:
        raise wrong(setting, "none, imagenet, a file or pretrain:digits:0-4", value, '"imagenet"')
    if value.startswith("pretrain:"):
        source, _, names = value.removeprefix("pretrain:").partition(":")
        if source != "digits" or not names:
            raise wrong(setting, "pretrain:digits:CLASSES", value, '"pretrain:digits:0-4"')
        classes(setting, names)
    return value


def entry(setting: str, value: Any) -> str:
    """Reads ``module:function``; finds both without importing what the module imports."""
    module, _, name = str(value).partition(":")
    if not re.fullmatch(r"[\w.]+:\w+", str(value)):
        raise wrong(setting, "module:function", value, '"mymodels:build"')
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not _binds(spec.origin, name):
        problem = f"setting '{setting}' names nothing that can be imported"
        raise StudyError(
            problem,
            received=value,
            cure=f"Check the spelling, and that {module} lies on Python's path",
        )
    return str(value)


def _binds(source: str | None, name: str) -> bool:
    """Whether the module binds ``name``; true where its source cannot be read."""
    if source is None or not source.endswith(".py"):
        return True
    table = symtable.symtable(Path(source).read_text(encoding="utf-8"), source, "exec")
    return name in table.get_identifiers() and (
        table.lookup(name).is_assigned() or table.lookup(name).is_imported()
    )
