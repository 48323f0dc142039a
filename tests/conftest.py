"""What tests of several stages share: small studies on a training function that trains nothing."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.core.study import Study
from ablations.plan import load_study
from ablations.run.threads import thread_variables

# Frameworks take their threads from here when the first test imports them; trials have one.
os.environ.update(thread_variables(1))
# Likewise, so that this process computes as workers do, whatever imports TensorFlow here.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

TRAINING = """
import base64
import os
import time

from ablations import Exhibit, Table

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def train(trial, log):
    settings, seed = trial.settings, trial.seed
    if settings.get("raise_at") == seed:
        raise ValueError("no such layer")
    if settings.get("die_at") == seed:
        os._exit(3)
    if settings.get("sleep_at") in (seed, "all"):
        time.sleep(settings.get("sleep", 60))
    if settings.get("grow"):
        train.ballast = bytearray(200_000_000)
    draw = trial.rng("order").random()
    for epoch in range(settings["epochs"]):
        log.steps([0.02, 0.01, 0.01])
        loss = float("nan") if settings.get("nan_at") == seed else 1 / (epoch + 1)
        log.epoch(loss=loss, val_accuracy=0.5 + 0.1 * draw)
    gain = settings.get("a", 0.0) + settings.get("b", 0.0)
    log.metric("test_accuracy", 0.6 + 0.05 * draw + gain, unit="fraction", better="higher")
    log.metric("test_loss", 1 - 0.05 * draw - gain, better="lower")
    log.predictions("test", [0, 1], [[0.75, 0.25], [0.1, 0.9]])
    log.environment(pid=str(os.getpid()), omp=os.environ.get("OMP_NUM_THREADS", "none"))


def describe(trial, log):
    if trial.settings.get("describe") == "raise":
        raise ValueError("nothing to see")
    log.exhibit(
        Exhibit("sample", "A sample", scope="study", image_png=PNG, alt="one dot", sample=True)
    )
    table = Table(("series", "from", "to", "share"), (("before", 0, 1, 1.0),))
    log.exhibit(Exhibit("pixels", "Pixel values", table=table, chart="histogram"))
"""

STUDY = """
title = "Does a pay, and does b?"
question = "Which of the two raises accuracy?"

[trial]
run = "{module}:train"

[trial.settings]
epochs = 2

[factors.a]
off = {{}}
on = {{ a = 0.1 }}

[factors.b]
off = {{}}
on = {{ b = 0.05 }}

[design]
seeds = 3

[[gates]]
metric = "test_accuracy"
where = {{ a = "on" }}
at_least = 0.6
"""


@pytest.fixture(autouse=True)
def _no_terminal_of_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no width of the terminal that the tests are called from reach what they print."""
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def study_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study file beside its training module, whose name is new in each test."""
    module = f"training_{tmp_path.parent.name}_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{module}.py").write_text(TRAINING)
    path = tmp_path / "small.toml"
    path.write_text(STUDY.format(module=module))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def study(study_path: Path) -> Study:
    """The study of `study_path`: 2 x 2 arms, 3 seeds."""
    return load_study(study_path)


@pytest.fixture
def edit(study_path: Path) -> Callable[[str, str], Path]:
    """Replaces text in the study file and returns its path."""

    def replace(old: str, new: str) -> Path:
        text = study_path.read_text()
        assert old in text
        study_path.write_text(text.replace(old, textwrap.dedent(new)))
        return study_path

    return replace
