"""Reads a study file and turns it into a `Study`, or into one clear line."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablations.core.design import Arm, Settings
from ablations.core.study import Study
from ablations.entry import Entry, find_entry
from ablations.errors import AblationsError, StudyError, meant
from ablations.plan.imported import import_of
from ablations.plan.published import read_published
from ablations.plan.schema import StudyFile, TrialTable
from ablations.plan.schema_errors import as_study_error
from ablations.plan.tables import (
    adaptive_seeds,
    chapters_of,
    design_of,
    factors_of,
    gates_of,
    listed_seeds,
    require_effects,
    require_few_trials,
    require_fixed_seeds,
    require_fixed_target,
    resources_of,
)
from ablations.plan.validation import parse_override, require
from ablations.plan.variants import overridden, variant_name, variant_title

BUILT_IN = Path(str(files("ablations.studies")))
"""The folder of the built-in studies."""


def builtin_names() -> tuple[str, ...]:
    """Returns the names of the built-in studies."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def builtin_titles() -> dict[str, str]:
    """Returns the titles of the built-in studies by name."""
    texts = {name: study_file(name).read_text(encoding="utf-8") for name in builtin_names()}
    return {name: str(tomllib.loads(text)["title"]) for name, text in texts.items()}


def study_file(name: str) -> Path:
    """Returns the path of a study, given as a path or as the name of a built-in study.

    Raises:
        StudyError: if there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name in builtin_names():
        return BUILT_IN / f"{name}.toml"
    require(
        not path.is_dir(),
        "this is a folder, and a study is a file",
        received=name,
        cure="Name a .toml file; 'ablations init' writes one to edit",
    )
    beside = (str(file) for file in path.parent.glob("*.toml"))
    hint = meant(name, (*builtin_names(), *beside))
    raise StudyError(
        "there is no such study file and no built-in study of this name",
        received=name,
        cure=f"{hint}Built in are {', '.join(builtin_names())}; 'ablations init' writes a file to "
        "edit",
    )


def slug_of(name: str) -> str:
    """Returns the name of a study by that of its file, or its title: letters, digits and hyphens.

    Example:
        >>> slug_of("Does dropout help?")
        'does-dropout-help'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "study"


def write_example(path: Path) -> None:
    """Writes the example to a new file.

    Raises:
        StudyError: if the file exists already or cannot be written.
    """
    example = files("ablations.templates").joinpath("study.toml").read_text(encoding="utf-8")
    write_new(path, example, cure="Name another path: ablations init PATH")


