"""The memory of this process: what it holds now, and the most it held during a trial."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

import psutil

_CLEAR_REFS = Path("/proc/self/clear_refs")  # proc(5): writing 5 resets the peak
_STATUS = Path("/proc/self/status")
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_VMSTAT = Path("/proc/vmstat")
_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def reset_peak() -> None:
    """Starts a new peak where the system can (Linux); elsewhere the peak is the process's own."""
    with suppress(OSError):
        _CLEAR_REFS.write_text("5", encoding="ascii")


def peak_bytes() -> int:
    """Returns the largest resident set size since `reset_peak`, in bytes."""
    with suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    rusage = resource.getrusage(resource.RUSAGE_SELF)
    return int(rusage.ru_maxrss)  # bytes on macOS


def resident_bytes() -> int:
    """Returns the resident set size now, in bytes."""
    return int(psutil.Process().memory_info().rss)


def raise_oom_score() -> None:
    """Has the kernel end this process rather than its driver where memory is short (Linux)."""
    with suppress(OSError):
        _OOM_SCORE.write_text("500", encoding="ascii")  # proc(5): -1000 to 1000


def held_bytes(pid: int) -> int:
    """Returns what a process and all below it hold now, in bytes; 0 where it has ended.

    Pages that several of them share count once where the system can tell them apart (Linux).
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_held_by(own, shares=len(family) > 1) for own in family)


def _held_by(process: psutil.Process, *, shares: bool) -> int:
    with suppress(psutil.Error):
        if shares and hasattr(process, "memory_maps"):
            return int(process.memory_full_info().pss)
        return int(process.memory_info().rss)
    return 0


class KernelKills:
    """Notices when the kernel ends processes because memory is short (Linux).

    Reads the counter of this process's control group (version 2, ``memory.events``), and that of
    the whole machine (``/proc/vmstat``), see Linux's admin-guide/cgroup-v2 and proc(5).
    """

    def __init__(self) -> None:
        self._group, self._machine = _group_kills(), _count(_VMSTAT)

    def explain(self) -> str:
        """Returns how to go on with "ended by SIGKILL": nothing where there is no evidence."""
        group, machine = _group_kills(), _count(_VMSTAT)
        ours, any_ones = group > self._group, machine > self._machine
        self._group, self._machine = group, machine
        if ours:
            return ": the kernel ended it, because memory was short; fewer --jobs leave each more"
        if any_ones:
            return "; the kernel ended a process meanwhile, because memory was short"
        return ""


def _group_kills() -> int:
    """Returns how many processes of this one's control group the kernel has ended."""
    with suppress(OSError):
        for line in _OWN_GROUPS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("0::"):
                # In a container its own group is the root, whatever its name is outside.
                for folder in (_GROUPS / line.removeprefix("0::").lstrip("/"), _GROUPS):
                    if (folder / "memory.events").is_file():
                        return _count(folder / "memory.events")
    return 0


def _count(file: Path) -> int:
    """Reads ``oom_kill`` from lines of a name and a number."""
    with suppress(OSError, ValueError):
        for line in file.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
