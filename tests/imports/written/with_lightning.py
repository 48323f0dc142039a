"""Lets Lightning's ``CSVLogger`` write the trials of ``made.py``: python with_lightning.py FOLDER.

Training, validation and test values are logged by a ``Trainer``, which gives each a row.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import lightning
import torch
from lightning.pytorch.loggers import CSVLogger

sys.path.insert(0, str(Path(__file__).parents[1]))
from made import EPOCHS, made_trials

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_default_dtype(torch.float64)


class Replay(lightning.LightningModule):
    """Logs numbers that are known before."""

    def __init__(self, epochs, test_accuracy, **params):
        super().__init__()
        self.save_hyperparameters(params)
        self.layer = torch.nn.Linear(1, 1)
        self.own, self.test_accuracy = epochs, test_accuracy

    def training_step(self, batch, _):
        self.log(
            "train_loss",
            torch.tensor(self.own[self.current_epoch]["loss"]),
            on_epoch=True,
            on_step=False,
        )
        return self.layer(batch).sum()

    def validation_step(self, *_):
        self.log("val_acc", torch.tensor(self.own[self.current_epoch]["val_accuracy"]))

    def test_step(self, *_):
        self.log("test_acc", torch.tensor(self.test_accuracy))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.0)


def main(folder: str) -> None:
    batches = torch.utils.data.DataLoader(torch.zeros(1, 1))
    for own in made_trials():
        trainer = lightning.Trainer(
            accelerator="cpu", max_epochs=EPOCHS, logger=CSVLogger(folder, name="cats"),
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            log_every_n_steps=1, num_sanity_val_steps=0,
        )  # fmt: skip
        module = Replay(own.epochs, own.test_accuracy, **own.params)
        trainer.fit(module, batches, batches)
        trainer.test(module, batches, verbose=False)


if __name__ == "__main__":
    main(sys.argv[1])
