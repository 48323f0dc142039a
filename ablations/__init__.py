"""Ablation studies for image classifiers: from a study file to a report that can be trusted.

>>> import ablations
>>> study = ablations.load_study("quickstart")
>>> len(study.arms), len(study.seeds)
(8, 3)

`run_study` trains what is missing, `to_frames` gives pandas data frames, `analyze_records` the
findings, and `render_report` writes the pages.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ablations.api import (
        analyze_records,
        load_study,
        read_records,
        render_report,
        run_study,
        to_frames,
    )
    from ablations.core.findings import Findings
    from ablations.core.record import Exhibit, RunRecord, Table
    from ablations.core.study import Arm, Study, Trial
    from ablations.core.trial_log import TrialLog
    from ablations.errors import AblationsError, DataError, DivergedError, StoreError, StudyError

__all__ = [
    "AblationsError",
    "Arm",
    "DataError",
    "DivergedError",
    "Exhibit",
    "Findings",
    "RunRecord",
    "StoreError",
    "Study",
    "StudyError",
    "Table",
    "Trial",
    "TrialLog",
    "analyze_records",
    "load_study",
    "read_records",
    "render_report",
    "run_study",
    "to_frames",
]

_HOMES = {
    "api": (
        "analyze_records",
        "load_study",
        "read_records",
        "render_report",
        "run_study",
        "to_frames",
    ),
    "errors": ("AblationsError", "DataError", "DivergedError", "StoreError", "StudyError"),
    "core.findings": ("Findings",),
    "core.record": ("Exhibit", "RunRecord", "Table"),
    "core.trial_log": ("TrialLog",),
    "core.study": ("Arm", "Study", "Trial"),
}


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used, so that ``import ablations`` costs nothing."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"ablations.{home}"), name)
    raise AttributeError(f"module 'ablations' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
