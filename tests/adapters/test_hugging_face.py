"""A user's own Hugging Face `Trainer` logs through the callback."""

from __future__ import annotations

import numpy as np
import pytest

from ablations import TrialLog
from ablations.adapters import split
from ablations.adapters import transformers as adapter
from ablations.errors import AblationsError

from .conftest import metrics_of, points, rows, trial_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # those of transformers about itself

SEEN: list[list[int]] = []


class Net(torch.nn.Module):
    def __init__(self, dropout=False):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.Dropout(0.5 if dropout else 0), torch.nn.Linear(8, 3)
        )

    def forward(self, inputs, labels=None):
        if self.training:
            SEEN.append(rows(inputs))
        logits = self.layers(inputs)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def accuracy(predicted):
    return {"accuracy": float((predicted.predictions.argmax(1) == predicted.label_ids).mean())}


def trained(trial, log, folder, dropout=False, **arguments):
    callback = adapter(trial, log)
    inputs, labels = points()
    examples = [
        {"inputs": torch.from_numpy(own), "labels": int(label)}
        for own, label in zip(inputs, labels, strict=True)
    ]
    parts = {name: [examples[i] for i in own] for name, own in split(trial, 120).items()}
    model = Net(dropout)
    given = transformers.TrainingArguments(
        str(folder), num_train_epochs=2, per_device_train_batch_size=30, report_to="none",
        eval_strategy="epoch", logging_strategy="epoch", save_strategy="no", use_cpu=True,
        disable_tqdm=True, **{**callback.seeds, **arguments},
    )  # fmt: skip
    trainer = transformers.Trainer(
        model, given, train_dataset=parts["train"], eval_dataset=parts["validation"],
        compute_metrics=accuracy, callbacks=[callback],
    )  # fmt: skip
    SEEN.clear()
    trainer.train()
    callback.test(trainer.predict(parts["test"]))
    return list(SEEN)


def test_epochs_steps_and_the_test_are_logged(log, tmp_path):
    trained(trial_of(), log, tmp_path)
    found = log.contents()
    assert [set(epoch) for epoch in found.epochs] == [{"loss", "val_loss", "val_accuracy"}] * 2
    assert [len(steps) for steps in found.steps] == [3, 3]
    assert all(steps.min() > 0 for steps in found.steps)
    own = found.predictions[0]
    assert own.probabilities.shape == (24, 3)
    assert metrics_of(log)["test_accuracy"] == (own.probabilities.argmax(1) == own.labels).mean()
    assert metrics_of(log)["parameters"] == 67
    assert found.environment["transformers"] == transformers.__version__


def test_all_arms_of_a_seed_see_the_same_batches(tmp_path):
    found = []
    for seed, dropout in ((0, False), (0, True), (1, False), (0, False)):
        log = TrialLog()
        seen = trained(trial_of(seed), log, tmp_path, dropout)
        found.append((seen, log.contents().predictions[0]))
    assert found[0][0] == found[1][0] != found[2][0]
    assert found[0][0][:3] != found[0][0][3:]
    probabilities = [own.probabilities for _, own in found]
    assert np.array_equal(probabilities[0], probabilities[3])
    assert not np.array_equal(probabilities[0], probabilities[1])
    assert found[0][1].examples == found[1][1].examples != found[2][1].examples


def test_the_seeds_of_the_arguments_must_be_those_of_the_trial(log, tmp_path):
    with pytest.raises(AblationsError) as caught:
        trained(trial_of(), log, tmp_path, seed=42, data_seed=None)
    assert str(caught.value) == (
        "the Trainer has other seeds than the trial, so that its trials would be alike. Received: "
        "seed=42, data_seed=None. Write TrainingArguments(…, **callback.seeds)."
    )
