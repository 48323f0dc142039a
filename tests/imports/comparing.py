"""The made trials as records of our own, and comparisons of findings to the last digits."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from ablations import load_study, run_study
from ablations.cli.app import app
from ablations.core.findings import Findings
from ablations.run.executors.inline import InlineExecutor
from ablations.session import Session

HERE = Path(__file__).parent

TRAINING = """
import sys

import numpy as np

sys.path.insert(0, {here!r})
from made import made_trials


def train(trial, log):
    own = trial.settings
    (made,) = [m for m in made_trials()
               if (m.augment, m.base, m.seed) == (own["augment"], own["base"], trial.seed)]
    for values in made.epochs:
        log.epoch(**{{name: {kind}(value) for name, value in values.items()}})
    log.metric("test_accuracy", {kind}(made.test_accuracy), unit="fraction", better="higher")
    last = made.epochs[-1]
    log.metric("val_accuracy", {kind}(last["val_accuracy"]), unit="fraction", better="higher")
    log.metric("loss", {kind}(last["loss"]), better="lower")
"""

STUDY = """
title = "Ours"
[trial]
run = "made_training:train"
[factors.augment]
off = { augment = false }
on = { augment = true }
[factors.base]
none = { base = "none" }
MobileNetV2 = { base = "MobileNetV2" }
[design]
seeds = 3
"""


def our_findings(folder: Path, kind: str = "float") -> Findings:
    """Trains the made trials by our own runner and analyses them.

    Tools that keep numbers in 32 bits are compared with a training that reports such numbers.
    """
    module = f"made_training_{kind.rpartition('.')[2]}"
    (folder / f"{module}.py").write_text(TRAINING.format(here=str(HERE), kind=kind))
    (folder / "ours.toml").write_text(STUDY.replace("made_training", module))
    study = load_study(folder / "ours.toml")
    run_study(study, runs_dir=folder / "runs", executor=InlineExecutor())
    session = Session(study, runs_dir=folder / "runs")
    return session.findings(session.records())


def imported_findings(source: str | Path, name: str = "theirs.toml", *options: str) -> Findings:
    """Suggests a study for a source, imports its runs by it, and analyses them."""
    call("import", str(source), "--suggest", "-o", name, *options)
    call("import", str(source), "--map", name)
    session = Session(load_study(name))
    return session.findings(session.records())


def call(*words: str, code: int = 0) -> Any:
    """Runs a command in this process and checks its exit code."""
    done = CliRunner().invoke(app, [*words])
    assert done.exit_code == code, (words, done.output, done.stderr, done.exception)
    return done


def refused(*words: str) -> str:
    """Runs a command that must end as one line about what is wrong; returns that line."""
    done = CliRunner().invoke(app, [*words])
    from ablations.errors import AblationsError

    assert isinstance(done.exception, AblationsError), (done.output, done.exception)
    return str(done.exception)


def assert_same_findings(
    found: Findings, ours: Findings, tolerance: float = 1e-12, *, without: str = ""
) -> None:
    """Compares all numbers on the metrics that both have, apart from times."""
    named = {metric.name for metric in found.metrics} & {metric.name for metric in ours.metrics}
    named -= {without}
    assert ours.metric.name in named
    for part in ("effects", "shares", "cells", "plans", "simple_effects", "gates"):
        _assert_alike(getattr(found, part), getattr(ours, part), part, tolerance)
    for own, other in zip(found.arms, ours.arms, strict=True):
        assert (own.arm, own.n_completed, own.n_failed) == (
            other.arm, other.n_completed, other.n_failed,
        )  # fmt: skip
        for name in named - {"trial_seconds"}:
            _assert_alike(own.summaries[name], other.summaries[name], name, tolerance)
        for name in ("curves", "epoch_means"):
            both = [{curve.metric for curve in getattr(one, name)} for one in (own, other)]
            assert "val_accuracy" in both[0] & both[1]
            common = named & both[0] & both[1]
            pair = [_by_metric(getattr(one, name), common) for one in (own, other)]
            _assert_alike(*pair, name, tolerance)
        _assert_alike(own.difference, other.difference, "difference", tolerance)
    assert (found.best, found.best_by) == (ours.best, ours.best_by)


def _by_metric(curves: Any, named: Collection[str]) -> list[Any]:
    known = [curve for curve in curves if curve.metric in named]
    return sorted(known, key=lambda curve: (curve.metric, getattr(curve, "seed", 0)))


def _assert_alike(own: Any, other: Any, where: str, tolerance: float) -> None:
    if dataclasses.is_dataclass(own) and not isinstance(own, type):
        for field in dataclasses.fields(own):
            if field.name == "seconds":
                continue
            pair = getattr(own, field.name), getattr(other, field.name)
            _assert_alike(*pair, f"{where}.{field.name}", tolerance)
    elif isinstance(own, Mapping):
        assert {*own} == {*other}, where
        for key in own:
            _assert_alike(own[key], other[key], f"{where}[{key}]", tolerance)
    elif isinstance(own, list | tuple):
        assert len(own) == len(other), where
        for index, pair in enumerate(zip(own, other, strict=True)):
            _assert_alike(*pair, f"{where}[{index}]", tolerance)
    elif isinstance(own, float):
        both_nan = math.isnan(own) and math.isnan(other)
        assert both_nan or abs(own - other) <= tolerance, (where, own, other)
    else:
        assert own == other, where


def json_of(*words: str, code: int = 0) -> Any:
    return json.loads(call(*words, "--json", code=code).stdout)
