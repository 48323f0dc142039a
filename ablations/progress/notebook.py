"""The progress bar of a run in a notebook: HTML that is shown again in its place.

It needs no widgets, so that it works in every notebook program, and what it showed last stays in
the saved notebook.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.run.observer import Observer
from ablations.text.escaping import printable
from ablations.text.progress import Counted, epoch_words, failed_words, progress_words, trial_words

_SHOW_SECONDS = 0.25
_MOST_RUNNING, _MOST_FAILURES = 8, 3


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


@contextmanager
def shown_in_notebook(study: Study, trials: Sequence[Trial]) -> Iterator[Observer]:
    """Yields what shows a run below the cell that runs it."""
    shown = NotebookProgress(study, trials)
    try:
        yield shown
    finally:
        shown.end()


class NotebookProgress(Observer):
    """Counts the trials of a run, and shows which of them train.

    Args:
        study: What is run.
        trials: To train at first.
    """

    def __init__(self, study: Study, trials: Sequence[Trial]) -> None:
        from IPython.display import display

        self._study, self._total = study, len(trials)
        self._done = self._failed = 0
        self._running: dict[str, str] = {}
        self._failures: list[str] = []
        self._began = self._shown = time.monotonic()
        self._display: Any = display(self._bundle(), raw=True, display_id=True)

    def added(self, trials: Sequence[Trial]) -> None:
        """Counts them in."""
        self._total += len(trials)
        self._show()

    def started(self, trial: Trial) -> None:
        """Shows that it trains."""
        self._running[trial.key] = trial_words(self._study, trial)
        self._show()

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """Shows its latest number."""
        words = epoch_words(number, metrics)
        self._running[trial.key] = f"{trial_words(self._study, trial)}, {words}"
        self._show()

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Counts the trial, and shows why it failed."""
        self._running.pop(trial.key, None)
        self._done += record.completed
        self._failed += not record.completed
        if not record.completed and len(self._failures) < _MOST_FAILURES:
            self._failures.append(f"{trial_words(self._study, trial)}: {failed_words(record)}")
        self._show()

    def end(self) -> None:
        """Shows what has ended, also where the run was stopped."""
        self._running.clear()
        self._show(ended=True)

    def _show(self, *, ended: bool = False) -> None:
        if ended or time.monotonic() - self._shown >= _SHOW_SECONDS:
            self._shown = time.monotonic()
            self._display.update(self._bundle(ended=ended), raw=True)

    def _bundle(self, *, ended: bool = False) -> dict[str, str]:
        """Returns what a notebook shows, as HTML and as text."""
        gone = time.monotonic() - self._began
        counted = Counted(self._done, self._failed, self._total, gone, ended=ended)
        lines = [*list(self._running.values())[:_MOST_RUNNING], *self._failures]
        words = [printable(line) for line in (progress_words(counted), *lines)]
        first, *rest = map(escape, words)
        small = "".join(f"<br><small>{line}</small>" for line in rest)
        bar = (
            f'<progress max="{max(self._total, 1)}" value="{self._done + self._failed}" '
            'aria-label="trials that have ended"></progress>'
        )
        return {"text/html": f"<p>{bar} {first}{small}</p>", "text/plain": "\n".join(words)}
