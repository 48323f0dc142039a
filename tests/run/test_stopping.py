"""The driver is stopped in every way there is; the next run takes up where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from ablations.api import Session
from ablations.plan import load_study


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_stopped_run_is_resumed_without_loss_or_repetition(edit, number, code):
    path = edit("epochs = 2", 'epochs = 2\nsleep_at = "all"\nsleep = 0.2')
    command = [sys.executable, "-m", "ablations", "run", str(path), "--jobs", "2", "--no-report"]
    session = Session.open(load_study(path))
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509 - no threads here
    ) as driver:
        _wait_for(lambda: len(session.store.outcomes()) >= 3)
        workers = psutil.Process(driver.pid).children(recursive=True)
        os.kill(driver.pid, number)
        said = driver.communicate(timeout=20)[1]
    assert driver.returncode == code
    if number != signal.SIGKILL:
        assert "stopped; what has ended is recorded, and the same command resumes" in said
        assert "Traceback" not in said
    _wait_for(lambda: not any(worker.is_running() for worker in workers))
    before = len(session.store.outcomes())
    assert before < 12
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    keys = [outcome.key for outcome in session.store.outcomes()]
    assert len(keys) == len(set(keys)) == 12


def _hear_interrupts() -> None:
    """What a shell starts in the background ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wait_for(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
