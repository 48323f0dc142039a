"""Makes a study in Python, without a file: of a notebook's own function, with the same keys."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, Unpack

from pydantic import ValidationError

from ablations.core.study import Study
from ablations.entry import GIVEN, Train, give
from ablations.errors import StudyError
from ablations.plan.loading import require_trainable, slug_of, study_of
from ablations.plan.schema import StudyFile
from ablations.plan.schema_errors import as_study_error
from ablations.plan.source import fingerprint
from ablations.plan.validation import require

Levels = Mapping[str, Mapping[str, Any]]
"""The settings of each level of a factor."""

_PLACE = "make_study"
_LONGEST_NAME = 60


class Tables(TypedDict, total=False):
    """The other keys of a study file, as Python values."""

    question: str
    trial: Mapping[str, Any]
    design: Mapping[str, Any]
    analysis: Mapping[str, Any]
    resources: Mapping[str, Any]
    gates: Sequence[Mapping[str, Any]]
    chapters: Sequence[Mapping[str, Any]]


def make_study(
    *,
    title: str,
    factors: Mapping[str, Levels] | None = None,
    train: Train | str,
    settings: Mapping[str, Any] | None = None,
    seeds: int | Sequence[int] | Mapping[str, Any] = 5,
    name: str | None = None,
    version: str | None = None,
    **tables: Unpack[Tables],
) -> Study:
    """Makes a study without a file; the result is what `load_study` returns.

    The source of ``train``, and what it uses of the code and values around it, is part of the
    identity of the trials: after a change they are trained again, and the earlier records stay.

    Args:
        title: Heading of the report.
        factors: Per factor its levels, per level its settings; without any, one arm is trained.
        train: A function of ``(trial, log)``, also one of a notebook; or ``"module:function"``,
            whose source is no part of the identity, as in a study file.
        settings: Those that all arms share.
        seeds: How many, which ones, or a mapping as in a study file.
        name: Of the folders of records and report; from the title if left out.
        version: Stands for the source of ``train``, which is then no part of the identity: change
            it whenever the function computes something else.
        **tables: The other keys of a study file: ``question``, ``trial``, ``design``, ``analysis``,
            ``resources``, ``gates`` and ``chapters``.

    Returns:
        The checked study, with ``slug`` the name.

    Raises:
        StudyError: if anything in it cannot be used.

    Example:
        >>> def train(trial, log):
        ...     log.metric("test_accuracy", 0.5, unit="fraction", better="higher")
        >>> study = make_study(
        ...     title="Does it help?", factors={"it": {"off": {}, "on": {"it": 1}}}, train=train
        ... )
        >>> len(study.arms), len(study.seeds)
        (2, 5)
    """
    given = {"settings": settings or {}, "seeds": seeds}
    try:
        content = _content({**tables, "title": title, "factors": factors or {}}, given)
        content["trial"]["run"] = _entry(train, version)
        file = StudyFile.model_validate(content)
        study = study_of(file, slug=_slug(title, name), folder=Path.cwd())
        require_trainable(study)
    except ValidationError as error:
        raise as_study_error(_PLACE, error) from error
    except StudyError as error:
        raise error.at(_PLACE) from error
    return replace(study, in_python=True)


def _content(keys: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a study file would hold, as a copy; what is wrong with it is found later."""
    content: dict[str, Any] = {key: _as_of_file(value) for key, value in keys.items()}
    for key, own in (("trial", "settings"), ("design", "seeds")):
        found = content.setdefault(key, {})
        require(
            isinstance(found, dict) and not {own, "run"} & set(found),
            f"'{key}' must be a mapping, without what has a place of its own",
            received=repr(found),
            cure="Write train=…, settings=… and seeds=…, and the other keys here",
        )
        found[own] = _as_of_file(given[own])
    return content


def _as_of_file(value: object) -> object:
    """Returns a value with new dicts and lists, as a file gives them; all else stays as it is.

    Numbers and arrays of NumPy, and columns of pandas, become Python's numbers and lists of them.
    """
    if isinstance(value, Mapping):
        return {key: _as_of_file(own) for key, own in value.items()}
    if isinstance(value, list | tuple | range):
        return [_as_of_file(own) for own in value]
    if callable(as_python := getattr(value, "tolist", None)):
        return as_python()
    return value


def _slug(title: object, name: str | None) -> str:
    given = title if name is None else name
    require(
        isinstance(given, str) and re.search("[a-zA-Z0-9]", given) is not None,
        "the name of a study needs letters from a to z, or digits",
        received=given if isinstance(given, str) else repr(given),
        cure="Give it a name for its folders, such as name='dropout'",
    )
    return slug_of(str(given))[:_LONGEST_NAME].strip("-")


def _entry(train: Train | str, version: str | None) -> str:
    """Returns the name under which trials find the function."""
    if isinstance(train, str) or not callable(train):
        require(
            isinstance(train, str) and version is None,
            "'train' must be a function, or 'module:function' without a version",
            received=repr(train) if version is None else f"{train}, version={version!r}",
            cure="Define def train(trial, log), and write train=train",
        )
        return str(train)
    word = getattr(train, "__name__", type(train).__name__).strip("<>")
    if version is not None:
        entry = f"{word}{GIVEN}{_given(version)}"
        give(entry, train)
    else:
        entry = f"{word}{GIVEN}{_version(word, train)}"
        give(entry, train, partial(_require_unchanged, entry, train))
    return entry


def _given(version: object) -> str:
    require(
        isinstance(version, str) and re.fullmatch(r"[\w.+-]{1,60}", version) is not None,
        "a version is a text of letters, digits and . + - _",
        received=version if isinstance(version, str) else repr(version),
        cure="Write for example version='2'",
    )
    return str(version)


def _version(word: str, train: Callable[..., object]) -> str:
    """Returns the digest of a function, and warns of what is no part of it."""
    found = fingerprint(train)
    if found.uncounted:
        warnings.warn(
            f"What {word} uses and cannot be read is no part of the identity of trials: "
            f"{', '.join(found.uncounted)}. Make it within the function, or give make_study a "
            "version='1', and another one after each change.",
            stacklevel=4,  # the line that calls make_study
        )
    return found.digest


def _require_unchanged(entry: str, train: Callable[..., object]) -> None:
    if entry.partition(GIVEN)[2] != (now := fingerprint(train).digest):
        raise StudyError(
            "the training function, or what it uses, has changed since the study was made",
            received=f"{entry}, and now {now}",
            cure="Make the study again, so that its trials are those of the present function",
        )
