"""What a report measured, as its summary ``report.json`` holds it: written and read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter

from ablations.core.design import Arm
from ablations.core.findings import ArmFinding, Findings
from ablations.core.metrics import Better, MetricInfo, Unit
from ablations.core.past import Past, PastArm
from ablations.errors import StoreError
from ablations.records.description import Fact, Strict, checked, parsed, require_once
from ablations.records.readers.reader import CURE, Reader, beginning, require_version
from ablations.records.sqlite.checksums import of_document

SCHEMA_VERSION = 1
"""The version of the document."""


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _seed(text: object) -> int:
    if not (isinstance(text, str) and text.isascii() and text.isdigit()):
        raise ValueError(f"a seed should be a whole number ({text!r})")
    return int(text)


class _Open(Strict):
    """A part of a document that may hold more than is read here."""

    model_config = ConfigDict(extra="ignore")


class _Info(_Open):
    """Unit and better direction of a metric."""

    unit: Unit
    better: Better


class _Arm(_Open):
    """What was measured of one arm: values by metric and seed."""

    levels: dict[str, str]
    values: dict[str, dict[Annotated[int, BeforeValidator(_seed)], float]]
    untrained: list[int] = Field(default_factory=list)


def _distinct(arms: list[_Arm]) -> list[_Arm]:
    require_once("the arm", [tuple(arm.levels.items()) for arm in arms])
    return arms


class _Measured(_Open):
    """What a later state of a study can be compared with."""

    data: list[str]
    started: list[Annotated[str, AfterValidator(_moment)]] = Field(default_factory=list)
    environments: list[dict[str, Fact]]
    metrics: dict[str, _Info] = Field(default_factory=dict)
    arms: Annotated[list[_Arm], AfterValidator(_distinct)]
    checksum: str | None = None


class _Summary(_Open):
    """The part of a summary that is read here."""

    measured: _Measured


_SUMMARY = TypeAdapter(_Summary)


def measured_document(findings: Findings) -> dict[str, Any]:
    """Returns what a later state of the study can be compared with, and its checksum."""
    found = _Measured.model_construct(
        data=list(findings.data),
        started=list(findings.started),
        environments=[dict(facts) for facts, _ in findings.environments],
        metrics={m.name: _Info.model_construct(unit=m.unit, better=m.better)
                 for m in findings.metrics},
        arms=[_arm_document(arm) for arm in findings.arms],
    )  # fmt: skip
    # JSON has seeds as texts.
    values: dict[str, Any] = parsed(found.model_dump_json(exclude={"checksum"}))
    return values | {"checksum": of_document(values)}


def _arm_document(arm: ArmFinding) -> _Arm:
    values = {name: dict(summary.values) for name, summary in arm.summaries.items()}
    levels, untrained = dict(arm.arm.levels), list(arm.untrained)
    return _Arm.model_construct(levels=levels, values=values, untrained=untrained)


def _takes(path: Path) -> bool:
    lines = beginning(path).startswith(b'{"schema_version"')  # JSON lines may have any name
    return path.suffix == ".json" and path.is_file() and not lines


def _read(path: Path, source: str) -> Past:
    try:
        found = _measured(parsed(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{source} holds no findings that a gate can be held against",
            received=str(error),
            cure=CURE,
        ) from error
    arms = [
        PastArm(Arm(tuple(own.levels.items())), own.values, tuple(own.untrained))
        for own in found.arms
    ]
    return Past(
        source,
        tuple(arms),
        tuple(found.data),
        tuple(found.environments),
        tuple(found.started),
        {name: MetricInfo(name, own.unit, own.better) for name, own in found.metrics.items()},
    )


def _measured(document: Any) -> _Measured:
    """Reads the part of a summary that gates can be held against.

    Raises:
        ValueError: if it is none, of another version, or was changed since it was written.
    """
    found = checked(_SUMMARY, document).measured
    require_version("schema", document.get("schema", SCHEMA_VERSION), SCHEMA_VERSION)
    values = {k: value for k, value in document["measured"].items() if k != "checksum"}
    if found.checksum is not None and found.checksum != of_document(values):
        raise ValueError("measured: its checksum is that of other values")
    return found


READER = Reader(_takes, _read, inside=("{report}/report.json", "report.json"))
