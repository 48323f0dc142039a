"""Starts and stops one worker process, and exchanges messages with it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from queue import Full, Queue, SimpleQueue

from ablations.run import descendants
from ablations.run.executors.worker import EndMessage, Message, WorkOrder

_GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker is gone, or sends what nobody can read."""

    unreadable: bool


Heard = Queue[tuple["WorkerProcess", int, Message | Lost]]
"""What all workers say: which one, the number of its order, and the message."""


class WorkerProcess:
    """A running worker and the pipe to it.

    A thread of its own exchanges the messages, so that a worker which fills, blocks or spoils its
    pipe holds up no other one, and can still be ended in time.

    Started with `subprocess` and not with `multiprocessing`, which would import the caller's main
    module again and so fail in plain scripts that have no ``if __name__ == "__main__"``.

    Args:
        log: The file that the worker's output is appended to.
        environment: The worker's environment variables.
        heard: Where its messages go; one that is full makes the worker wait.
        slot: Which share of the machine it has, for the executor that gave it.

    ``suspect`` notes that an earlier trial has left threads behind, which may end the worker.
    """

    def __init__(
        self, log: Path, environment: Mapping[str, str], *, heard: Heard, slot: int = 0
    ) -> None:
        self.slot, self.log = slot, log
        self.orders = 0
        self.suspect = False
        self._heard, self._stopped, self._ended = heard, False, 0
        self._mark = uuid.uuid4().hex
        log.parent.mkdir(parents=True, exist_ok=True)
        self._connection, theirs = Pipe()
        with theirs, log.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "ablations.run"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, descendants.MARK: self._mark},
                pass_fds=(theirs.fileno(),),
            )
            self._greet({"descriptor": theirs.fileno(), "path": sys.path})
        self._orders: SimpleQueue[WorkOrder | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._exchange, daemon=True)
        self._thread.start()

    def _greet(self, greeting: Mapping[str, object]) -> None:
        if self._popen.stdin is not None:
            with suppress(BrokenPipeError):  # a worker that is gone already shows in `receive`
                self._popen.stdin.write(json.dumps(greeting).encode() + b"\n")
                self._popen.stdin.flush()  # and stays open: its end tells that we are gone

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._popen.pid

    @property
    def fresh(self) -> bool:
        """Whether it has had one order at most."""
        return self.orders <= 1

    @property
    def has_ended(self) -> bool:
        """Whether the last message of its latest order has come, though nobody may have read it."""
        return self._ended == self.orders

    @property
    def quiet(self) -> bool:
        """Whether an idle worker is there and says nothing, as it should."""
        return self._popen.poll() is None and not self._connection.poll()

    def order(self, order: WorkOrder) -> int:
        """Hands the worker trials to do at once; returns the order's number.

        That a worker is gone shows in what is heard of it.
        """
        self.orders += 1
        self._orders.put(order)
        return self.orders

    def _exchange(self) -> None:
        """Hands on one order after the other, each with all that the worker says to it."""
        while (order := self._orders.get()) is not None:
            number, message = self.orders, None
            with suppress(OSError):  # that it is gone shows below
                self._connection.send(order)
            while not isinstance(message, EndMessage | Lost):
                message = self._receive()
                if not isinstance(message, EndMessage | Lost):
                    self._hand_on(number, message)
            self._ended = number if isinstance(message, EndMessage) else self._ended
            self._hand_on(number, message)

    def _receive(self) -> Message | Lost:
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            return Lost(unreadable=False)
        except Exception:  # what is no pickle of ours may raise anything
            return Lost(unreadable=True)
        return message if isinstance(message, Message) else Lost(unreadable=True)

    def _hand_on(self, number: int, message: Message | Lost) -> None:
        while not self._stopped:
            with suppress(Full):
                self._heard.put((self, number, message), timeout=0.1)
                return

    def exit_code(self) -> int | None:
        """Returns how a process ended that is gone; ``None`` where it lives on."""
        with suppress(subprocess.TimeoutExpired):
            return self._popen.wait(_GRACE_SECONDS)
        return None

    def stop(self) -> None:
        """Ends the worker and all below it at once: what it was training is not recorded."""
        self._stopped = True
        there = self._popen.poll() is None
        descendants.end_with_all_below(self._popen.pid if there else None, self._mark)
        self._popen.kill()
        with (
            suppress(OSError),
            socket.fromfd(self._connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as pipe,
        ):
            pipe.shutdown(socket.SHUT_RDWR)  # wakes the thread, whoever else holds the other end
        self._orders.put(None)
        self._thread.join(_GRACE_SECONDS)
        self._connection.close()
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        self._popen.wait()


def how_it_ended(code: int | None, *, unreadable: bool) -> str:
    """Says in words how a worker was lost.

    Example:
        >>> how_it_ended(3, unreadable=False), how_it_ended(-40, unreadable=False)
        ('ended with exit code 3', 'was ended by signal 40')
    """
    if unreadable:
        return "sent what is no message"
    if code is None:
        return "closed its connection"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by signal {signal.Signals(-code).name}"
    except ValueError:  # the real-time signals between the first and the last have no name
        return f"was ended by signal {-code}"
