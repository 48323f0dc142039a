"""How a run record is written in files: the one description of it.

The frozen values of `ablations.core.record` name the fields. This module adds what differs in a
file: arrays are lists, an arm is an object, a picture is base64. JSON lines and record files are
written and read by this description.

A file may be cut short, edited by hand or come from elsewhere. All that is read is checked here,
and is returned as values that need no further check, or refused by a `ValueError` of one line that
names the field.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic_core import from_json

from ablations.core.design import Arm
from ablations.core.record import (
    SCHEMA_VERSION,
    Cell,
    Exhibit,
    Metric,
    Predictions,
    RunRecord,
    Table,
)
from ablations.errors import place

T = TypeVar("T")

HEAD = (
    "key", "study", "entry", "arm", "seed", "settings", "data",
    "status", "reason", "message", "started_at", "seconds",
)  # fmt: skip
"""The fields that name a trial and say how it ended, in their order in files."""

_LONGEST = 60
"""Characters of a wrong value that a message shows."""

_NOT_WRITTEN = frozenset({"training"})
"""Fields that stand for others while a record is in memory."""

_BODY = ("environment", "metrics", "epochs", "steps", "predictions", "exhibits")


def to_text(value: object) -> str:
    """Returns compact JSON of values as they are in a record; what is not finite is refused."""
    separators = (",", ":")
    return json.dumps(
        value, ensure_ascii=False, separators=separators, allow_nan=False, default=_plain
    )


def _listed(values: NDArray[Any]) -> object:
    """Returns the numbers of an array; those of 32 bits in as few digits as tell them apart."""
    if values.dtype == np.float32:
        return values.astype("S16").astype(np.float64).tolist()
    return values.tolist()


_AS_JSON: tuple[tuple[type[Any], Callable[[Any], object]], ...] = (
    (Arm, lambda arm: dict(arm.levels)),
    (np.ndarray, _listed),
    (np.generic, np.generic.item),
    (bytes, lambda raw: base64.b64encode(raw).decode()),
    (Mapping, dict),
)
"""How files hold what JSON does not know."""


def _plain(value: object) -> object:
    for kind, convert in _AS_JSON:
        if isinstance(value, kind):
            return convert(value)
    if is_dataclass(value):
        return {own.name: getattr(value, own.name) for own in fields(value)}
    raise TypeError(f"{type(value).__name__} cannot be stored: {value!r}")


def epoch_values(epoch: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no NaN, but the epoch in which a trial diverged holds one: it becomes null."""
    return {name: value if np.isfinite(value) else None for name, value in epoch.items()}


def record_text(record: RunRecord) -> str:
    """Returns a record as JSON that anyone can read, without a checksum."""
    values = {name: getattr(record, name) for name in (*HEAD, *_BODY)}
    epochs = list(map(epoch_values, record.epochs))
    return to_text({"schema_version": SCHEMA_VERSION, **values, "epochs": epochs})


def parsed(text: str | bytes) -> Any:
    """Reads JSON; numbers that are not finite, and text that is no Unicode, are refused.

    Raises:
        ValueError: if it is not JSON.
    """
    return from_json(text, allow_inf_nan=False)


def checked(kind: TypeAdapter[T], values: object) -> T:
    """Returns the values as what they describe.

    Raises:
        ValueError: if they are none, with the first field that is wrong and what is wrong there.
    """
    try:
        return kind.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where, value = place(first["loc"]), first["input"]
        problem = first["msg"].removeprefix("Value error, ")
        text = f"{where}: {problem[:1].lower()}{problem[1:]}".removeprefix(": ")
        if not isinstance(value, dict | list | BaseModel) and len(repr(value)) <= _LONGEST:
            text = f"{text} ({value!r})"
        raise ValueError(text) from None


def _array(kinds: str, dimensions: int, dtype: type[Any]) -> Callable[[object], NDArray[Any]]:
    """Returns what reads numbers of some of NumPy's kinds into an array of finite ones."""

    def read(values: object) -> NDArray[Any]:
        try:
            found = np.asarray(values)
        except (TypeError, OverflowError) as error:
            raise ValueError(str(error)) from error
        shaped = found.ndim == dimensions or (found.size == 0 and found.ndim <= dimensions)
        if not isinstance(values, list | np.ndarray) or not shaped:
            raise ValueError(f"should be a list of numbers in {dimensions} dimensions")
        if found.size and (found.dtype.kind not in kinds or not np.isfinite(found).all()):
            raise ValueError("should hold finite numbers only")
        if found.size == 0:
            found = found.reshape(found.shape + (0,) * (dimensions - found.ndim))
        return found.astype(dtype, copy=False)

    return read


