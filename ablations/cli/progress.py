"""Shows a run as it goes: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

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
from ablations.core.metrics import CURVES, unit_of
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.entry import ReportBytes
from ablations.run.observer import Observer
from ablations.text import formatting, naming
from ablations.text.escaping import harmless

_WATCHED = tuple(name for pair in CURVES for name in reversed(pair))


class RunProgress(Observer):
    """An observer that is also a context: it starts and ends the display."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


def make_progress(console: Console, study: Study, trials: Sequence[Trial]) -> RunProgress:
    """Returns the live display for a terminal and plain lines for anything else."""
    kind = LiveProgress if console.is_terminal else PlainProgress
    return kind(console, study, trials)


def latest(metrics: Mapping[str, float]) -> str:
    """Returns the most telling number of an epoch, in words.

    Example:
        >>> latest({"loss": 0.3, "val_accuracy": 0.9375})
        'val accuracy 93.8%'
    """
    for name in (*_WATCHED, *metrics):
        if name in metrics:
            shown = formatting.number(metrics[name], unit_of(name))
            return f"{name.replace('_', ' ')} {shown}"
    return formatting.UNKNOWN


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


class PlainProgress(RunProgress):
    """One line when a trial ends."""

    def __init__(self, console: Console, study: Study, trials: Sequence[Trial]) -> None:
        self._console, self._study, self._total = console, study, len(trials)
        self._ended = 0
        self._latest: dict[str, str] = {}

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
        outcome = latest if record.completed else f"FAILED ({record.reason}): {record.message}"
        label = naming.arm_label(self._study, trial.arm)
        took = formatting.duration(record.seconds)
        line = f"[{self._ended}/{self._total}] {label}, seed {trial.seed}: {outcome} ({took})"
        self._console.print(harmless(line), markup=False, highlight=False, soft_wrap=True)


@dataclass
class _ArmRow:
    """What the live table knows of one arm."""

    done: int = 0
    failed: int = 0
    running: dict[str, int] = field(default_factory=dict)
    latest: str = formatting.UNKNOWN


class LiveProgress(RunProgress):
    """A table with a row an arm and a bar with the time left."""

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
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

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
