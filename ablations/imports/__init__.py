"""Reads runs that other tools recorded as the trials of a study.

`ablations.records.tools` reads what each tool wrote, `matching` says which runs are the trials of a
study file with an ``[import]`` table, and `suggesting` proposes such a file. This module is the
training function of such a study: there is none, and this is what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablations.errors import StudyError

if TYPE_CHECKING:
    from ablations.core.study import Trial
    from ablations.core.trial_log import TrialLog


def train(trial: Trial, log: TrialLog) -> None:  # noqa: ARG001 - as entries are called
    """Stands for the training of trials that another tool recorded.

    Raises:
        StudyError: always.
    """
    raise StudyError(
        f"{trial.study}: its trials were recorded by another tool and cannot be trained here",
        received=f"{trial.arm.name}, seed {trial.seed}",
        cure="Train it where the others were trained, and import all runs again",
    )
