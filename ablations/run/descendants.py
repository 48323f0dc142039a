"""Finds and ends the processes that a trial has started and left behind."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

import psutil

MARK = "ABLATIONS_WORKER"
"""The environment variable by which a worker's descendants are found once they are orphans."""

_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


GUARD = "ABLATIONS_GUARD"
"""The environment variable that asks a worker for a `guard`."""


def guard(mark: str) -> None:
    """Has a process of its own end what this one leaves behind, however this one ends.

    Ray ends its children by SIGKILL, and not what these have started. The process is no child of
    ours, nor of our group, so that it is not ended with us.

    Args:
        mark: The value of `MARK` in the environment of all that is to end.
    """
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            os.dup2(reading, 0)
            os.closerange(1, os.sysconf("SC_OPEN_MAX"))  # as of the pipe to the driver
            os.read(0, 1)  # nothing is written: this ends with the last process that could
            end_with_all_below(None, mark)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(reading)
    os.register_at_fork(after_in_child=lambda: os.close(writing))


def keep_orphans() -> None:
    """Makes this process the parent of descendants whose own parent has ended (Linux only)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def own_descendants() -> list[psutil.Process]:
    """Returns all processes below this one."""
    return psutil.Process().children(recursive=True) if _any_child() else []


def end_own(before: Collection[psutil.Process] = ()) -> bool:
    """Ends the processes below this one that did not run before; returns whether any ran.

    Python's own helpers stay, which serve all of `multiprocessing` and hold no trial's work.
    """
    helpers = _helpers()
    begun = [p for p in own_descendants() if p not in before and p.pid not in helpers]
    running = [p for p in begun if _runs(p)]
    end(running)
    for process in begun:
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)  # else it stays as a zombie
    return bool(running)


def end_with_all_below(pid: int | None, mark: str) -> None:
    """Ends a worker, the processes below it, and its orphans, which carry its mark.

    Args:
        pid: The worker; ``None`` where it has ended and another process may have its number.
        mark: The value of `MARK` in its environment.
    """
    below: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        if pid is not None:
            worker = psutil.Process(pid)
            below = worker.children(recursive=True)
            worker.kill()
    end(below)
    for _ in range(5):  # one may have started another meanwhile
        marked = list(_marked(mark))
        if not marked:
            return
        end(marked)


def end(processes: Iterable[psutil.Process]) -> None:
    """Ends processes at once and waits a moment until they are gone."""
    ended = list(processes)
    for process in ended:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    psutil.wait_procs(ended, timeout=2.0)


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # of another user, or gone
            own = process.pid == os.getpid()  # of a guard
            if not own and process.environ().get(MARK) == mark and _runs(process):
                yield process


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _any_child() -> bool:
    """Whether this process has a child; the kernel answers faster than a list of processes."""
    if not hasattr(os, "waitid"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _helpers() -> frozenset[int]:
    places = (
        ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
        ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
    )
    found = (
        getattr(getattr(sys.modules.get(module), name, None), attribute, None)
        for module, name, attribute in places
    )
    return frozenset(pid for pid in found if pid is not None)
