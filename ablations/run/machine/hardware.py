"""What this machine can run at a time: its cores, its memory, its GPUs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ablations.run.threads import thread_variables

WORKER_BYTES = 2 << 30
"""Memory that a worker with a framework and a data set of some thousand images holds, about."""

DRIVER = Path("/proc/driver/nvidia")
"""Where Linux shows NVIDIA's driver."""

GPU_SHARE = 0.9
"""The part of a GPU's memory that its workers divide; the rest is the driver's own."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU: its name for ``CUDA_VISIBLE_DEVICES``, and its memory in bytes."""

    name: str
    memory_bytes: int


def available_cores() -> int:
    """Returns how many cores this process may use."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # macOS has none
        return len(process.cpu_affinity())
    return psutil.cpu_count() or 1


def gpus() -> tuple[Gpu, ...]:
    """Returns the GPUs that this process may use; none where NVIDIA's library is not installed."""
    return tuple(
        Gpu(name, int(nvml.nvmlDeviceGetMemoryInfo(handle).total))
        for nvml, name, handle in _handles()
    )


def gpu_models() -> tuple[str, ...]:
    """Returns the kinds of NVIDIA GPUs in this machine, as its driver names them.

    The driver of Linux writes them as text, so that no library of NVIDIA's is needed. None where
    all GPUs are hidden from this process.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return ()
    files = sorted(DRIVER.glob("gpus/*/information"))
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    found = [re.search(r"^Model:\s*(.+?)\s*$", text, re.MULTILINE) for text in texts]
    return tuple(sorted({match[1] for match in found if match}))


def gpu_joules() -> dict[str, float]:
    """Returns the joules that each GPU has used since its driver was loaded, by its name."""
    found = {}
    for nvml, name, handle in _handles():
        with suppress(nvml.NVMLError):  # older ones do not count
            found[name] = nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3
    return found


def _handles() -> Iterator[tuple[Any, str, Any]]:
    """Yields NVIDIA's library with the name and handle of each GPU that this process may use."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except ImportError:
        return
    except pynvml.NVMLError:  # no driver
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = map(str, range(pynvml.nvmlDeviceGetCount())) if visible is None else visible.split(",")
    for name in filter(None, names):
        with suppress(pynvml.NVMLError):
            by_index = pynvml.nvmlDeviceGetHandleByIndex
            handle = (
                by_index(int(name)) if name.isdigit() else pynvml.nvmlDeviceGetHandleByUUID(name)
            )
            yield pynvml, name, handle


def best_jobs(trial_bytes: float | None = None, *, threads: int = 1) -> int:
    """Returns how many workers train fastest here.

    On GPUs one each, or as many as fit by the memory that a trial was measured to take. Otherwise
    as many as fill the cores with their threads, as far as memory goes: on two cores two workers
    with one thread did 1.1 times the training steps of one with two, and all that is not threaded
    twice as fast.

    Args:
        trial_bytes: The most GPU memory that a trial of this study took, if known.
        threads: How many a trial computes with.
    """
    if there := gpus():
        fit = (
            int(GPU_SHARE * gpu.memory_bytes / trial_bytes) if trial_bytes else 1 for gpu in there
        )
        return min(sum(max(1, number) for number in fit), 2 * available_cores())
    if os.environ.get("CUDA_VISIBLE_DEVICES") or DRIVER.exists():
        return 1  # there is a GPU, but NVIDIA's library is missing
    by_memory = psutil.virtual_memory().available // WORKER_BYTES
    return max(1, min(available_cores() // threads, by_memory))


KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}
"""Has glibc keep memory that is freed for the next step, which needs as much again.

Otherwise each large tensor is given back to the system, and the next one is filled with zeros page
by page: a third of the time of a step where pages are slow (docs/speed.md). Systems without glibc
ignore these variables. Source: mallopt(3).
"""


def worker_environment(slot: int, jobs: int, *, threads: int = 1) -> dict[str, str]:
    """Returns the variables that give a worker its share of the machine, and its threads.

    Args:
        slot: Number of the worker among those that run at a time, from 0.
        jobs: How many that are.
        threads: How many a trial computes with, whatever runs beside it.
    """
    shares = {"ABLATIONS_JOBS": str(jobs), **thread_variables(threads)}
    if there := gpus():
        shares["CUDA_VISIBLE_DEVICES"] = there[slot % len(there)].name
        sharers = -(-jobs // len(there))
        shares |= part_of_gpu(1 / sharers)
    return shares


def part_of_gpu(part: float) -> dict[str, str]:
    """Returns the variables by which processes share a GPU; none for one that has it alone.

    Both frameworks would take all of its memory at their start.
    """
    if part >= 1:
        return {}
    fraction = f"{GPU_SHARE * part:.2f}"
    return {"XLA_PYTHON_CLIENT_MEM_FRACTION": fraction, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
