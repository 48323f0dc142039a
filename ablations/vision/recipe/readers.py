"""Reads single settings: each reader takes the setting's name and value, and returns it checked."""

from __future__ import annotations

import re
import symtable
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import ConfigDict, Field, Strict, TypeAdapter, ValidationError

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


def typed(kind: Any, must: str, example: str) -> Reader:
    """Returns a reader of values of a type, by pydantic's strict rules: true is no number."""
    adapter = TypeAdapter(kind, config=ConfigDict(strict=True))

    def read(setting: str, value: Any) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError:
            raise wrong(setting, must, value, example) from None

    return read


def whole(minimum: int, example: int) -> Reader:
    """Returns a reader of whole numbers from ``minimum``."""
    kind = Annotated[int, Field(ge=minimum)]
    return typed(kind, f"a whole number from {minimum}", str(example))


def one_of(*names: str) -> Reader:
    """Returns a reader of one of ``names``."""

    def read(setting: str, value: Any) -> str:
        if value not in names:
            near = get_close_matches(str(value), names, n=1) or names
            raise wrong(setting, "one of " + ", ".join(names), value, f'"{near[0]}"')
        return str(value)

    return read


flag = typed(bool, "true or false", "true")
positive = typed(Annotated[float, Field(gt=0)], "a number above 0", "0.001")
share = typed(
    Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)],
    "a number of images, or a fraction between 0 and 1",
    "0.2",
)
share_or_none = typed(
    Annotated[int, Field(ge=0)] | Annotated[float, Field(gt=0, lt=1)],
    "a number of images, a fraction between 0 and 1, or 0 for none",
    "0.2",
)
_PIXELS = Annotated[int, Field(ge=1)]
_image_size = typed(
    _PIXELS | Annotated[tuple[_PIXELS, _PIXELS], Strict(False)],
    "one number of pixels or [height, width]",
    "160",
)


_count_or_all = typed(Annotated[int, Field(ge=1)], "a number of layers from 1, or all", "30")


def image_size(setting: str, value: Any) -> tuple[int, int]:
    """Reads one number of pixels or a list [height, width]."""
    found = _image_size(setting, value)
    return found if isinstance(found, tuple) else (found, found)


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


def last_layers(setting: str, value: Any) -> int | str:
    """Reads how many of a base's last layers are meant, or ``all``."""
    return value if value == "all" else int(_count_or_all(setting, value))


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
