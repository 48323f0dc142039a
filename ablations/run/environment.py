"""Where a trial ran: packages, commit and machine. Environment variables and names stay private."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from ablations.run.machine import available_cores, gpus

_PACKAGES = {
    "ablations": "ablations",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "scikit-learn": "sklearn",
    "numpy": "numpy",
}
"""Packages worth naming, with the module that each is imported as."""


def environment_facts() -> dict[str, str]:
    """Returns the machine, the commit and the packages that this process has imported."""
    packages = {name: _version(name) for name, module in _PACKAGES.items() if module in sys.modules}
    return {**_machine_facts(), **packages}


@cache
def _machine_facts() -> dict[str, str]:
    facts = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": str(available_cores()),
        "jobs": os.environ.get("ABLATIONS_JOBS", "1"),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
    }
    if there := gpus():
        facts["gpus"] = str(len(there))
    commit = _commit()
    if commit:
        facts["commit"] = commit
    return facts


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str | None:
    """Returns the commit of the current folder, marked where files differ from it."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit} with changes" if changed else commit


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(  # noqa: S603 - fixed words only
        command, capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
