"""Chooses the backend that Keras runs on, which must happen before Keras is imported."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from ablations.errors import StudyError

_NEEDED = {"PIL": "pillow", "sklearn": "scikit-learn"}
"""What the training function imports beside Keras, and what these packages are called."""

_EXTRAS = {"tensorflow": "'ablations[tensorflow]'", "jax": "'ablations[jax]'", "torch": "torch"}


def require_installed(backend: str) -> None:
    """Raises ``StudyError`` if Keras, ``backend`` or an extra is missing; imports none."""
    missing = [name for name in ("keras", backend, *_NEEDED) if find_spec(name) is None]
    if missing:
        named = ", ".join(f"'{_NEEDED.get(name, name)}'" for name in missing)
        others = "" if backend != "torch" or missing == ["torch"] else " 'ablations[vision]'"
        raise StudyError(
            f"backend '{backend}' cannot be used",
            received=f"no package {named}",
            cure=f"Install what is missing: python -m pip install {_EXTRAS[backend]}{others}",
        )


def require_pillow() -> None:
    """Raises ``StudyError`` if images cannot be read."""
    if find_spec("PIL") is None:
        raise StudyError(
            "images in folders cannot be read",
            received="no package 'pillow'",
            cure="Install it: python -m pip install 'ablations[vision]'",
        )


def use_backend(backend: str) -> None:
    """Makes Keras run on ``backend`` in this process, TensorFlow with oneDNN.

    TensorFlow leaves oneDNN off on processors without AVX-512 VNNI, although its convolutions are
    faster there too (docs/speed.md). ``TF_ENABLE_ONEDNN_OPTS=0`` in the environment turns it off.

    Raises:
        StudyError: if it is not installed, or Keras runs on another one already.
    """
    require_installed(backend)
    if backend == "tensorflow" and backend not in sys.modules:  # it reads this at its import
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
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
