"""Reads a study file and turns it into a `Study`, or into one clear line."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablations.core.design import Arm, Factor, Settings
from ablations.core.study import Claim, PublishedRun, Study
from ablations.entry import Entry, find_entry
from ablations.errors import AblationsError, StudyError, meant
from ablations.plan.complaints import as_study_error
from ablations.plan.published import read_published
from ablations.plan.schema import StudyFile
from ablations.plan.seeds import (
    adaptive_seeds,
    listed_seeds,
    require_few_trials,
    require_fixed_seeds,
    require_fixed_target,
)
from ablations.plan.tables import chapters_of, design_of, factors_of, gates_of
from ablations.plan.validation import parse_override, require
from ablations.plan.variants import overridden, variant_name, variant_title


def builtin_names() -> tuple[str, ...]:
    """Returns the names of the built-in studies."""
    found = (Path(str(file)) for file in files("ablations.studies").iterdir())
    return tuple(sorted(path.stem for path in found if path.suffix == ".toml"))


def builtin_titles() -> dict[str, str]:
    """Returns the titles of the built-in studies by name."""
    return {
        name: str(tomllib.loads(study_file(name).read_text(encoding="utf-8"))["title"])
        for name in builtin_names()
    }


def study_file(name: str) -> Path:
    """Returns the path of a study, given as a path or as the name of a built-in study.

    Raises:
        StudyError: if there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name in builtin_names():
        return Path(str(files("ablations.studies"))) / f"{name}.toml"
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
    except (ValueError, RecursionError) as error:  # of tomllib, also for numbers beyond reason
        raise StudyError(
            f"{path.name} is not valid TOML",
            received=str(error),
            cure="A key or level may stand only once, and text needs quotes",
        ) from error
    except StudyError as error:
        raise error.at(path.name) from error


def _read(
    name: str, path: Path, overrides: Sequence[str], *, seeds: int | None, threads: int | None
) -> Study:
    content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    StudyFile.model_validate(content)
    before = _overridable(content)
    own = tuple(content["trial"].get("settings", {}))
    _override(content, overrides, seeds=seeds, threads=threads)
    file = StudyFile.model_validate(content)
    options = _options(overrides, seeds=seeds, threads=threads)
    study = _study(path, file, source=_source(name, path, options))
    _require_trainable(study)
    _require_known_settings(study, overrides, own=own)
    changed = overridden(before, _overridable(content))
    title = variant_title(study.title, changed)
    return replace(study, title=title, variant=variant_name(changed), file=_file(path))


def _overridable(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what options may override, apart from the seeds, and what trials are named by."""
    trial = StudyFile.model_validate(content).trial
    return {**trial.settings, "trial.threads": trial.threads}


def _file(path: Path) -> str | None:
    """Returns where a study file lies; a built-in one has no place of its own."""
    built_in = Path(str(files("ablations.studies")))
    found = path.resolve()
    return None if found.parent == built_in.resolve() else str(found)


def _override(
    content: dict[str, Any], overrides: Sequence[str], *, seeds: int | None, threads: int | None
) -> None:
    for text in overrides:
        key, value = parse_override(text)
        settings = content.setdefault("trial", {}).setdefault("settings", {})
        settings[key] = value
        for factor, levels in content.get("factors", {}).items():
            require(
                not any(key in level for level in levels.values()),
                f"--set {key} has no say, because factor '{factor}' sets it",
                received=text,
                cure="Change the factor's levels in the study file",
            )
    if seeds is not None:
        require_fixed_seeds(content.get("design", {}).get("seeds"), override=seeds)
        content.setdefault("design", {})["seeds"] = seeds
    if threads is not None:
        content["trial"]["threads"] = threads


def _require_known_settings(study: Study, overrides: Sequence[str], *, own: Sequence[str]) -> None:
    """A key of ``--set`` must stand in the study file, or be one that the training function knows.

    It knows a key if its ``check_settings`` takes it but not the same key misspelt.
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


def _options(overrides: Sequence[str], *, seeds: int | None, threads: int | None) -> list[str]:
    """Returns the words of the options that change a study file."""
    options = [word for text in overrides for word in ("--set", text)]
    for name, number in (("--seeds", seeds), ("--threads", threads)):
        if number is not None:
            options += [name, str(number)]
    return options


def _source(name: str, path: Path, options: Sequence[str]) -> str:
    """Returns what to write after ``ablations run`` to get this very study."""
    shown = name if name in builtin_names() else path.name
    return shlex.join([shown, *options])


def _study(path: Path, file: StudyFile, source: str) -> Study:
    slug, factors = _slug(path.stem), factors_of(file)
    design = design_of(file, factors)
    seeds = listed_seeds(file.design.seeds)
    require_few_trials(design.arms, len(seeds))
    published, claims = _published(file, path, slug=slug, arms=design.arms, factors=factors)
    return Study(
        slug=slug,
        title=file.title,
        question=file.question,
        entry=file.trial.run,
        settings=file.trial.settings,
        factors=factors,
        design=design,
        seeds=seeds,
        adaptive=adaptive_seeds(file.design.seeds),
        gates=gates_of(file, design.arms),
        metric=file.analysis.metric,
        smallest_effect_that_matters=file.analysis.smallest_effect_that_matters,
        smallest_ratio_that_matters=file.analysis.smallest_ratio_that_matters,
        target_accuracy=file.analysis.target_accuracy,
        timeout_seconds=file.trial.timeout_seconds,
        memory_gib=file.trial.memory_gib,
        threads=file.trial.threads,
        source=source,
        folder=str(path.resolve().parent),
        chapters=chapters_of(file, design.arms),
        published=published,
        claims=claims,
    )


def _require_trainable(study: Study) -> None:
    """Each arm must be another one, and have settings that the training function takes."""
    _require_own_settings(study)
    require_fixed_target(study)
    entry = find_entry(study.entry, study.folder)
    for arm in study.arms:
        entry.check_settings(study.arm_settings(arm))


def _published(
    file: StudyFile, path: Path, *, slug: str, arms: Sequence[Arm], factors: Sequence[Factor]
) -> tuple[tuple[PublishedRun, ...], tuple[Claim, ...]]:
    if file.published is None:
        return (), ()
    require(
        Path(file.published).name == file.published not in ("", "..")
        and file.published.isprintable(),
        "'published' must be the name of a file beside the study file",
        received=file.published,
        cure="Put the file there, and write its name without a folder",
    )
    return read_published(path.with_name(file.published), slug, arms=arms, factors=factors)


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


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "study"
