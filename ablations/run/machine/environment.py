"""Where a trial ran: packages, commit and machine.

No names of users or machines are recorded, and of the environment variables only those that change
how numbers are rounded.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from ablations.errors import StoreError
from ablations.run.machine.hardware import available_cores, gpu_models, gpus
from ablations.text.formatting import gibibytes

_PACKAGES = {
    "ablations": "ablations",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "scikit-learn": "sklearn",
    "numpy": "numpy",
}
"""Packages that are recorded if they were imported, with the name of their module."""

_INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve")
"""Instructions of the processor by which libraries choose how to compute, and so how to round."""

CHOICES = ("ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS", "NVIDIA_TF32_OVERRIDE")
"""Environment variables by which users choose that, and nothing that is private."""


def environment_facts() -> dict[str, str]:
    """Returns the machine, the commit and the packages that this process has imported."""
    packages = {name: _version(name) for name, module in _PACKAGES.items() if module in sys.modules}
    return {**_machine_facts(), **packages}


@cache
def _machine_facts() -> dict[str, str]:
    facts = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_facts("model name") or platform.processor() or "unknown",
        "cores": str(available_cores()),
        "jobs": os.environ.get("ABLATIONS_JOBS", "1"),
        "memory": gibibytes(psutil.virtual_memory().total, 1),
    }
    if there := gpus():
        facts["gpus"] = str(len(there))
    if kinds := gpu_models():
        facts["gpu"] = ", ".join(kinds)
    if known := [name for name in _INSTRUCTIONS if name in _cpu_facts("flags", "Features").split()]:
        facts["instructions"] = ", ".join(known)
    facts |= {name: os.environ[name] for name in CHOICES if name in os.environ}
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


def _cpu_facts(*names: str) -> str:
    """Returns Linux's entry of the first processor with one of these names; else nothing."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in names:
                return value.strip()
    return ""


def _commit() -> str | None:
    """Returns the commit of the current folder, marked where its code differs from it."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
        differs = bool(changed) and _code_differs()
    except (OSError, subprocess.SubprocessError, StoreError):
        return None
    return f"{commit} with changes" if differs else commit


def _code_differs() -> bool:
    from ablations.records.git import changed_files  # a worker starts without it in most cases

    return bool(changed_files(Path(), untracked=False))


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(  # noqa: S603 - fixed words only
        command, capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
