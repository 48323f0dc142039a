"""Finds the process that locks a file, where the system shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

LOCKS = Path("/proc/locks")
"""Linux's list of locks: number, kind, mode, access, process, device:inode, range."""


def holder(*paths: Path) -> str:
    """Returns the process that locks one of the files, with its command; else "another process"."""
    found = next(_holders({path.stat().st_ino for path in paths if path.exists()}), None)
    if found is None:
        return "another process"
    command = _command(found)
    return f"process {found} ({command})" if command else f"process {found}"


def _holders(inodes: set[int]) -> Iterator[int]:
    try:
        lines = LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux, or not shown
        return
    rows = [line.split() for line in lines if "->" not in line]
    for row in sorted(rows, key=lambda row: "WRITE" not in row):
        process, inode = int(row[4]), int(row[5].rpartition(":")[2])
        if inode in inodes and process > 0 and process != os.getpid():
            yield process


def _command(process: int) -> str:
    import psutil

    try:
        words = psutil.Process(process).cmdline()
    except psutil.Error:
        return ""
    names = [Path(word).name if word.startswith("/") else word for word in words]
    return " ".join(names)[:80]
