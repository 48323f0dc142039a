"""The shortcuts that make training faster without changing what is computed, and their switches.

============  ====================================================================================
name          what it spares
============  ====================================================================================
``images``    decoding: resized images lie in one file of the cache, shared by all processes
``ahead``     waiting: the next batches are gathered and augmented while the last one trains
``opencv``    time to flip and rotate: OpenCV instead of Keras, on Keras's own random draws
``features``  passes through frozen layers: their outputs are computed once and kept in the cache
``openvino``  time of the passes that remain: OpenVINO instead of Keras, in float32
``seeds``     steps: on JAX and a GPU, all seeds of an arm train as one program
============  ====================================================================================

Each gives the same numbers as the plain path up to the rounding of float32, and a test says so.
``ABLATIONS_WITHOUT`` holds the names of those to leave out, separated by commas, or ``all``.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version

from ablations.entry import WITHOUT
from ablations.errors import StudyError

SHORTCUTS = ("images", "ahead", "opencv", "features", "openvino", "seeds")

_PACKAGES = {"opencv": "opencv-python-headless", "openvino": "openvino"}


def on(name: str) -> bool:
    """Whether the shortcut ``name`` is to be taken: it is not left out, and can be had."""
    without = _left_out()
    return name not in without and "all" not in without and _installed(name)


def _left_out() -> list[str]:
    return [name.strip() for name in os.environ.get(WITHOUT, "").split(",")]


def check() -> None:
    """Raises ``StudyError`` if something is to be left out that is no shortcut."""
    for name in filter(None, _left_out()):
        if name not in (*SHORTCUTS, "all"):
            problem, cure = "there is no such shortcut to leave out", ", ".join(SHORTCUTS)
            raise StudyError(problem, received=name, cure=f"Shortcuts are {cure}")


def facts() -> str:
    """Returns the shortcuts that are on, with the versions of what they need, for a record."""
    used = []
    for name in filter(on, SHORTCUTS):
        package = _PACKAGES.get(name)
        used.append(f"{name} {version(package)}" if package else name)
    return ", ".join(used) or "none"


def _installed(name: str) -> bool:
    """Whether the package that a shortcut needs is there; OpenCV before 5 rounds coordinates."""
    package = _PACKAGES.get(name)
    if package is None:
        return True
    try:
        found = version(package)
    except PackageNotFoundError:
        return False
    return name != "opencv" or int(found.split(".")[0]) >= 5
