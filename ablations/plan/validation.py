"""Conditions that a study file and the command line must meet."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Any

from ablations.errors import StudyError, meant


def require(condition: bool, problem: str, *, received: str, cure: str) -> None:
    """Raises `StudyError` unless ``condition`` holds."""
    if not condition:
        raise StudyError(problem, received=received, cure=cure)


def require_known(problem: str, name: str, known: Iterable[str]) -> None:
    """Raises `StudyError` unless ``name`` is among the known ones; it names the closest of them."""
    names = list(known)
    cure = f"{meant(name, names)}Known here are {', '.join(names)}"
    require(name in names, problem, received=name, cure=cure)


def parse_override(text: str) -> tuple[str, Any]:
    """Splits ``key=value``; the value is TOML, or plain text where it is not.

    Raises:
        StudyError: if there is no key or no value.

    Example:
        >>> parse_override("epochs=2"), parse_override("weights=models/m.h5")
        (('epochs', 2), ('weights', 'models/m.h5'))
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    require(
        bool(key and equals and value),
        "--set needs key=value",
        received=text,
        cure="Write for example --set epochs=2",
    )
    try:
        parsed = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return key, value
    return key, parsed["value"] if len(parsed) == 1 else value
