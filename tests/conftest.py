"""What tests of several stages share: small studies on a training function that trains nothing."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ablations.core.study import Study
from ablations.plan import load_study
from ablations.run.threads import thread_variables

# Other programs may need the processor; an example that takes long is no fault.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with what takes long: the last test of one worker would have the other wait."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def _no_terminal_of_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no width of the terminal that the tests are called from reach what they print."""
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


DRAWN: dict[bytes, str] = {}


@pytest.fixture(scope="session")
def figures_drawn_once() -> Iterator[None]:
    """Draws equal charts once in a session, as tests render hundreds of pages of few charts."""
    import matplotlib as mpl

    from ablations.report.figures import drawings

    draw = drawings.draw_at

    def known(width: int, chart: object) -> str:
        key = pickle.dumps((width, chart, dict(mpl.rcParams)))
        if key not in DRAWN:
            DRAWN[key] = draw(width, chart)
        return DRAWN[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawings, "draw_at", known)
        yield


@pytest.fixture
def forget_drawings() -> Callable[[], None]:
    """Has the next page be drawn anew, for tests that compare two of them."""
    return DRAWN.clear


@pytest.fixture
def study_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study file beside its training module, whose name is new in each test."""
    module = f"training_{tmp_path.parent.name}_{tmp_path.name}".replace("-", "_")
    path = _written(tmp_path, module)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return path


def _written(folder: Path, module: str) -> Path:
    (folder / f"{module}.py").write_text(TRAINING)
    path = folder / "small.toml"
    path.write_text(STUDY.format(module=module))
    return path


@pytest.fixture(scope="session")
def trained_folder(
    figures_drawn_once: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A folder with a study, its training module, its records in a store and a file, its report."""
    from typer.testing import CliRunner

    from ablations.cli.app import app

    folder = tmp_path_factory.mktemp("trained")
    path = _written(folder, "training_once")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.chdir(folder)
        done = CliRunner().invoke(app, ["run", path.name, "--jobs", "2"])
        assert done.exit_code == 0, done.stderr
        done = CliRunner().invoke(app, ["export", path.name, "--to", "records.jsonl"])
        assert done.exit_code == 0, done.stderr
    yield folder
    sys.modules.pop("training_once", None)


@pytest.fixture
def trained(study_path: Path, trained_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The study file of a copy of `trained_folder`, in place of `study_path`."""
    (own,) = study_path.parent.glob("training_*.py")
    own.unlink()
    shutil.copytree(trained_folder, study_path.parent, dirs_exist_ok=True)
    monkeypatch.delitem(sys.modules, "training_once", raising=False)
    return study_path


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
