"""Every error that a user can cause, as one line: what is wrong, what was received, the cure.

AblationsError
├── StudyError      the study file, the command line, or the training function that it names
│   ├── ReportingError   what a training function reports, or that it reports nothing
│   └── EmptyReportError  a report of nothing that would replace one of something
├── DataError       images, archives, weights and caches
├── StoreError      the study's record file
│   ├── DamagedStoreError one that is not as it was written
│   └── UnstorableError   one record that it cannot hold
└── DivergedError   a training reported a number that is not finite
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from typing import Self

_LONGEST = 1000
"""Characters that each part of an error may have."""


class AblationsError(Exception):
    """Base of all expected errors; its text is one line in three parts.

    Args:
        problem: Where it happened and what is wrong, without a closing full stop.
        received: What was found there; shown as given if it is text, else as its ``repr``.
        cure: What to do about it, without a closing full stop.

    Attributes:
        parts: The three as text.

    Example:
        >>> print(StudyError("s.toml: 'seeds' is empty", received=[], cure="Name a seed"))
        s.toml: 'seeds' is empty. Received: []. Name a seed.
    """

    def __init__(self, problem: str, *, received: object, cure: str) -> None:
        text = received if isinstance(received, str) else repr(received)
        self.parts = (problem, text, cure)
        shown = _within(text) if isinstance(received, str) else text
        line = f"{_short(problem)}. Received: {_short(shown)}. {_short(cure)}."
        super().__init__(" ".join(line.split()))

    def at(self, place: str) -> Self:
        """Returns the same error with ``place`` in front, such as the name of a file."""
        problem, received, cure = self.parts
        return type(self)(f"{place}: {problem}", received=received, cure=cure)

    def _render_traceback_(self) -> list[str]:
        # Notebooks call this: what a user can cause is told as one line there too.
        return [f"{type(self).__name__}: {self}"]

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross from a worker to the driver; the default would pass on only the joined text.
        problem, received, cure = self.parts
        return partial(type(self), received=received, cure=cure), (problem,)


def meant(word: str, known: Iterable[str]) -> str:
    """Returns a question for the closest known word, to begin a cure with, or nothing.

    Example:
        >>> meant("epoch", ["epochs", "dataset"]), meant("x", ["epochs"])
        ("Did you mean 'epochs'? ", '')
    """
    alike = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), alike, n=1)
    return f"Did you mean '{alike[close[0]]}'? " if close else ""


def place(location: Iterable[int | str]) -> str:
    """Writes where a value is in a file.

    Example:
        >>> place(["gates", 0, "at_least"])
        'gates[0].at_least'
    """
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def _within(text: str) -> str:
    """Writes an error that is itself what was received, so that the line says this word once.

    Example:
        >>> _within("'loss' must be a number. Received: None.")
        "'loss' must be a number, not None"
        >>> _within("'loss' must be a number. Received: None. Log a number.")
        "'loss' must be a number (None). Log a number"
    """
    problem, mark, rest = text.partition(". Received: ")
    received, more, cure = rest.removesuffix(".").partition(". ")
    if not mark:
        return text
    return f"{problem} ({received}). {cure}" if more else f"{problem}, not {received}"


def _short(text: str) -> str:
    """Cuts what would fill the screen, such as ten thousand names."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text)} characters)"


class StudyError(AblationsError):
    """The study file, the command line, or the training function cannot be used."""


class ReportingError(StudyError):
    """A training function reports nothing, or what cannot be meant; all its trials would."""


class EmptyReportError(StudyError):
    """A report of no completed trial would replace one of several."""


class DataError(AblationsError):
    """Images, an archive, weights or a cache cannot be used."""


class StoreError(AblationsError):
    """The record file cannot be read or written."""


class DamagedStoreError(StoreError):
    """The record file is not as it was written; its sound records can be kept."""


class UnstorableError(StoreError):
    """A record holds what the record file cannot; other records can still be written."""


class DivergedError(AblationsError):
    """A training reported a number that is not finite."""
