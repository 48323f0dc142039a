"""Records the trials of ``made.py`` as an Optuna study: python with_optuna.py URI."""

from __future__ import annotations

import sys
from pathlib import Path

import optuna

sys.path.insert(0, str(Path(__file__).parents[1]))
from made import made_trials

MADE = {(own.augment, own.base, own.seed): own for own in made_trials()}


def objective(trial: optuna.Trial) -> float:
    augment = trial.suggest_categorical("augment", [False, True])
    base = trial.suggest_categorical("base", ["none", "MobileNetV2"])
    own = MADE[augment, base, trial.suggest_int("seed", 0, 2)]
    trial.suggest_float("lr", 0.1, 0.1)
    for epoch, values in enumerate(own.epochs):
        trial.report(values["val_accuracy"], epoch)
    if trial.user_attrs.get("prune"):
        raise optuna.TrialPruned
    return own.test_accuracy


def main(uri: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=uri, study_name="cats", direction="maximize")
    for own in MADE.values():
        study.enqueue_trial({"augment": own.augment, "base": own.base, "seed": own.seed, "lr": 0.1})
    study.enqueue_trial(
        {"augment": True, "base": "none", "seed": 0, "lr": 0.1}, user_attrs={"prune": True}
    )
    study.optimize(objective, n_trials=len(MADE) + 1)


if __name__ == "__main__":
    main(sys.argv[1])
