"""What `status` shows of a study that is being run, and of one whose driver was killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.calls import run_study
from ablations.cli.app import app
from ablations.plan import load_study
from ablations.records.running import Running, RunningTrial, note_running, read_running
from ablations.records.sqlite.store import Store
from ablations.run.executors.local import LocalExecutor
from ablations.run.observer import Observer

STORE = Store(Path("runs/small/records.sqlite"))


def status(*words: object) -> str:
    done = CliRunner().invoke(app, ["status", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


def wait_until(true) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < 180
        time.sleep(0.05)


def test_status_shows_the_trials_that_run_and_a_driver_that_was_killed(edit):
    path = edit("epochs = 2", "epochs = 2\nsleep_at = 1\nsleep = 60")
    command = [sys.executable, "-m", "ablations", "run", str(path), "--jobs", "2", "--no-report"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as driver:
        wait_until(lambda: (found := read_running(STORE)) and {t.seed for t in found.trials} == {1})
        shown, document = status(path), json.loads(status(path, "--json"))["running"]
        driver.kill()
    lines = shown.splitlines()
    assert f"the study is being run now, by process {driver.pid} (" in shown
    head = lines.index(next(line for line in lines if line.startswith("where ")))
    assert lines[head].split() == ["where", "done", "failed", "trains", "began"]
    rows = [line.split(maxsplit=4) for line in lines[head + 1 : head + 3]]
    assert [row[:2] for row in rows] == [["worker", "1"], ["worker", "2"]]
    assert sum(int(row[2]) for row in rows) == 4
    assert all(", seed 1 " in row[4] and row[4].endswith(" ago") for row in rows)
    assert (document["process"], document["ended"]) == (driver.pid, False)
    assert sum(document["done"].values()) == 4
    assert {own["seed"] for own in document["trials"]} == {1}

    left = status(path)
    assert f"the driver no longer runs: process {driver.pid} was last heard of " in left
    assert "it had 2 trials at work, which 'run' trains again\n" in left
    assert "where " not in left
    assert json.loads(status(path, "--json"))["running"]["ended"]


def test_a_run_that_ends_or_is_stopped_leaves_no_note(study, study_path):
    class Stopping(Observer):
        def finished(self, trial, record):
            wait_until(lambda: read_running(STORE))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(study, executor=LocalExecutor(1), observer=Stopping())
    assert read_running(STORE) is None
    run_study(study, executor=LocalExecutor(1))
    assert read_running(STORE) is None
    assert json.loads(status(study_path, "--json"))["running"] is None


@pytest.mark.parametrize(("seconds", "expected"), [
    (20, "the study is being run now, by process 7 of another machine, heard of 20.0\u202fs ago"),
    (300, "the driver no longer runs: process 7 was last heard of 5\u202fmin 0\u202fs ago, "
          "it had 1 trial at work, which 'run' trains again"),
])  # fmt: skip
def test_what_another_machine_has_noted_holds_for_a_minute(edit, seconds, expected):
    study_path = edit("seeds = 3", "seeds = 2")
    run_study(load_study(study_path), executor=LocalExecutor(1))
    edit("seeds = 2", "seeds = 3")
    trial = RunningTrial("k", {"a": "on", "b": "off"}, 2, "1a2b3c4d (box)", ago(seconds + 3600))
    machines = ("1a2b3c4d (box)", "2a2b3c4d (new)")
    noted = Running(7, "ffffffff", ago(seconds), {"0a2b3c4d (bay)": 3}, {}, (trial,), machines)
    note_running(STORE, noted)
    shown = status(study_path).splitlines()
    if seconds == 300:  # where nothing is left to do, nobody misses the driver
        assert "process 7" not in status(edit("seeds = 3", "seeds = 2"))
    (line,) = [own for own in shown if "process 7" in own]
    assert line[:40] == expected[:40]
    if seconds == 20:
        assert [own.split() for own in shown[-3:]] == [
            ["0a2b3c4d", "(bay)", "3", "0", "nothing:", "it", "was", "lost"],
            ["1a2b3c4d", "(box)", "0", "0", "a,", "seed", "2", "1", "h", "0", "min", "ago"],
            ["2a2b3c4d", "(new)", "0", "0", "–"],
        ]


def test_a_shard_that_another_machine_trains_is_said_to_run(study_path):
    folder = STORE.path.parent / "shard-2-of-2"
    folder.mkdir(parents=True)
    note_running(Store(folder / "records.sqlite"), Running(7, "ffffffff", ago(20)))
    line = "shard 2/2: 0 of 4 trials done; it is being run now, by process 7 of another machine, "
    assert line in status(study_path)
    assert json.loads(status(study_path, "--json"))["shards"][0]["running"]


def test_time_to_go_counts_the_trials_that_run_at_a_time(edit):
    path = edit("seeds = 3", "seeds = 1")
    run_study(load_study(path), executor=LocalExecutor(1))
    path = edit("seeds = 1", "seeds = 5")

    def to_go() -> float:
        return json.loads(status(path, "--json"))["seconds_to_go"]

    trials = [RunningTrial(f"{n}", {}, n, "box", ago(1)) for n in range(16)]
    noted = Running(7, "ffffffff", ago(1), trials=tuple(trials))
    note_running(STORE, noted)
    many = to_go()
    note_running(STORE, replace(noted, trials=noted.trials[:4]))
    assert to_go() == pytest.approx(4 * many)


NOTE = '{"process": 7, "machine": "x", "noted_at": %s, "done": {}, "failed": %s, "trials": [%s], "machines": []}'
NOW = '"2026-11-27T08:00:00+00:00"'


@pytest.mark.parametrize("text", [
    "", "{}", "[]", "\udcff", "[" * 100_000, NOTE % (5, "{}", ""), NOTE % ('"now"', "{}", ""),
    NOTE % ('"2026-11-27T08:00:00"', "{}", ""), NOTE % (NOW, "3", ""), NOTE % (NOW, "{}", "{}"),
    NOTE % (NOW, '{"a": "b"}', ""), NOTE % (NOW, "{}", "1"),
])  # fmt: skip
def test_a_note_that_cannot_be_read_counts_for_none(study_path, text):
    STORE.path.parent.mkdir(parents=True)
    path = STORE.path.with_name("running.json")
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_running(STORE) is None
    assert "no longer" not in status(study_path)
    path.write_text(NOTE % (NOW, "{}", ""))
    assert read_running(STORE).process == 7
