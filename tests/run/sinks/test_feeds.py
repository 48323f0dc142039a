"""A sink gets each event in its order; one that fails warns once and leaves the run as it is."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from ablations import InlineExecutor, load_study, run_study
from ablations.core.study import Study
from ablations.errors import StudyError
from ablations.run import sinks
from ablations.run.observer import several


class Kept:
    """Keeps what it gets; fails at the n-th event if told so."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.events: list[str] = []
        self.threads: set[str] = set()
        self._fails_at = fails_at

    def _note(self, event: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.events.append(event)
        if len(self.events) == self._fails_at:
            raise OSError("no\nserver")

    def epoch(self, trial, number, metrics) -> None:
        self._note(f"{trial.seed} epoch {number} {sorted(metrics)}")

    def finished(self, trial, record) -> None:
        self._note(f"{trial.seed} {record.status}")

    def close(self) -> None:
        self._note("closed")


def follow(monkeypatch: pytest.MonkeyPatch, study: Study, kept: Sequence[Kept]) -> list[str]:
    """Trains a study that these sinks follow; returns their warnings."""
    found, warnings = iter(kept), []
    monkeypatch.setattr(sinks, "open_sink", lambda asked, study: next(found))
    asked = [f"tool:{place}" for place in range(len(kept))]
    with sinks.following(asked, study, warn=warnings.append) as feeds:
        records = run_study(study, executor=InlineExecutor(), observer=several(feeds))
    assert all(record.completed for record in records)
    assert len(records) == 12
    return warnings


def test_each_event_comes_in_its_order_from_another_thread(monkeypatch, study: Study):
    kept = Kept()
    assert follow(monkeypatch, study, [kept]) == []
    assert kept.events[:3] == [
        "0 epoch 1 ['loss', 'val_accuracy']", "0 epoch 2 ['loss', 'val_accuracy']", "0 completed",
    ]  # fmt: skip
    assert len(kept.events) == 12 * 3 + 1
    assert kept.events[-1] == "closed"
    assert kept.threads == {"sink tool:0"}


def test_one_that_fails_warns_once_and_the_other_gets_all(monkeypatch, study: Study):
    broken, sound = Kept(fails_at=5), Kept()
    warnings = follow(monkeypatch, study, [broken, sound])
    assert warnings == ["tool:0 gets nothing more of this run: no server"]
    assert (len(broken.events), len(sound.events)) == (6, 37)
    assert broken.events[-1] == "closed"  # so that nothing there stays open for ever


def test_one_that_hangs_is_left_behind_at_the_end(monkeypatch, study: Study):
    class Hanging(Kept):
        def close(self) -> None:
            done.wait(60)

    done = threading.Event()
    monkeypatch.setattr(sinks, "_SECONDS", 0.2)
    warnings = follow(monkeypatch, study, [Hanging()])
    done.set()
    assert warnings == ["tool:0 is behind by more than 0.2 seconds: it lacks some"]


@pytest.mark.parametrize(
    ("asked", "cure"),
    [
        ("tensorbord:logs", "Did you mean 'tensorboard'? Write one of tensorboard:FOLDER, "
         "mlflow:ADDRESS, wandb:FOLDER."),
        ("tensorboard", "Write one of tensorboard:FOLDER, mlflow:ADDRESS, wandb:FOLDER."),
        ("mlflow:", "Write one of tensorboard:FOLDER, mlflow:ADDRESS, wandb:FOLDER."),
    ],
)  # fmt: skip
def test_what_is_no_tool_and_place_is_refused(study: Study, asked: str, cure: str):
    with pytest.raises(StudyError) as caught:
        sinks.open_sink(asked, study)
    assert str(caught.value) == f"--log-to names a tool and a place. Received: {asked}. {cure}"


def test_a_tool_that_is_not_there_is_named_with_its_extra(monkeypatch, study: Study):
    monkeypatch.setitem(__import__("sys").modules, "ablations.run.sinks.tensorboard", None)
    with pytest.raises(
        StudyError, match=r"tensorboard is not installed.*pip install 'ablations\[t"
    ):
        sinks.open_sink("tensorboard:logs", study)


def test_the_command_refuses_it_before_anything_is_trained(study_path, tmp_path):
    from typer.testing import CliRunner

    from ablations.cli.app import app

    words = ["run", study_path.name, "--jobs", "1", "--no-report", "--log-to", "nothing:x"]
    refused = CliRunner().invoke(app, words)
    assert "--log-to names a tool and a place" in str(refused.exception)
    assert not (tmp_path / "runs" / "small" / "records.sqlite").exists()
    assert load_study(study_path).slug == "small"
