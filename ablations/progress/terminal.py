"""Shows a run as it goes: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ablations.core.design import Arm
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.entry import ReportBytes
from ablations.run.observer import Observer
from ablations.text import formatting, naming
from ablations.text.escaping import harmless
from ablations.text.progress import failed_words, latest, result, trial_words


@contextmanager
def shown_progress(console: Console, study: Study, trials: Sequence[Trial]) -> Iterator[Observer]:
    """Yields what shows a run: a live display on a terminal, plain lines on anything else."""
    if not console.is_terminal:
        yield PlainProgress(console, study, trials)
        return
    live = LiveProgress(console, study, trials)
    with live.display:
        yield live


@contextmanager
def download_bar(console: Console) -> Iterator[ReportBytes]:
    """Yields a function that shows bytes done and in all; nothing shows until it is called."""
    columns = (TextColumn("data"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: list[TaskID] = []

        def report(done: int, total: int) -> None:
            if not tasks:
                tasks.append(bar.add_task("data", total=total))
            bar.update(tasks[0], completed=done, total=total)

        yield report


class PlainProgress(Observer):
    """One line at the start, and one when a trial ends."""

    def __init__(self, console: Console, study: Study, trials: Sequence[Trial]) -> None:
        self._console, self._study, self._total = console, study, len(trials)
        self._ended = 0
        self._latest: dict[str, str] = {}
        self._console.print(f"{formatting.counted(self._total, 'trial')} to train", highlight=False)

    def added(self, trials: Sequence[Trial]) -> None:
        """Counts them in."""
        self._total += len(trials)

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """Remembers the latest number for the line to come."""
        self._latest[trial.key] = latest(metrics)

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Prints how the trial ended."""
        self._ended += 1
        latest = self._latest.pop(trial.key, formatting.UNKNOWN)
        reached = result(self._study, record) or latest
        outcome = reached if record.completed else failed_words(record)
        named, took = trial_words(self._study, trial), formatting.duration(record.seconds)
        line = f"[{self._ended}/{self._total}] {named}: {outcome} ({took})"
        self._console.print(harmless(line), markup=False, highlight=False, soft_wrap=True)


@dataclass
class _ArmRow:
    """One row of the live table; ``running`` gives the epoch of each trial by its key."""

    done: int = 0
    failed: int = 0
    running: dict[str, int] = field(default_factory=dict)
    latest: str = formatting.UNKNOWN


class LiveProgress(Observer):
    """A table with a row per arm and a bar with the time left, while ``display`` is entered."""

    def __init__(self, console: Console, study: Study, trials: Sequence[Trial]) -> None:
        self._study = study
        self._rows: dict[Arm, _ArmRow] = {arm: _ArmRow() for arm in study.arms}
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("time left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._total = len(trials)
        self._task = self._bar.add_task("trials", total=self._total)
        self.display = Live(console=console, get_renderable=self._render, refresh_per_second=4)

    def added(self, trials: Sequence[Trial]) -> None:
        """Lengthens the bar."""
        self._total += len(trials)
        self._bar.update(self._task, total=self._total)

    def started(self, trial: Trial) -> None:
        """Marks the arm as running."""
        self._rows[trial.arm].running[trial.key] = 0

    def epoch(self, trial: Trial, number: int, metrics: Mapping[str, float]) -> None:
        """Shows the arm's latest number."""
        row = self._rows[trial.arm]
        row.running[trial.key] = number
        row.latest = latest(metrics)

    def finished(self, trial: Trial, record: RunRecord) -> None:
        """Counts the trial."""
        row = self._rows[trial.arm]
        row.running.pop(trial.key, None)
        row.done += record.completed
        row.failed += not record.completed
        row.latest = result(self._study, record) or row.latest
        self._bar.advance(self._task)

    def _render(self) -> Group:
        table = Table("arm", "done", "failed", "running", "latest", box=None, pad_edge=False)
        for arm, row in self._rows.items():
            epochs = ", ".join(f"epoch {number}" for number in row.running.values())
            table.add_row(
                Text(naming.arm_label(self._study, arm)),
                str(row.done),
                Text(str(row.failed), style="bold red" if row.failed else ""),
                epochs,
                Text(row.latest),  # whose metric's name may look like markup
            )
        return Group(table, self._bar)
