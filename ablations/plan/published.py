"""Published numbers that a study is compared with, from a JSON file beside the study file.

``runs`` holds each published run once, by name; ``studies`` says, by a study's slug, which runs
belong to which arms, and which gains are claimed for which factor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ablations.core.design import Arm, Factor
from ablations.core.study import Claim, PublishedRun
from ablations.errors import StudyError
from ablations.plan.schema_errors import as_study_error
from ablations.plan.validation import require


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class RunEntry(_Strict):
    """A published run: its source and its numbers."""

    source: str
    settings: dict[str, Any] = {}
    epochs: dict[str, tuple[float, ...]]
    step_seconds: tuple[float, ...] = ()
    test_accuracy: float | None = None


class ClaimEntry(_Strict):
    """A gain from one named run to another, ascribed to one level of a factor.

    ``given`` names the level that each other factor had in both of them.
    """

    factor: str
    level: str
    given: dict[str, str] = {}
    before: str
    after: str


class StudyEntry(_Strict):
    """What is published about one study."""

    runs: dict[str, dict[str, str]] = {}
    claims: tuple[ClaimEntry, ...] = ()


class PublishedFile(_Strict):
    """The whole file."""

    runs: dict[str, RunEntry]
    studies: dict[str, StudyEntry]


def read_published(
    study_file: Path, name: str | None, slug: str, *, arms: Sequence[Arm], factors: Sequence[Factor]
) -> tuple[tuple[PublishedRun, ...], tuple[Claim, ...]]:
    """Returns the published runs and claims of one study from the file ``name`` beside its own.

    Without a name there are none.

    Raises:
        StudyError: if the file cannot be read, or does not fit the study.
    """
    if name is None:
        return (), ()
    file = _read(study_file, name)
    require(
        slug in file.studies,
        f"{name} has nothing about this study",
        received=slug,
        cure=f"Its studies are {', '.join(file.studies)}",
    )
    entry = file.studies[slug]
    runs = tuple(_run(file, name, where, arms) for name, where in entry.runs.items())
    return runs, tuple(_claim(file, claim, factors) for claim in entry.claims)


def _read(study_file: Path, name: str) -> PublishedFile:
    require(
        Path(name).name == name not in ("", "..") and name.isprintable(),
        "'published' must be the name of a file beside the study file",
        received=name,
        cure="Put the file there, and write its name without a folder",
    )
    path = study_file.with_name(name)
    try:
        return PublishedFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StudyError(
            "'published' names a file that cannot be read",
            received=f"{path.name}: {error.strerror}",
            cure="Put it beside the study file",
        ) from error
    except ValidationError as error:
        raise as_study_error(path.name, error, model=PublishedFile) from error


def _run(
    file: PublishedFile, name: str, where: Mapping[str, str], arms: Sequence[Arm] | None
) -> PublishedRun:
    require(
        name in file.runs,
        f"published run '{name}' is not there",
        received=name,
        cure=f"Runs are {', '.join(file.runs)}",
    )
    require(
        arms is None or sum(arm.matches(where) for arm in arms) == 1,
        f"published run '{name}' must match one arm",
        received=str(dict(where)),
        cure="Name a level of each factor",
    )
    entry = file.runs[name]
    times, accuracy = entry.step_seconds, entry.test_accuracy
    return PublishedRun(entry.source, where, entry.epochs, times, accuracy, entry.settings)


def _claim(file: PublishedFile, claim: ClaimEntry, factors: Sequence[Factor]) -> Claim:
    levels = {factor.name: [level.name for level in factor.levels] for factor in factors}
    require(
        claim.level in levels.get(claim.factor, ()),
        "a published claim names no level of a factor",
        received=f"{claim.factor} = {claim.level}",
        cure=f"Factors and levels are {levels}",
    )
    others = {name: own for name, own in levels.items() if name != claim.factor}
    require(
        set(claim.given) == set(others)
        and all(level in others[name] for name, level in claim.given.items()),
        f"the published claim of '{claim.factor}' must say at which levels of the other factors "
        "both of its runs stood",
        received=f"given = {claim.given}",
        cure=f"Name a level of each of {others} in 'given'",
    )
    before, after = (_run(file, name, {}, None) for name in (claim.before, claim.after))
    return Claim(claim.factor, claim.level, before, after, claim.given)
