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

from ablations.core.record import RunRecord
from ablations.run import descendants
from ablations.run.executors.worker import EndMessage, Message, WorkOrder

_GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker has ended, or has sent what cannot be read."""

    unreadable: bool


Inbox = Queue[tuple["WorkerProcess", Message | Lost]]
"""The messages of all workers, each with its worker."""


class WorkerProcess:
    """A running worker and the pipe to it.

    A thread of its own exchanges the messages, so that a worker which fills, blocks or spoils its
    pipe holds up no other one, and can still be ended in time.

    Started with `subprocess` and not with `multiprocessing`, which would import the caller's main
    module again and so fail in plain scripts that have no ``if __name__ == "__main__"``.

    Args:
        log: The file that the worker's output is appended to.
        environment: The worker's environment variables.
        inbox: Where its messages go; one that is full makes the worker wait.
        slot: Which share of the machine it has, for the executor that gave it.

    ``suspect`` notes that an earlier trial has left threads behind, which may end the worker;
    ``pid`` is its process id.
    """

    def __init__(
        self, log: Path, environment: Mapping[str, str], *, inbox: Inbox, slot: int
    ) -> None:
        self.slot, self.log = slot, log
        self.suspect = False
        self._inbox, self._stopped = inbox, False
        self._n_orders = self._n_ended = 0
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
            self.pid = self._popen.pid
            self._greet({"descriptor": theirs.fileno(), "path": sys.path})
        self._orders: SimpleQueue[WorkOrder | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._exchange, daemon=True)
        self._thread.start()

    def _greet(self, greeting: Mapping[str, object]) -> None:
        if self._popen.stdin is not None:
            with suppress(BrokenPipeError):  # `_receive` finds that the worker has ended
                self._popen.stdin.write(json.dumps(greeting).encode() + b"\n")
                self._popen.stdin.flush()  # it stays open, so that its end shows ours to the worker

    @property
    def fresh(self) -> bool:
        """Whether it has had one order at most."""
        return self._n_orders <= 1

    @property
    def has_orders(self) -> bool:
        """Whether it has had an order."""
        return self._n_orders > 0

    @property
    def has_ended(self) -> bool:
        """Whether the last message of its latest order has arrived, perhaps still unread."""
        return self._n_ended == self._n_orders

    @property
    def quiet(self) -> bool:
        """Whether an idle worker still runs and has sent no message, as it should."""
        return self._popen.poll() is None and not self._connection.poll()

    def order(self, order: WorkOrder) -> None:
        """Gives the worker trials to do at once; if it has ended, a `Lost` arrives in the inbox."""
        self._n_orders += 1
        self._orders.put(order)

    def _exchange(self) -> None:
        """Sends one order after the other, and hands on all messages that answer it."""
        while (order := self._orders.get()) is not None:
            with suppress(OSError):  # of a worker that has ended, see below
                self._connection.send(order)
            while not isinstance(message := self._receive(), EndMessage | Lost):
                self._hand_on(message)
            if isinstance(message, EndMessage):
                self._n_ended = self._n_orders
            self._hand_on(message)

    def _receive(self) -> Message | Lost:
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            return Lost(unreadable=False)
        except Exception:  # reading what we did not send may raise anything
            return Lost(unreadable=True)
        return message if isinstance(message, Message) else Lost(unreadable=True)

    def _hand_on(self, message: Message | Lost) -> None:
        while not self._stopped:
            with suppress(Full):
                self._inbox.put((self, message), timeout=0.1)
                return

    def exit_code(self) -> int | None:
        """Returns the exit code of a process that has ended; ``None`` where it still runs."""
        with suppress(subprocess.TimeoutExpired):
            return self._popen.wait(_GRACE_SECONDS)
        return None

    def stop(self) -> None:
        """Ends the worker and all below it at once: what it was training is not recorded."""
        self._stopped = True
        running = self._popen.poll() is None
        descendants.end_with_all_below(self.pid if running else None, self._mark)
        self._popen.kill()
        with (
            suppress(OSError),
            socket.fromfd(self._connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as pipe,
        ):
            pipe.shutdown(socket.SHUT_RDWR)  # ends the thread's wait for messages
        self._orders.put(None)
        self._thread.join(_GRACE_SECONDS)
        self._connection.close()
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        self._popen.wait()


_KILLED = f"was ended by signal {signal.SIGKILL.name}"


def was_killed(record: RunRecord) -> bool:
    """Whether a record says that its worker was ended from outside, by SIGKILL."""
    return record.reason == "died" and _KILLED in record.message


def how_it_ended(code: int | None, *, unreadable: bool) -> str:
    """Returns in words how a worker was lost.

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
