"""The job file of SLURM, submitted to a real one: an array, one task of which is queued again."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.records.sqlite.store import Store


def _slurm_answers() -> bool:
    if shutil.which("sbatch") is None:
        return False
    shown = subprocess.run(
        ["sinfo", "--noheader", "--states=idle,mixed"], capture_output=True, check=False, timeout=30
    )
    return shown.returncode == 0 and bool(shown.stdout.strip())


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _slurm_answers(), reason="there is no SLURM here that takes jobs"),
]

SHIM = '#!/bin/sh\nPYTHONPATH={path} exec {python} -m ablations "$@"\n'


@pytest.fixture
def job(edit: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The job file of three shards with four trials of two seconds each."""
    edit("epochs = 2", 'epochs = 2\nsleep_at = "all"\nsleep = 2')
    command = tmp_path / "bin" / "ablations"
    command.parent.mkdir()
    source = shlex.quote(os.pathsep.join(filter(None, sys.path)))
    command.write_text(SHIM.format(path=source, python=shlex.quote(sys.executable)))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    text = sh("ablations shard small.toml --slurm")
    path = tmp_path / "job.sh"
    path.write_text(text.replace("--mem=4G", "--mem=300M"))
    return path


def sh(command: str) -> str:
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout.strip()


def test_an_array_with_a_task_that_is_queued_again_trains_each_trial_once(job):
    sh(f"sbatch --test-only {job}")
    number = sh(f"sbatch --parsable {job}")
    first = Store(Path("runs/small/shard-1-of-3/records.sqlite"))
    _wait_for(lambda: first.path.exists() and first.outcomes())
    sh(f"scontrol requeue {number}_1")
    _wait_for(lambda: _state(number) == "PENDING")
    before = len(first.outcomes())
    assert 1 <= before < 4
    assert all(own.completed for own in first.outcomes())
    sh(f"scontrol update JobId={number}_1 StartTime=now")  # else it waits for two minutes
    _wait_for(lambda: not sh(f"squeue --noheader --jobs {number} || true"))
    merged = sh("ablations merge runs/small/shard-*/records.sqlite")
    assert merged == "runs/small/records.sqlite: 12 records added from 3 files, 12 records now"
    found = Store(Path("runs/small/records.sqlite")).outcomes()
    assert set(Counter(own.key for own in found).values()) == {1}
    assert sh("ablations run small.toml --no-report 2>&1") == "12 of 12 trials done"
    log = Path("slurm-small-1.log").read_text()
    assert "stopped; what has ended is recorded" in log
    assert f"{4 - before} trial" in log  # what was left when it was started again


def test_a_task_that_is_cancelled_is_not_queued_again(job):
    number = sh(f"sbatch --parsable {job}")
    first = Store(Path("runs/small/shard-1-of-3/records.sqlite"))
    _wait_for(lambda: first.path.exists() and first.outcomes())
    sh(f"scancel {number}")
    _wait_for(lambda: not sh(f"squeue --noheader --jobs {number} || true"))
    assert _state(number) == "CANCELLED"
    assert all(own.completed for own in first.outcomes())


def _state(number: str) -> str:
    shown = sh(f"scontrol show job {number}_1")
    return shown.partition("JobState=")[2].split()[0]


def _wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)