def _text(value: object) -> object:
    """Facts of an environment are text; a training function may have given a number."""
    return str(value) if isinstance(value, int | float) else value


def _picture(value: object) -> object:
    """Reads the base64 of a picture."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"should be base64: {error}") from error


Fact = Annotated[str, BeforeValidator(_text)]
"""One fact of an environment."""


def require_once(what: str, names: Sequence[object]) -> None:
    """Raises `ValueError` where a name occurs twice."""
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"{what} {twice!r} twice")


class Strict(BaseModel):
    """A part of a document in which every value has its exact kind."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True
    )


def _described(
    kind: type[Any],
    check: Callable[[Any], None] = lambda _value: None,
    *,
    with_defaults: bool = False,
    **other: Any,
) -> Any:
    """Returns the type of a frozen value as it is read from a file.

    Args:
        kind: The dataclass that says which fields there are.
        check: Raises `ValueError` where fields that are sound do not fit together.
        with_defaults: Whether a field that has a default may be missing.
        other: The types of the fields that differ in files.
    """
    hints = get_type_hints(kind) | other
    stored = [own for own in fields(kind) if own.name not in _NOT_WRITTEN]
    known: dict[str, Any] = {own.name: (hints[own.name], ...) for own in stored}
    if with_defaults:
        optional = (own for own in stored if own.default is not MISSING)
        known |= {own.name: (hints[own.name], own.default) for own in optional}
    model: Any = create_model(f"Stored{kind.__name__}", __base__=Strict, **known)

    def value(own: Any) -> Any:
        found = kind(**own.__dict__)
        check(found)
        return found

    return Annotated[model, AfterValidator(value)]


def _fitting(own: Predictions) -> None:
    if len(own.labels) != len(own.probabilities):
        raise ValueError(f"{len(own.labels)} labels, {len(own.probabilities)} predictions")


def _rectangular(table: Table) -> None:
    if any(len(row) != len(table.columns) for row in table.rows):
        raise ValueError("has rows of another length than its columns")


def _whole(record: RunRecord) -> None:
    require_once("metric", [metric.name for metric in record.metrics])
    require_once("predictions of", [own.split for own in record.predictions])
    if (record.status == "failed") != (record.reason is not None):
        raise ValueError(f"status: {record.status} with the reason {record.reason}")
    try:
        datetime.fromisoformat(record.started_at) + timedelta(seconds=record.seconds)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"started_at: {error}") from error


def _epoch(values: dict[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in values.items()}


def _arm(levels: dict[str, str]) -> Arm:
    return Arm(tuple(levels.items()))


def _exhibit(value: object) -> Exhibit:
    """Returns an exhibit that was read already, because many records share it, as it is."""
    return value if isinstance(value, Exhibit) else checked(EXHIBIT, value)


def _many(kind: Any) -> Any:
    """Returns the type of a list in a file that is a tuple here."""
    return Annotated[list[kind], AfterValidator(tuple)]


_TABLE = _described(Table, _rectangular, columns=_many(str), rows=_many(_many(Cell | bool)))
_PREDICTIONS = _described(
    Predictions,
    _fitting,
    with_defaults=True,
    labels=Annotated[Any, BeforeValidator(_array("iu", 1, np.int64))],
    probabilities=Annotated[Any, BeforeValidator(_array("iuf", 2, np.float32))],
)
_EXHIBITS = _many(Annotated[Any, BeforeValidator(_exhibit)])
EXHIBIT: TypeAdapter[Exhibit] = TypeAdapter(
    _described(
        Exhibit,
        with_defaults=True,
        table=_TABLE | None,
        image_png=Annotated[bytes, BeforeValidator(_picture)] | None,
    )
)
EXHIBITS: TypeAdapter[tuple[Exhibit, ...]] = TypeAdapter(_EXHIBITS)
RECORD: TypeAdapter[RunRecord] = TypeAdapter(
    _described(
        RunRecord,
        _whole,
        key=Annotated[str, Field(min_length=1)],
        arm=Annotated[dict[str, str], AfterValidator(_arm)],
        seed=Annotated[int, Field(ge=0)],
        settings=dict[str, JsonValue],
        seconds=Annotated[float, Field(ge=0)],
        metrics=_many(_described(Metric)),
        epochs=_many(Annotated[dict[str, float | None], AfterValidator(_epoch)]),
        steps=_many(Annotated[Any, BeforeValidator(_array("iuf", 1, np.float64))]),
        predictions=_many(_PREDICTIONS),
        exhibits=_EXHIBITS,
        environment=dict[str, Fact],
    )
)
