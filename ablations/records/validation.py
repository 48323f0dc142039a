"""What a stored run record must look like: one reader for JSON lines, record files and baselines.

Nobody can vouch for a file: it may be cut short, edited by hand or come from elsewhere. All that is
read passes through here, and ends as values that the rest may rely on or as a `ValueError` of one
line that names the field.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
)
from pydantic import model_validator as model
from pydantic_core import from_json

from ablations.core.metrics import Better, Unit
from ablations.core.record import Exhibit, Metric, Predictions, Reason, RunRecord, Status, Table
from ablations.core.study import Arm
from ablations.errors import place

M = TypeVar("M", bound=BaseModel)


def parsed(text: str | bytes) -> Any:
    """Reads JSON; numbers that are not finite, and text that is no Unicode, are refused.

    Raises:
        ValueError: if it is not JSON.
    """
    return from_json(text, allow_inf_nan=False)


def checked(kind: type[M], values: object) -> M:
    """Returns the values as a model of this module.

    Raises:
        ValueError: if they are none, with the first field that is wrong and what is wrong there.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = place(first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        said = said[:1].lower() + said[1:]
        text = f"{where}: {said}" if where else said
        shown = "" if isinstance(first["input"], dict | list | BaseModel) else _short(first)
        raise ValueError(text + shown) from None


def _short(error: Any) -> str:
    text = repr(error["input"])
    return f" ({text})" if len(text) <= 60 else ""


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


Labels = Annotated[Any, BeforeValidator(_array("iu", 1, np.int64))]
Probabilities = Annotated[Any, BeforeValidator(_array("iuf", 2, np.float32))]
Seconds = Annotated[Any, BeforeValidator(_array("iuf", 1, np.float64))]
Fact = Annotated[str, BeforeValidator(_text)]
Picture = Annotated[bytes, BeforeValidator(_picture)]
StoredFacts = TypeAdapter(dict[str, Fact])
"""The facts of an environment."""

Cell = str | bool | int | float | None


def require_once(what: str, names: Sequence[object]) -> None:
    """Raises `ValueError` where a name stands twice."""
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"{what} {twice!r} twice")


class Strict(BaseModel):
    """A part of a document in which every value has its exact kind."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class StoredMetric(Strict):
    """One number of a trial."""

    name: str
    value: float
    unit: Unit
    better: Better


class StoredPredictions(Strict):
    """What a model says of each example of a split."""

    split: str
    labels: Labels
    probabilities: Probabilities
    examples: str = ""

    @model(mode="after")
    def _fit(self) -> Self:
        if len(self.labels) != len(self.probabilities):
            raise ValueError(f"{len(self.labels)} labels, {len(self.probabilities)} predictions")
        return self


class StoredTable(Strict):
    """A table of an exhibit."""

    columns: list[str]
    rows: list[list[Cell]]

    @model(mode="after")
    def _fit(self) -> Self:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("has rows of another length than its columns")
        return self


class StoredExhibit(Strict):
    """A figure or table that the training code showed."""

    name: str
    title: str
    scope: Literal["study", "arm"] = "arm"
    caption: str = ""
    table: StoredTable | None = None
    image_png: Picture | None = None
    alt: str = ""
    sample: bool = False
    chart: Literal["none", "histogram"] = "none"

    def value(self) -> Exhibit:
        """Returns the exhibit that this is."""
        table = self.table and Table(
            tuple(self.table.columns),
            tuple(map(tuple, self.table.rows)),
        )
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return Exhibit(**{**values, "table": table})


def exhibit_of(value: object) -> Exhibit:
    """Returns an exhibit, which many records may share, as it is; else reads its values."""
    return value if isinstance(value, Exhibit) else checked(StoredExhibit, value).value()


class StoredContents(Strict):
    """What a training function reported."""

    metrics: list[StoredMetric]
    epochs: list[dict[str, float | None]]
    steps: list[Seconds]
    predictions: list[StoredPredictions]
    exhibits: list[Annotated[Any, BeforeValidator(exhibit_of)]]
    environment: dict[str, Fact]

    @model(mode="after")
    def _told_apart(self) -> Self:
        require_once("metric", [metric.name for metric in self.metrics])
        require_once("predictions of", [own.split for own in self.predictions])
        return self


class StoredRecord(StoredContents):
    """One run record."""

    key: Annotated[str, Field(min_length=1)]
    study: str
    entry: str
    arm: dict[str, str]
    seed: Annotated[int, Field(ge=0)]
    settings: dict[str, JsonValue]
    data: str
    status: Status
    reason: Reason | None
    message: str
    started_at: str
    seconds: Annotated[float, Field(ge=0)]

    @model(mode="after")
    def _whole(self) -> Self:
        if (self.status == "failed") != (self.reason is not None):
            raise ValueError(f"status: {self.status} with the reason {self.reason}")
        try:
            datetime.fromisoformat(self.started_at) + timedelta(seconds=self.seconds)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"started_at: {error}") from error
        return self

    def value(self) -> RunRecord:
        """Returns the record that this is."""
        same = ("key", "study", "entry", "seed", "settings", "data", "status", "reason")
        head = {name: getattr(self, name) for name in (*same, "message", "started_at", "seconds")}
        return RunRecord(
            **head,
            arm=Arm(tuple(self.arm.items())),
            metrics=tuple(Metric(m.name, m.value, m.unit, m.better) for m in self.metrics),
            epochs=tuple(
                {name: math.nan if value is None else value for name, value in epoch.items()}
                for epoch in self.epochs
            ),
            steps=tuple(self.steps),
            predictions=tuple(
                Predictions(p.split, p.labels, p.probabilities, p.examples)
                for p in self.predictions
            ),
            exhibits=tuple(self.exhibits),
            environment=self.environment,
        )
