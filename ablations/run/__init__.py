"""From trials to run records: executors, workers, progress and the machine's facts."""

from ablations.run.execute import REPORTING, InlineExecutor
from ablations.run.executors.local import LocalExecutor
from ablations.run.machine.hardware import best_jobs, gpus
from ablations.run.measure import measure_arms
from ablations.run.more import no_more
from ablations.run.observer import Observer
from ablations.run.runner import describe_trials, run_trials

__all__ = [
    "REPORTING",
    "InlineExecutor",
    "LocalExecutor",
    "Observer",
    "best_jobs",
    "describe_trials",
    "gpus",
    "measure_arms",
    "no_more",
    "run_trials",
]
