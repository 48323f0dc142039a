"""A project's own tests assert on a study: each case is a small project that pytest runs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ablations.testing import plugin

ROOT = Path(__file__).parents[2]

STUDY = """
title = "Does a help?"
[trial]
run = "training:train"
[factors.a]
off = {{}}
on = {{ a = 0.1 }}
[design]
seeds = {seeds}
[analysis]
metric = "score"
{gate}
"""
GATE = """
[[gates]]
metric = "score"
where = {{ a = "on" }}
at_least = {at_least}
judge = "{judge}"
"""
TRAINING = """
import os

def train(trial, log):
    with open(os.environ["TRAINED"], "a") as file:
        file.write("x")
    if trial.settings.get("a") and os.environ.get("BROKEN"):
        raise ValueError("no such layer")
    log.metric("score", 0.6 + trial.settings.get("a", 0) + 0.01 * trial.seed, better="higher")
"""
TEST = """
import pytest

@pytest.mark.ablation("study.toml", gate=True)
def test_gate():
    pass

@pytest.mark.ablation("study.toml")
def test_effect(ablation):
    assert ablation.effects[0].estimate == pytest.approx(0.1)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("TRAINED", str(pytester.path / "trained"))
    (pytester.path / "tests").mkdir()
    (pytester.path / "tests" / "training.py").write_text(TRAINING)
    (pytester.path / "tests" / "test_study.py").write_text(TEST)
    pytester.makeini("[pytest]\naddopts = -ra --strict-markers -p ablations.testing.plugin")
    return pytester


def write_study(
    project: pytest.Pytester, at_least: float | None, judge: str = "mean", seeds: int = 3
) -> None:
    gate = "" if at_least is None else GATE.format(at_least=at_least, judge=judge)
    (project.path / "tests" / "study.toml").write_text(STUDY.format(seeds=seeds, gate=gate))


def trained(project: pytest.Pytester) -> int:
    """How often the training function was called."""
    return len((project.path / "trained").read_text())


def test_each_trial_is_trained_once_for_all_tests_and_runs(project: pytest.Pytester):
    write_study(project, at_least=0.5)
    project.runpytest_subprocess().assert_outcomes(passed=2)
    assert trained(project) == 6
    assert (project.path / "runs" / "study" / "records.sqlite").is_file()
    project.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
    assert trained(project) == 6


def test_trials_of_code_that_was_changed_show_nothing_of_it(project: pytest.Pytester):
    write_study(project, at_least=0.5)
    project.runpytest_subprocess().assert_outcomes(passed=2)
    (project.path / "tests" / "training.py").write_text(TRAINING.replace("0.6", "0.3"))
    done = project.runpytest_subprocess("-p", "no:cacheprovider")
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines(["6 of the completed trials were trained by other code than*"])
    study = project.path / "tests" / "study.toml"
    study.write_text(
        study.read_text().replace("[factors.a]", "[trial.settings]\nversion = 2\n[factors.a]", 1)
    )
    done = project.runpytest_subprocess("-p", "no:cacheprovider")
    done.assert_outcomes(failed=1, passed=1)  # the worse model does not pass its gate
    assert trained(project) == 12


def test_a_gate_that_fails_fails_the_test_with_its_numbers(project: pytest.Pytester):
    write_study(project, at_least=0.9)
    done = project.runpytest_subprocess()
    done.assert_outcomes(failed=1, passed=1)
    done.stdout.fnmatch_lines(
        ["*Gates: 1 failed.", "Of ‘a’, score is 0.71* The gate asks for*failed."]
    )


def test_an_open_gate_skips_and_more_seeds_decide_it(project: pytest.Pytester):
    write_study(project, at_least=0.705, judge="lower")
    done = project.runpytest_subprocess()
    done.assert_outcomes(skipped=1, passed=1)
    done.stdout.fnmatch_lines(["SKIPPED*inconclusive*", "*--ablation-seeds N*"])
    project.runpytest_subprocess("--ablation-seeds", "12").assert_outcomes(passed=2)
    assert trained(project) == 24


def test_a_trial_that_fails_fails_the_gate_and_says_why(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BROKEN", "1")
    write_study(project, at_least=0.5)
    done = project.runpytest_subprocess("-k", "gate")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*Seed 0 failed (raised): ValueError: no such layer*"])
    done = project.runpytest_subprocess("-k", "effect")  # also where no gate is asked for
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["Of 3 trials of ‘a’, 0 completed and 3 failed.*"])


@pytest.mark.parametrize(
    ("marker", "line"),
    [
        ("pytest.mark.ablation", "*names it with the marker 'ablation'. Received: () {}. Write @pytest*"),
        ("pytest.mark.ablation(5)", "*Received: (5,) {}. Write @pytest*"),
        ("pytest.mark.ablation('s', gates=1)", "*Received: ('s',) {'gates': 1}. Write @pytest*"),
        ("pytest.mark.ablation('nowhere.toml')", "*nowhere.toml*"),
        ("pytest.mark.skipif(False, reason='')", "*Received: no marker. Write @pytest.mark*"),
        ("pytest.mark.ablation('study.toml', gate=True)", "*study has no gates. Received: gate=True.*"),
    ],
)  # fmt: skip
def test_what_is_asked_for_wrongly_is_one_line(project: pytest.Pytester, marker: str, line: str):
    write_study(project, at_least=None)
    code = f"import pytest\n@{marker}\ndef test_it(ablation): pass"
    (project.path / "tests" / "test_study.py").write_text(code)
    done = project.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines([line])
    assert "During handling" not in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_a_number_of_seeds_that_is_none_is_refused(project: pytest.Pytester):
    done = project.runpytest_subprocess("--ablation-seeds", "0")
    assert "--ablation-seeds takes a number of seeds. Received: 0. Give 1 or more." in (
        done.stderr.str() + done.stdout.str()
    )
    assert done.ret == pytest.ExitCode.USAGE_ERROR


def test_two_processes_train_a_study_once(project: pytest.Pytester):
    write_study(project, at_least=0.5)
    done = project.runpytest_subprocess("-p", "xdist", "-n", "2", "--dist", "each")
    done.assert_outcomes(passed=4)
    assert trained(project) == 6


def test_pytest_finds_the_plugin_by_itself():
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert document["project"]["entry-points"]["pytest11"] == {"ablations": plugin.__name__}
