from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from ablations.calls import run_study
from ablations.plan import plan_trials
from ablations.progress.terminal import (
    LiveProgress,
    PlainProgress,
    download_bar,
    latest,
    shown_progress,
)


def screen(*, terminal: bool) -> Console:
    return Console(file=StringIO(), force_terminal=terminal, width=100, color_system=None)


def printed(console: Console) -> str:
    return console.file.getvalue()


def test_a_terminal_gets_a_live_table_with_counts_and_the_latest_number(study):
    console, trials = screen(terminal=True), plan_trials(study)
    with shown_progress(console, study, trials) as watcher:
        assert isinstance(watcher, LiveProgress)
        run_study(study, jobs=0, observer=watcher)
    last = printed(console).rsplit("arm", 1)[1]
    assert "12/12" in last
    assert last.count("test accuracy") == len(study.arms)
    assert "a + b" in last


def test_the_live_table_counts_what_runs_and_what_failed(study):
    trials = plan_trials(study)
    console = screen(terminal=True)
    watcher = LiveProgress(console, study, trials)
    watcher.started(trials[0])
    watcher.epoch(trials[0], 3, {"loss": 0.5})
    console.print(watcher._render())
    assert "epoch 3" in printed(console)
    assert "loss 0.5" in printed(console)
    record = run_study(study, jobs=0)[0]
    watcher.finished(trials[0], replace(record, status="failed", reason="raised"))
    row = watcher._rows[trials[0].arm]
    assert (row.done, row.failed, row.running) == (0, 1, {})


def test_elsewhere_each_trial_is_one_line(study):
    console = screen(terminal=False)
    with shown_progress(console, study, plan_trials(study)) as watcher:
        assert isinstance(watcher, PlainProgress)
        run_study(study, jobs=0, observer=watcher)
    first, *lines = printed(console).splitlines()
    assert first == "12 trials to train"
    assert len(lines) == 12
    assert lines[-1].startswith("[12/12] ")
    assert ": test accuracy " in lines[0]


def test_a_trial_without_epochs_has_no_latest_number():
    assert latest({}) == "–"
    assert latest({"perplexity": 12.5}) == "perplexity 12.5"


def test_the_bar_of_a_download_shows_what_is_done():
    console = screen(terminal=True)
    with download_bar(console) as report:
        report(500_000, 1_000_000)
        report(1_000_000, 1_000_000)
    assert "1.0/1.0 MB" in printed(console)
