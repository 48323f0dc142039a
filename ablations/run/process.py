"""Starts and stops one worker process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from pickle import UnpicklingError

from ablations.run.worker import Message, Task
from ablations.study import Trial

_GRACE_SECONDS = 2.0


class WorkerProcess:
    """A running worker and the pipe to it.

    Started with `subprocess` and not with `multiprocessing`, which would import the caller's main
    module again and so fail in plain scripts that have no ``if __name__ == "__main__"``.

    Args:
        log: The file that the worker's output is appended to.
        environment: The worker's environment variables.
        slot: Which share of the machine it has, for the executor that gave it.
    """

    def __init__(self, log: Path, environment: Mapping[str, str], *, slot: int = 0) -> None:
        self.slot = slot
        log.parent.mkdir(parents=True, exist_ok=True)
        self.connection, theirs = Pipe()
        with theirs, log.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "ablations.run"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(theirs.fileno(),),
            )
            self._greet({"descriptor": theirs.fileno(), "path": sys.path})

    def _greet(self, greeting: Mapping[str, object]) -> None:
        if self._popen.stdin is not None:
            with suppress(BrokenPipeError):  # a worker that is gone already shows in `receive`
                self._popen.stdin.write(json.dumps(greeting).encode() + b"\n")
                self._popen.stdin.flush()  # and stays open: its end tells that we are gone

    def send(self, trials: tuple[Trial, ...], task: Task) -> None:
        """Hands the worker trials to do together; that a worker is gone shows in `receive`."""
        try:
            self.connection.send((trials, task))
        except OSError:
            return

    def receive(self) -> Message | None:
        """Waits for the worker's next message; ``None`` says that the worker is gone."""
        try:
            message: Message = self.connection.recv()
        except (EOFError, OSError, UnpicklingError):
            return None
        return message

    def how_it_ended(self) -> str:
        """Says how a process ended that is gone."""
        try:
            code = self._popen.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed its connection"
        if code < 0:
            return f"was ended by signal {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def stop(self) -> None:
        """Ends the worker at once: what it was training is not recorded."""
        self.connection.close()
        self._popen.kill()
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        self._popen.wait()
