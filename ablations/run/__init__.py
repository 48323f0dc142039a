"""From trials to run records: executors, workers, progress and the machine's facts."""

from ablations.run.execute import REPORTING
from ablations.run.executors import Executor, Work
from ablations.run.executors.inline import InlineExecutor
from ablations.run.executors.local import LocalExecutor
from ablations.run.machine.hardware import best_jobs, gpus
from ablations.run.measure import measure_arms
from ablations.run.observer import Observer
from ablations.run.runner import describe_trials, run_trials

__all__ = [
    "REPORTING",
    "Executor",
    "InlineExecutor",
    "LocalExecutor",
    "Observer",
    "Work",
    "best_jobs",
    "describe_trials",
    "gpus",
    "measure_arms",
    "run_trials",
]