def write_new(path: Path, text: str, *, cure: str = "Name another path with -o") -> None:
    """Writes a study file that does not exist yet.

    Raises:
        StudyError: if the file exists already or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StudyError(
            "the study file cannot be written",
            received=f"{path}: {error.strerror}",
            cure=cure,
        ) from error


def load_study(
    name: str | Path,
    *,
    overrides: Sequence[str] = (),
    seeds: int | None = None,
    threads: int | None = None,
) -> Study:
    """Loads a study, checks it and imports its training function.

    Args:
        name: Path of a study file, or the name of a built-in study.
        overrides: Shared settings as ``key=value`` with TOML values.
        seeds: Number of seeds instead of the file's.
        threads: Threads of each trial instead of the file's.

    Raises:
        StudyError: if anything in the file cannot be used.
    """
    path = study_file(str(name))
    try:
        return _read(str(name), path, overrides, seeds=seeds, threads=threads)
    except ValidationError as error:
        raise as_study_error(path.name, error) from error
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{path.name} is not text in UTF-8, as a study file must be",
            received=f"{error.object[error.start : error.start + 1]!r} at byte {error.start}",
            cure="Save it as UTF-8; editors offer this as the encoding of the file",
        ) from error
    except (ValueError, RecursionError) as error:  # of tomllib, also for numbers beyond reason
        raise StudyError(
            f"{path.name} is not valid TOML",
            received=str(error),
            cure="Write each key and level only once, and text in quotes",
        ) from error
    except StudyError as error:
        raise error.at(path.name) from error


def _read(
    name: str, path: Path, overrides: Sequence[str], *, seeds: int | None, threads: int | None
) -> Study:
    content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    before = StudyFile.model_validate(content).trial
    _override(content, overrides, seeds=seeds, threads=threads)
    file = StudyFile.model_validate(content)
    imported = import_of(file)
    study = _with_published(
        study_of(file, slug=slug_of(path.stem), folder=path.resolve().parent), path, file
    )
    require_trainable(study)
    _require_known_settings(study, overrides, own=tuple(before.settings))
    changed = overridden(_overridable(before), _overridable(file.trial))
    found = path.resolve()
    return replace(
        study,
        title=variant_title(study.title, changed),
        variant=variant_name(changed),
        source=_source(name, path, overrides, seeds=seeds, threads=threads),
        imported=imported,
        file=None if found.parent == BUILT_IN.resolve() else str(found),
    )


def _overridable(trial: TrialTable) -> dict[str, Any]:
    """Returns what options may override, apart from the seeds, and what trials are named by."""
    return {**trial.settings, "trial.threads": trial.threads}


def _override(
    content: dict[str, Any], overrides: Sequence[str], *, seeds: int | None, threads: int | None
) -> None:
    trial = content["trial"]
    for text in overrides:
        key, value = parse_override(text)
        trial.setdefault("settings", {})[key] = value
        for factor, levels in content.get("factors", {}).items():
            require(
                not any(key in level for level in levels.values()),
                f"--set {key} would change nothing, because factor '{factor}' sets it",
                received=text,
                cure="Change the factor's levels in the study file",
            )
    if seeds is not None:
        design = content.setdefault("design", {})
        require_fixed_seeds(design.get("seeds"), override=seeds)
        design["seeds"] = seeds
    if threads is not None:
        trial["threads"] = threads


def _require_known_settings(study: Study, overrides: Sequence[str], *, own: Sequence[str]) -> None:
    """A key of ``--set`` must be in the study file, or be one that the training function takes.

    It takes a key if its ``check_settings`` accepts it but not the same key misspelt.
    """
    settings, entry = study.arm_settings(study.arms[0]), find_entry(study.entry, study.folder)
    for text in overrides:
        key, _ = parse_override(text)
        require(
            key in own or not _takes(entry, {**settings, f"{key}_misspelt": 0}),
            f"--set {key}: the study has no such setting",
            received=text,
            cure=f"{meant(key, own)}Write it into [trial.settings] first, where there are "
            f"{', '.join(own) or 'none'}",
        )


def _takes(entry: Entry, settings: Settings) -> bool:
    try:
        entry.check_settings(settings)
    except (AblationsError, OSError):
        return False
    return True


def _source(
    name: str, path: Path, overrides: Sequence[str], *, seeds: int | None, threads: int | None
) -> str:
    """Returns what to write after ``ablations run`` to get this very study."""
    words = [name if name in builtin_names() else path.name]
    words += [word for text in overrides for word in ("--set", text)]
    for option, number in (("--seeds", seeds), ("--threads", threads)):
        words += [] if number is None else [option, str(number)]
    return shlex.join(words)


def study_of(file: StudyFile, *, slug: str, folder: Path) -> Study:
    """Turns what a study says into a `Study`, of which no trial has been tried yet.

    Args:
        file: What it says; files with published numbers are not read.
        slug: The name of its store and report.
        folder: Where modules of its own lie.

    Raises:
        StudyError: if the parts do not fit together.
    """
    factors, analysis, trial = factors_of(file), file.analysis, file.trial
    design, seeds = design_of(file, factors), listed_seeds(file.design.seeds)
    arms = design.arms
    return Study(
        slug=slug,
        title=file.title,
        question=file.question,
        entry=trial.run,
        settings=trial.settings,
        factors=factors,
        design=design,
        seeds=seeds,
        adaptive=adaptive_seeds(file.design.seeds),
        gates=gates_of(file, arms),
        metric=analysis.metric,
        smallest_effect_that_matters=analysis.smallest_effect_that_matters,
        smallest_ratio_that_matters=analysis.smallest_ratio_that_matters,
        target_accuracy=analysis.target_accuracy,
        timeout_seconds=trial.timeout_seconds,
        memory_gib=trial.memory_gib,
        threads=trial.threads,
        resources=resources_of(file, arms),
        folder=str(folder),
        chapters=chapters_of(file, arms),
    )


def _with_published(study: Study, path: Path, file: StudyFile) -> Study:
    """Adds the published numbers that a study file names."""
    published, claims = read_published(
        path, file.published, study.slug, arms=study.arms, factors=study.factors
    )
    return replace(study, published=published, claims=claims)


def require_trainable(study: Study) -> None:
    """Each arm must be another one, and have settings that the training function takes."""
    require_few_trials(study.arms, len(study.seeds))
    _require_own_settings(study)
    require_fixed_target(study)
    require_effects(study)
    entry = find_entry(study.entry, study.folder)
    for arm in study.arms:
        entry.check_settings(study.arm_settings(arm))


def _require_own_settings(study: Study) -> None:
    """Arms must differ in what they train, and settings must be values that JSON can hold."""
    seen: dict[str, Arm] = {}
    for arm in study.arms:
        settings = study.arm_settings(arm)
        try:
            text = json.dumps(settings, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise StudyError(
                "settings may hold text, finite numbers, booleans, lists and tables",
                received=f"{arm.name}: {error}",
                cure="Write dates and other values as text",
            ) from error
        twin = seen.setdefault(text, arm)
        require(
            twin is arm,
            "two arms have the same settings",
            received=f"{twin.name} and {arm.name}: {text}",
            cure="Change a level, or the shared setting that makes two levels alike",
        )
