"""Fetches what trials need, and shows their training where it can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console

from ablations.core.study import Trial
from ablations.progress.notebook import in_notebook, shown_in_notebook
from ablations.progress.terminal import download_bar, shown_progress
from ablations.run.observer import Observer
from ablations.session import Session


@contextmanager
def watched(session: Session, trials: Sequence[Trial]) -> Iterator[Observer]:
    """Yields what shows the training: in a notebook a bar in its cell, else on standard error."""
    if in_notebook():
        session.prepare(trials)
        with shown_in_notebook(session.study, trials) as watcher:
            yield watcher
        return
    console = Console(stderr=True)
    with download_bar(console) as report_bytes:
        session.prepare(trials, report_bytes)
    with shown_progress(console, session.study, trials) as watcher:
        yield watcher
