"""A PyTorch module of a user's goes from `make_study` to findings through its adapter."""

from __future__ import annotations

import random

import numpy as np
import pytest

import ablations
from ablations import TrialLog
from ablations.adapters import split
from ablations.adapters import torch as adapter
from ablations.errors import AblationsError
from ablations.report.sections.noise import noise

from .conftest import metrics_of, points, rows, trial_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def module(trial):
    dropout = [torch.nn.Dropout(0.5)] if trial.settings.get("dropout") else []
    return torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), *dropout, torch.nn.Linear(8, 3)
    )


class Drawn(torch.utils.data.Dataset):
    """Examples to which noise is added from each generator that transforms draw from."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.inputs, self.labels = points()

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, i):
        row = self.chosen[i]
        noise = float(torch.rand(())) + random.random() + np.random.rand()  # noqa: NPY002 - transforms do
        own = self.inputs[row] + np.array([0, 0, 0, 0.01 * noise], dtype="float32")
        return torch.from_numpy(own), int(self.labels[row])


def loaders(trial):
    return {
        name: torch.utils.data.DataLoader(Drawn(own), batch_size=30, shuffle=name == "train")
        for name, own in split(trial, 120).items()
    }


def adam(trial, parameters):
    return torch.optim.Adam(parameters, lr=trial.settings.get("rate", 0.01))


def test_from_a_study_to_its_findings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = ablations.make_study(
        title="Does dropout help?",
        factors={"dropout": {"off": {}, "on": {"dropout": True}}},
        settings={"epochs": 3},
        train=adapter(module, loaders, adam),
        seeds=3,
    )
    findings = ablations.run(study, jobs=0)
    assert findings.n_completed == 6
    assert noise(findings) is not None
    for record in ablations.read_records(study):
        assert [set(epoch) for epoch in record.epochs] == [
            {"loss", "accuracy", "val_loss", "val_accuracy"}
        ] * 3
        assert [len(steps) for steps in record.steps] == [3] * 3  # of 84 examples
        assert {m.name: m.value for m in record.metrics}["parameters"] == 67


def test_all_arms_of_a_seed_see_the_same_batches_and_draws():
    seen = []

    class Seeing(torch.nn.Module):
        def __init__(self, trial):
            super().__init__()
            self.own = module(trial)

        def forward(self, inputs):
            seen.append((rows(inputs), inputs[:, 3].tolist()))
            return self.own(inputs)

    found = []
    for seed, dropout in ((0, False), (0, True), (1, False), (0, False)):
        log = TrialLog()
        adapter(Seeing, loaders, adam)(trial_of(seed, dropout=dropout, epochs=2), log)
        found.append((list(seen), metrics_of(log)["test_loss"]))
        seen.clear()
    assert found[0][0] == found[1][0] != found[2][0]
    assert found[0][1] == found[3][1] != found[1][1]
    first, second = (
        sorted(row for batch, _ in found[0][0][at : at + 3] for row in batch) for at in (0, 4)
    )
    assert first == second
    assert found[0][0][0] != found[0][0][4]  # the epochs have orders of their own


def test_first_weights_are_the_seeds_whatever_the_loaders_drew(log):
    kept = []

    def drawing(trial):
        torch.rand(trial.settings["draws"])
        return loaders(trial)

    def keeping(trial):
        kept.append(module(trial)[0].weight.detach().clone())
        return module(trial)

    for seed, draws in ((0, 1), (0, 50), (1, 1)):
        adapter(keeping, drawing, adam)(trial_of(seed, draws=draws, epochs=1), log)
    assert torch.equal(kept[0], kept[1])
    assert not torch.equal(kept[0], kept[2])


def test_steps_end_when_the_device_has_finished(log, monkeypatch):
    from ablations.adapters import torch_streams

    waited = []
    monkeypatch.setattr(torch_streams, "synchronize", lambda: waited.append(1))
    adapter(module, loaders, adam)(trial_of(epochs=2), log)
    assert len(waited) == 2 * 6  # before and after each step


def emptied(trial):
    return {**loaders(trial), "train": iter(loaders(trial)["train"])}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((lambda trial: None, loaders, adam), "'module' must return a torch.nn.Module. Received: "
         "NoneType. Define module(trial), which makes the module and returns it."),
        ((lambda trial: torch.nn.Linear(4, 1), loaders, adam), "outputs must be (example, class), of two "
         "classes or more, and labels (example,). Received: shapes (30, 1) and (30,). End the module "
         "with torch.nn.Linear(…, classes), and give whole numbers."),
        ((module, emptied, adam), "the loader 'train' has no batch. Received: nothing, or an iterator "
         "that was used up in the epoch before. Return a DataLoader or a list, which can be gone through "
         "again."),
        ((module, lambda trial: {"train": []}, adam), "the parts of the data must be train and test, and "
         "perhaps validation. Received: train. Return a mapping with these names."),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_one_line(log, arguments, text):
    def squared(outputs, labels):
        return (outputs.sum(1) - labels).square().mean()

    with pytest.raises(AblationsError) as caught:
        adapter(*arguments, loss=squared)(trial_of(epochs=2), log)
    assert str(caught.value) == text


def test_a_loss_that_is_not_finite_ends_the_training(log):
    with pytest.raises(ablations.DivergedError, match="'loss' is not finite"):
        adapter(module, loaders, adam)(trial_of(epochs=3, rate=float("inf")), log)


def test_it_reaches_worker_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = ablations.make_study(
        title="Does dropout help?",
        factors={"dropout": {"off": {}, "on": {"dropout": True}}},
        settings={"epochs": 1},
        train=adapter(module, loaders, adam),
        seeds=1,
    )
    inline = ablations.run_study(study, jobs=0, runs_dir="inline")
    workers = {record.key: record for record in ablations.run_study(study, jobs=1)}
    assert [r.metrics[0].value for r in inline if r.completed]
    for record in inline:
        assert np.array_equal(
            workers[record.key].predictions[0].probabilities, record.predictions[0].probabilities
        )
