"""Writes the trials of ``made.py`` by PyTorch's ``SummaryWriter``: python with_torch.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

sys.path.insert(0, str(Path(__file__).parents[1]))
from made import made_trials


def main(folder: str) -> None:
    for index, own in enumerate(made_trials()):
        with SummaryWriter(f"{folder}/run{index}") as writer:
            for epoch, values in enumerate(own.epochs):
                writer.add_scalar("loss/train", values["loss"], epoch)
                writer.add_scalar("accuracy/val", values["val_accuracy"], epoch)
            # PyTorch writes a truth value as a number, so people write it as text.
            params = {**own.params, "augment": str(own.augment)}
            writer.add_hparams(params, {"accuracy/test": own.test_accuracy})


if __name__ == "__main__":
    main(sys.argv[1])
