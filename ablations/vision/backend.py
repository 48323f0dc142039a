"""Chooses the backend that Keras runs on, which must happen before Keras is imported."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from ablations.errors import StudyError

_EXTRAS = {"tensorflow": "'ablations[tensorflow]'", "jax": "'ablations[jax]'", "torch": "torch"}


def require_installed(backend: str) -> None:
    """Raises ``StudyError`` if Keras or ``backend`` is not installed; imports neither."""
    for package in ("keras", backend):
        if find_spec(package) is None:
            raise StudyError(
                f"backend '{backend}' cannot be used",
                received=f"no package '{package}'",
                cure=f"Install it with python -m pip install {_EXTRAS[backend]}",
            )


def use_backend(backend: str) -> None:
    """Makes Keras run on ``backend`` in this process.

    Raises:
        StudyError: if it is not installed, or Keras runs on another one already.
    """
    require_installed(backend)
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend
        # Start-up notes of the framework would tear the progress display.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    if (running := keras.backend.backend()) != backend:
        raise StudyError(
            f"backend '{backend}' cannot be used in this process",
            received=f"Keras runs on {running} already",
            cure="Start a new process, or set backend before Keras is imported",
        )
