"""The memory of this process: what it holds now, and the most it held during a trial."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

_CLEAR_REFS = Path("/proc/self/clear_refs")  # proc(5): writing 5 resets the peak
_STATUS = Path("/proc/self/status")


def reset_peak() -> None:
    """Starts a new peak where the system can (Linux); elsewhere the peak is the process's own."""
    if _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text("5", encoding="ascii")


def peak_bytes() -> int:
    """Returns the largest resident set size since `reset_peak`, in bytes."""
    if _STATUS.exists():
        status = _STATUS.read_text(encoding="ascii", errors="replace")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    rusage = resource.getrusage(resource.RUSAGE_SELF)
    return int(rusage.ru_maxrss)  # bytes on macOS


def resident_bytes() -> int:
    """Returns the resident set size now, in bytes."""
    return int(psutil.Process().memory_info().rss)
