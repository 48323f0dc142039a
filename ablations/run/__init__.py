"""From trials to run records; a worker process imports no more than it needs to train.

``ablations.run`` is this package and, called, the function that runs a study: the word for the
stage, the command and the call is one. What it does is in `ablations.calls`.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Stage(ModuleType):
    """The package as something that can be called, as Python's data model has it for modules."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Trains a study and returns its findings: see `ablations.calls.run`."""
        return import_module("ablations.calls").run(*arguments, **options)


sys.modules[__name__].__class__ = _Stage
