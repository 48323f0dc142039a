"""A user's own `Trainer` of Lightning logs through the callback."""

from __future__ import annotations

import signal

import numpy as np
import pytest

import ablations
from ablations import TrialLog
from ablations.adapters import lightning as adapter
from ablations.adapters import split
from ablations.errors import AblationsError

from .conftest import metrics_of, points, rows, trial_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
lightning = pytest.importorskip("lightning", reason="Lightning is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Lightning warns of few workers, no logger and more
]

SEEN: list[list[int]] = []


class Net(lightning.LightningModule):
    def __init__(self, dropout=False, returns=True):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.Dropout(0.5 if dropout else 0), torch.nn.Linear(8, 3)
        )
        self.returns = returns

    def training_step(self, batch, index):
        SEEN.append(rows(batch[0]))
        loss = torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, index):
        found = self.layers(batch[0])
        self.log("val_loss", torch.nn.functional.cross_entropy(found, batch[1]))
        self.log("val_acc", (found.argmax(1) == batch[1]).float().mean())

    def test_step(self, batch, index):
        found = self.layers(batch[0])
        return {"logits": found, "labels": batch[1]} if self.returns else None

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)


def trained(trial, log, **options):
    callback = adapter(trial, log)
    inputs, labels = map(torch.from_numpy, points())
    loaders = {
        name: torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(inputs[own], labels[own]),
            batch_size=30,
            shuffle=name == "train",
        )
        for name, own in split(trial, 120).items()
    }
    model = Net(**options)
    trainer = lightning.Trainer(
        max_epochs=2, callbacks=[callback], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    SEEN.clear()
    trainer.fit(model, loaders["train"], loaders["validation"])
    seen = list(SEEN)
    trainer.test(model, loaders["test"], verbose=False)
    return seen


def test_epochs_steps_and_the_test_are_logged(log):
    trained(trial_of(), log)
    found = log.contents()
    assert [set(epoch) for epoch in found.epochs] == [{"loss", "val_loss", "val_accuracy"}] * 2
    assert [len(steps) for steps in found.steps] == [3, 3]
    assert all(steps.min() > 0 for steps in found.steps)
    own = found.predictions[0]
    assert own.probabilities.shape == (24, 3)
    assert metrics_of(log)["test_accuracy"] == (own.probabilities.argmax(1) == own.labels).mean()
    assert metrics_of(log)["parameters"] == 67
    assert found.environment["lightning"] == lightning.__version__


def test_all_arms_of_a_seed_see_the_same_batches():
    found = []
    for seed, dropout in ((0, False), (0, True), (1, False), (0, False)):
        log = TrialLog()
        seen = trained(trial_of(seed), log, dropout=dropout)
        found.append((seen, log.contents().predictions[0]))
    assert found[0][0] == found[1][0] != found[2][0]
    assert found[0][0][:3] != found[0][0][3:]
    probabilities = [own.probabilities for _, own in found]
    assert np.array_equal(probabilities[0], probabilities[3])
    assert not np.array_equal(probabilities[0], probabilities[1])
    assert found[0][1].examples == found[1][1].examples != found[2][1].examples


def test_a_test_step_without_outputs_is_one_line(log):
    with pytest.raises(AblationsError) as caught:
        trained(trial_of(), log, returns=False)
    assert str(caught.value) == (
        "test_step does not return what the model says of each example. Received: NoneType. "
        "Return {'logits': logits, 'labels': labels} from test_step."
    )


def test_a_loss_that_is_not_finite_ends_the_training(log, monkeypatch):
    monkeypatch.setattr(
        Net, "configure_optimizers", lambda self: torch.optim.SGD(self.parameters(), lr=1e30)
    )
    with pytest.raises(ablations.DivergedError, match="is not finite"):
        trained(trial_of(), log)


def test_an_interrupt_stops_the_whole_run(log, monkeypatch):
    def interrupted(self, batch, index):
        raise KeyboardInterrupt

    monkeypatch.setattr(Net, "training_step", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trained(trial_of(), log)
    assert signal.getsignal(signal.SIGINT) is before
