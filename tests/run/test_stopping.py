"""The driver is stopped in every way there is; the next run resumes where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from ablations.plan import load_study
from ablations.run import descendants
from ablations.session import Session

PATIENCE = 180
"""Seconds after which a wait has failed: a hundred times what Python and its imports take here."""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_stopped_run_is_resumed_without_loss_or_repetition(edit, number, code):
    path = edit("epochs = 2", 'epochs = 2\nsleep_at = "all"\nsleep = 0.2')
    command = [sys.executable, "-m", "ablations", "run", str(path), "--jobs", "2", "--no-report"]
    session = Session(load_study(path))
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_receive_interrupts,  # noqa: PLW1509 - no threads here
    ) as driver:
        _wait_for(lambda: len(session.store.outcomes()) >= 3)
        workers = psutil.Process(driver.pid).children(recursive=True)
        os.kill(driver.pid, number)
        output = driver.communicate(timeout=PATIENCE)[1]
    assert driver.returncode == code
    if number != signal.SIGKILL:
        assert "stopped; what has ended is recorded, and the same command resumes" in output
        assert "Traceback" not in output
    _wait_for(lambda: not any(worker.is_running() for worker in workers))
    before = len(session.store.outcomes())
    assert before < 12
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    keys = [outcome.key for outcome in session.store.outcomes()]
    assert len(keys) == len(set(keys)) == 12


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("where", ["import of ablations", "import of the study", "report"])
def test_a_signal_that_comes_before_the_run_ends_it_with_its_own_code(
    study_path, tmp_path, where, number, code
):
    slow = "from pathlib import Path\nimport time\nPath('begun').touch()\ntime.sleep(60)\n"
    environment = {**os.environ}
    command = "plan" if where == "report" else "run"
    if where == "import of ablations":
        (tmp_path / "shim").mkdir()
        (tmp_path / "shim" / "typer.py").write_text(slow)
        environment["PYTHONPATH"] = (
            f"{tmp_path / 'shim'}{os.pathsep}{environment.get('PYTHONPATH', '')}"
        )
    elif where == "import of the study":
        (module,) = study_path.parent.glob("training_*.py")
        module.write_text(slow)
    else:
        (module,) = study_path.parent.glob("training_*.py")
        fingerprint = f"def fingerprint_data(settings, folder):\n{textwrap.indent(slow, '    ')}\n"
        module.write_text(fingerprint + module.read_text())
    with subprocess.Popen(
        [sys.executable, "-m", "ablations", command, str(study_path)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=_receive_interrupts,  # noqa: PLW1509 - no threads here
    ) as driver:
        _wait_for(Path("begun").exists)
        driver.send_signal(number)
        output = driver.communicate(timeout=PATIENCE)[1]
    assert driver.returncode == code
    assert "Traceback" not in output


def _receive_interrupts() -> None:
    """What a shell starts in the background ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_guard_ends_what_a_worker_leaves_behind_when_it_is_killed(tmp_path):
    """As Ray ends workers: by SIGKILL, and nothing of what they have started."""
    text = """
        import os, subprocess, sys, time
        from ablations.run import descendants
        descendants.guard(os.environ[descendants.MARK])
        for own in (False, True):  # the second one in a session of its own
            subprocess.Popen([sys.executable, "-c", WAIT], start_new_session=own)
        if os.fork() == 0:
            open("forked", "w").close()
        time.sleep(600)
        """
    wait = "import os, time; open(str(os.getpid()), 'w').close(); time.sleep(600)"
    script = f"WAIT = {wait!r}\n{textwrap.dedent(text)}"
    environment = {**os.environ, descendants.MARK: f"test {tmp_path}"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment) as worker:
        _wait_for(lambda: len(list(tmp_path.iterdir())) == 3)
        marked = list(descendants._marked(f"test {tmp_path}"))
        assert len(marked) == 5  # the worker, its guard, and three that it has started
        worker.kill()
    _wait_for(lambda: not any(process.is_running() for process in marked))


def _wait_for(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
