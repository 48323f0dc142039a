"""The memory of this process: what it holds now, and the most it held during a trial."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

import psutil

_CLEAR_REFS = Path("/proc/self/clear_refs")  # proc(5): writing 5 resets the peak
_STATUS = Path("/proc/self/status")


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
