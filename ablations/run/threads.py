"""How many threads the libraries of a process compute with.

The results of a training depend on it: a sum that is divided among threads is rounded differently.
So the number is part of the trial, and does not depend on what else runs on the machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ablations.errors import StudyError

_READ_AT_START = {
    "tensorflow": ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "jax": ("NPROC", "PJRT_NPROC"),  # what XLA makes its pool of threads by, now and earlier
    "torch": ("OMP_NUM_THREADS", "MKL_NUM_THREADS"),
}
"""The variables that a framework reads when it is imported, or first used."""

_LIBRARIES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
              "VECLIB_MAXIMUM_THREADS", "OPENCV_FOR_THREADS_NUM")  # fmt: skip
"""Those of OpenMP, which OpenVINO is given too, of the linear algebra, and of OpenCV."""


def thread_variables(threads: int) -> dict[str, str]:
    """Returns the environment variables that give a process so many threads."""
    names = {*_LIBRARIES, *(name for own in _READ_AT_START.values() for name in own)}
    return dict.fromkeys(sorted(names), str(threads))


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Has this process compute with so many threads; for some libraries this cannot be undone.

    Raises:
        StudyError: if a framework has been imported already and has other ones.
    """
    from threadpoolctl import threadpool_limits

    for framework, names in _READ_AT_START.items():
        found = [os.environ.get(name) for name in names]
        if framework in sys.modules and found != [str(threads)] * len(names):
            raise StudyError(
                f"{framework} is imported already, and its threads can no longer be set",
                received=f"threads = {threads}, {names[0]}={found[0]}",
                cure="Train in worker processes (jobs = 1 or more), or begin a new process",
            )
    os.environ.update(thread_variables(threads))
    with threadpool_limits(threads):
        yield
