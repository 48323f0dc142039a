"""Other tools that follow a run: each sink is an observer that hands trials on to one of them.

A sink works in a thread of its own, behind the run: it never has a trial wait, and if it fails it
warns once and gets nothing more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from queue import SimpleQueue
from typing import Protocol

from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.errors import AblationsError, StudyError, meant
from ablations.run.observer import Observer

KINDS: Mapping[str, str] = {
    "tensorboard": "tensorboard:FOLDER",
    "mlflow": "mlflow:ADDRESS",
    "wandb": "wandb:FOLDER",
}
"""The tools, by the name of their module here, and how each is asked for."""

_SECONDS = 60
"""How long the end of a run waits for a sink that is behind."""

Warn = Callable[[str], None]
Event = Callable[["Sink"], None]


class Sink(Protocol):
    """What a tool gets of a run."""

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """A trial has reported an epoch, counted from 1."""

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """A trial has ended."""

    def close(self) -> None:
        """The run has ended."""


def open_sink(asked: str, study: Study) -> Sink:
    """Opens what ``--log-to`` names.

    Args:
        asked: A tool and a place, such as ``tensorboard:logs``.
        study: Whose trials are trained.

    Raises:
        StudyError: if there is no such tool, it is not installed, or it cannot be reached.
    """
    kind, colon, place = asked.partition(":")
    if kind not in KINDS or not colon or not place:
        raise StudyError(
            "--log-to names a tool and a place",
            received=asked,
            cure=f"{meant(kind, [*KINDS]) if kind not in KINDS else ''}"
            f"Write one of {', '.join(KINDS.values())}",
        )
    try:
        sink: Sink = import_module(f"{__name__}.{kind}").open_sink(place, study)
    except ImportError as error:
        raise StudyError(
            f"{kind} is not installed",
            received=str(error),
            cure=f"Install it: pip install 'ablations[{kind}]'",
        ) from error
    except AblationsError:
        raise
    except Exception as error:  # of a library, about a place that the user named
        raise StudyError(
            f"{kind} cannot be opened there",
            received=f"{place}: {error}",
            cure="Name another place, or start the server first",
        ) from error
    return sink


@contextmanager
def following(asked: Sequence[str], study: Study, *, warn: Warn) -> Iterator[list[Observer]]:
    """Yields an observer for each sink that follows a run.

    Args:
        asked: A tool and a place each, such as ``tensorboard:logs``.
        study: Whose trials are trained.
        warn: Is called once for each sink that fails.

    Raises:
        StudyError: as `open_sink`, before anything is trained.
    """
    opened = {name: open_sink(name, study) for name in asked}
    with ExitStack() as stack:
        yield [stack.enter_context(_Feed(n, sink, warn)) for n, sink in opened.items()]


class _Feed(Observer):
    """Hands events to a sink, in their order, from a thread of its own."""

    def __init__(self, name: str, sink: Sink, warn: Warn) -> None:
        self._name, self._sink, self._warn = name, sink, warn
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"sink {name}", daemon=True)

    def __enter__(self) -> _Feed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._events.put(None)
        self._thread.join(_SECONDS)
        if self._thread.is_alive():
            self._warn(f"{self._name} is behind by more than {_SECONDS} seconds: it lacks some")

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """Adds an epoch, which the sink gets when it is done with what came before."""
        self._events.put(lambda sink: sink.epoch(trial, number, metrics))

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Adds a record likewise."""
        self._events.put(lambda sink: sink.finished(trial, record))

    def _work(self) -> None:
        lost = False
        while (event := self._events.get()) is not None:
            if not lost:
                lost = not self._done(event)
        self._done(lambda sink: sink.close(), quietly=lost)

    def _done(self, event: Event, *, quietly: bool = False) -> bool:
        """Says whether an event could be handed on; warns if not."""
        try:
            event(self._sink)
        except Exception as error:  # whatever it is, no trial may suffer from it
            line = " ".join(str(error).split()) or type(error).__name__
            if not quietly:
                self._warn(f"{self._name} gets nothing more of this run: {line[:300]}")
            return False
        return True
