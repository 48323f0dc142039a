"""What a notebook shows below the cell that runs a study."""

from __future__ import annotations

import sys
import types

import pytest

import ablations
from ablations.plan import plan_trials
from ablations.progress import notebook
from ablations.progress.notebook import in_notebook, shown_in_notebook


@pytest.fixture
def shown(monkeypatch) -> list[dict[str, str]]:
    """What is displayed, one after the other, by a kernel that only notes it."""
    bundles: list[dict[str, str]] = []

    class Handle:
        def update(self, bundle, *, raw):
            bundles.append(bundle)

    def display(bundle, *, raw, display_id):
        bundles.append(bundle)
        return Handle()

    kernel = types.SimpleNamespace(kernel=object())
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: kernel
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    monkeypatch.setattr(notebook, "_SHOW_SECONDS", 0.0)
    return bundles


def test_a_run_shows_a_bar_that_stays_in_its_place(study_path, shown, capsys):
    assert in_notebook()
    findings = ablations.run(study_path, jobs=0)
    assert findings.n_completed == 12
    assert shown[0]["text/plain"] == "0 of 12 trials"
    assert (
        '<progress max="12" value="0" aria-label="trials that have ended">' in shown[0]["text/html"]
    )
    assert any(", seed 1, epoch 2: val accuracy" in bundle["text/plain"] for bundle in shown)
    assert shown[-1]["text/plain"].startswith("12 of 12 trials in ")
    assert 'value="12"' in shown[-1]["text/html"]
    assert "trials to train" not in capsys.readouterr().err
    count = len(shown)
    ablations.run(study_path, jobs=0)
    assert len(shown) == count


def test_failures_are_shown_with_their_reason(edit, shown):
    study = edit("epochs = 2", "epochs = 2\nraise_at = 1")
    ablations.run(study, jobs=0)
    last = shown[-1]
    assert "4 of which failed" in last["text/plain"]
    assert last["text/plain"].count("FAILED (raised): ValueError: no such layer") == 3


def test_a_run_that_is_stopped_says_how_to_go_on(study, shown):
    trials = plan_trials(study)

    def stopped() -> None:
        with shown_in_notebook(study, trials) as watcher:
            watcher.started(trials[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert shown[-1]["text/plain"].endswith("then stopped: run it again to go on")


def test_names_are_shown_as_text(study, shown):
    trial = plan_trials(study)[0]
    with shown_in_notebook(study, [trial]) as watcher:
        watcher.started(trial)
        watcher.epoch(trial, 1, {"<b>x</b>": 1.0})
    assert any("&lt;b&gt;" in bundle["text/html"] for bundle in shown)
    assert not any("<b>" in bundle["text/html"] for bundle in shown)


def test_outside_of_a_notebook_nothing_is_displayed(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()


def test_errors_are_one_line_in_a_notebook():
    error = ablations.StudyError("'seeds' is empty", received="[]", cure="Name a seed")
    assert error._render_traceback_() == [
        "StudyError: 'seeds' is empty. Received: []. Name a seed."
    ]
