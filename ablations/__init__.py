"""Ablation studies for image classifiers: from a study file to a report that can be trusted.

>>> import ablations
>>> study = ablations.load_study("quickstart")
>>> len(study.arms), len(study.seeds)
(8, 3)

`make_study` makes a study of a function without a file. `run` trains what is missing, with a
progress bar, and returns the findings; `render_report` writes the pages. The single steps are
`run_study`, which returns the records, `to_frames` for pandas, and `analyze_records`. `synthesize`
and `compare` take the findings of several studies, and `render_report` writes what they return.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the public names, listed only here: `_homes` reads this block
    from ablations import adapters as adapters
    from ablations.analyze.compare.side_by_side import compare as compare
    from ablations.analyze.compare.synthesis import synthesize as synthesize
    from ablations.analyze.frames import to_frames as to_frames
    from ablations.calls import read_records as read_records
    from ablations.calls import run as run
    from ablations.calls import run_study as run_study
    from ablations.core.design import Arm as Arm
    from ablations.core.findings import Findings as Findings
    from ablations.core.record import Exhibit as Exhibit
    from ablations.core.record import RunRecord as RunRecord
    from ablations.core.record import Table as Table
    from ablations.core.study import Study as Study
    from ablations.core.study import Trial as Trial
    from ablations.core.trial_log import TrialLog as TrialLog
    from ablations.errors import AblationsError as AblationsError
    from ablations.errors import DataError as DataError
    from ablations.errors import DivergedError as DivergedError
    from ablations.errors import StoreError as StoreError
    from ablations.errors import StudyError as StudyError
    from ablations.plan.loading import load_study as load_study
    from ablations.plan.making import make_study as make_study
    from ablations.reporting import analyze_records as analyze_records
    from ablations.reporting import render_report as render_report
    from ablations.run.executors import Executor as Executor
    from ablations.run.executors import Work as Work
    from ablations.run.executors.inline import InlineExecutor as InlineExecutor
    from ablations.run.executors.local import LocalExecutor as LocalExecutor
    from ablations.run.observer import Observer as Observer

    __version__: str  # of the installed distribution, which takes it from the git tag


@cache
def _homes() -> dict[str, str]:
    """Returns each public name with its module, as the imports above give them."""
    import ast

    parts = ast.parse(Path(__file__).read_text(encoding="utf-8")).body
    block = next(part for part in parts if isinstance(part, ast.If))
    lines = [line for line in block.body if isinstance(line, ast.ImportFrom)]
    return {name.name: str(line.module) for line in lines for name in line.names}


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used, so that ``import ablations`` costs nothing."""
    if name == "__all__":
        return sorted(_homes())
    if name == "__version__":
        from importlib.metadata import version

        return version("ablations")
    if _homes().get(name) == __name__:  # a room of its own
        return importlib.import_module(f"{__name__}.{name}")
    if name in _homes():
        return getattr(importlib.import_module(_homes()[name]), name)
    raise AttributeError(f"module 'ablations' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_homes()})
