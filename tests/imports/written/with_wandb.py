"""Logs the trials of ``made.py`` to W&B offline: python with_wandb.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import wandb

sys.path.insert(0, str(Path(__file__).parents[1]))
from made import made_trials


def main(folder: str) -> None:
    settings = wandb.Settings(
        silent=True, disable_git=True, save_code=False, x_disable_meta=True, x_disable_stats=True,
        console="off",
    )  # fmt: skip
    for own in made_trials():
        run = wandb.init(project="cats", dir=folder, mode="offline", config=own.params,
                         name=own.folder, settings=settings)  # fmt: skip
        for values in own.epochs:
            run.log({"train/loss": values["loss"], "val/acc": values["val_accuracy"]})
        run.summary["test/acc"] = own.test_accuracy
        run.finish()


if __name__ == "__main__":
    main(sys.argv[1])
