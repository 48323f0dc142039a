"""What a study requires of its trials is checked with the first of them, not after all."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations import analyze_records, load_study, read_records, run_study
from ablations.cli.app import app
from ablations.core.trial_log import TrialLog
from ablations.errors import ReportingError, StudyError

CLI = CliRunner()

LOGS = """
import pathlib


def train(trial, log):
    with pathlib.Path("count").open("a") as file: file.write("x")
    {body}
"""


def call(*arguments: object):
    return CLI.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def training(study_path, tmp_path):
    """Replaces the study's training function; a study with its own module is read anew."""
    text = study_path.read_text().split("[[gates]]")[0]
    run = text.split('run = "')[1].split('"')[0]

    def write(body: str, name: str = "reporting"):
        module = f"{name}_{tmp_path.name}".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(LOGS.format(body=body))
        study_path.write_text(text.replace(run, f"{module}:train"))
        return study_path

    return write


def trained() -> int:
    with Path("count").open() as file:
        return len(file.read())


GOOD = 'log.metric("test_accuracy", 0.5 + trial.settings.get("a", 0) / 10, unit="fraction", better="higher")'


@pytest.mark.parametrize(
    ("body", "received"),
    [
        (
            'return {"test_accuracy": 0.9}',
            "the training function logged no metric (it returned a value of type dict). "
            'Report results with log.metric("test_accuracy", value, unit="fraction", '
            'better="higher")',
        ),
        (
            "pass",
            "the training function logged no metric (it returned nothing). Report results "
            'with log.metric("test_accuracy", value, unit="fraction", better="higher")',
        ),
        (
            'log.epoch(loss=1); return {"test_accuracy": 0.9}',
            "the training function logged no metric (it returned a value of type dict). "
            'Report results with log.metric("test_accuracy", value, unit="fraction", '
            'better="higher")',
        ),
        (
            'log.metric("test_accuracy", 91.2, unit="fraction", better="higher")',
            "log.metric: 'test_accuracy' is a fraction, of 0 to 1 (91.2). Divide percentages "
            "by 100, or give it another name or unit. ({file}, line 7)",
        ),
        (
            "log.epoch(loss=1, val_accuracy=91.2)",
            "epoch 1: 'val_accuracy' is a fraction, of 0 to 1 (91.2). Divide percentages by "
            "100, or give it another name or unit. ({file}, line 7)",
        ),
    ],
)
def test_a_function_that_does_not_report_as_it_must_stops_the_run(training, body, received):
    path = training(body)
    entry = load_study(path).entry
    file = entry.split(":")[0] + ".py"
    for attempt in (1, 2):
        done = call("run", path, "--jobs", 1)
        assert str(done.exception) == (
            f"{entry} does not report as it must, so the run stops here. Received: "
            f"{received.replace('{file}', file)}. Correct it; the same command then tries again."
        )
        assert trained() == attempt
    assert "0 of 12 trials done, 1 failed" in call("status", path).stdout
    training(GOOD)
    assert call("run", path, "--no-report").exit_code == 0
    assert "12 of 12 trials done" in call("status", path).stdout


def test_a_function_may_also_return_something(training):
    path = training(f"{GOOD}; return 3")
    assert call("run", path, "--no-report").exit_code == 0


def test_a_misspelt_metric_of_the_study_stops_the_run_after_the_first_trial(training):
    path = training(GOOD)
    path.write_text(f'{path.read_text()}\n[analysis]\nmetric = "test_acuracy"\n')
    for _ in range(2):
        done = call("run", path, "--jobs", 1)
        assert str(done.exception).startswith(
            "small: no trial has reported 'test_acuracy', which analysis.metric names, so the run "
            "stops here. Received: "
        )
        assert str(done.exception).endswith(
            "reported peak_memory_bytes, test_accuracy. Did you mean 'test_accuracy'? Name one that "
            "is reported; or have the training function report it, and train again into another "
            "--runs-dir; or, if later trials report it, add --go-on."
        )
        assert trained() == 1
    path.write_text(path.read_text().replace("acuracy", "accuracy"))
    assert call("run", path, "--no-report").exit_code == 0
    assert trained() == 12  # the first one counts


def test_a_metric_that_only_later_trials_report_takes_an_option(training):
    path = training(f"if trial.seed: {GOOD}\n    else: log.metric('other', 1)")
    with pytest.raises(StudyError, match="no trial has reported 'test_accuracy'"):
        run_study(load_study(path), jobs=0)
    assert call("run", path, "--no-report", "--go-on").exit_code == 0
    assert trained() == 12
    assert call("run", path, "--no-report").exit_code == 0


def test_the_metric_of_a_gate_counts_for_the_arms_that_it_judges(training):
    path = training(f"{GOOD}\n    if 'a' in trial.settings: log.metric('recall', 0.5)")
    gate = '[[gates]]\nmetric = "reccall"\nwhere = { a = "on" }\nat_least = 0.1\n'
    path.write_text(f"{path.read_text()}\n{gate}")
    done = call("run", path, "--jobs", 1)
    assert "no trial has reported 'reccall', which gates[0].metric names" in str(done.exception)
    assert "Did you mean 'recall'?" in str(done.exception)
    path.write_text(path.read_text().replace("reccall", "recall"))
    assert call("run", path, "--no-report").exit_code == 0


def test_metrics_that_follow_from_others_need_not_be_logged(training):
    path = training(f"log.steps([1, 1]); {GOOD}")
    gates = "".join(
        f'[[gates]]\nmetric = "{name}"\nat_least = 0\n'
        for name in ("trial_seconds", "median_step_seconds", "target_seconds")
    )
    path.write_text(f"{path.read_text()}\n{gates}")
    assert call("run", path, "--no-report").exit_code == 0


@pytest.mark.parametrize(
    ("bar", "received", "cure"),
    [
        ("at_least = 90", "at_least = 90", "0.9"),
        ("at_most = 95.5", "at_most = 95.5", "0.955"),
    ],
)
def test_a_bar_in_percent_is_asked_about_and_then_refused(training, bar, received, cure):
    path = training(GOOD)
    text = path.read_text()
    path.write_text(f'{text}\n[[gates]]\nmetric = "test_accuracy"\n{bar}\n')
    asked = call("plan", path).stdout
    assert "If that is a percentage, and the metric is reported as a fraction, write 0.9" in asked
    done = call("run", path, "--jobs", 1)
    assert str(done.exception) == (
        f"small: gates[0].{received.split()[0]} is in percent, but 'test_accuracy' is a fraction, "
        f"of 0 to 1. Received: {received}. Write {cure}."
    )
    assert str(call("gate", path).exception) == str(done.exception)
    assert str(call("report", path).exception) == str(done.exception)
    path.write_text(path.read_text().replace(bar, f"{received.split()[0]} = {cure}"))
    assert call("run", path, "--no-report").exit_code == 0
    assert trained() == 12
    assert "If that is" not in call("plan", path).stdout


def test_a_margin_in_percentage_points_is_refused(training):
    path = training(GOOD)
    path.write_text(f"{path.read_text()}\n[analysis]\nsmallest_effect_that_matters = 1\n")
    done = call("run", path, "--jobs", 1)
    assert str(done.exception) == (
        "small: analysis.smallest_effect_that_matters is in percent, but 'test_accuracy' is a "
        "fraction, of 0 to 1. Received: smallest_effect_that_matters = 1. Write 0.01."
    )
    path.write_text(path.read_text().replace("matters = 1", "matters = 0.01"))
    assert call("run", path, "--no-report").exit_code == 0


def test_a_threshold_beyond_one_is_valid_for_what_is_no_fraction(training):
    path = training('log.metric("test_accuracy", 91.2, better="higher")')
    path.write_text(f'{path.read_text()}\n[[gates]]\nmetric = "test_accuracy"\nat_least = 90\n')
    assert call("run", path, "--no-report").exit_code == 0


def test_percentages_in_records_of_elsewhere_are_refused(study):
    from dataclasses import replace

    run_study(study, jobs=0)
    records = read_records(study)
    metric = next(m for m in records[0].metrics if m.unit == "fraction")
    spoilt = replace(records[0], metrics=(replace(metric, value=91.2),))
    with pytest.raises(ReportingError, match=r", seed 0: 'test_accuracy' is a fraction"):
        analyze_records(study, [spoilt, *records[1:]])


@pytest.mark.parametrize("value", [0, 1, -1, 1.2])
def test_fractions_and_their_differences_may_be_logged(value):
    TrialLog().metric("share", value, unit="fraction")


@pytest.mark.parametrize(("margin", "cure"), [("0.5", "0.005"), ("2", "0.02"), ("0.29", "0.0029")])
def test_a_margin_in_percentage_points_is_asked_about(training, margin, cure):
    path = training(GOOD)
    text = path.read_text().replace("smallest_effect_that_matters", "# smallest")
    head, _, rest = text.partition("[analysis]\n")
    ask = "analysis.smallest_effect_that_matters is"
    path.write_text(f"{head}\n[analysis]\nsmallest_effect_that_matters = {margin}\n{rest}")
    asked = call("plan", path).stdout
    assert f"{ask} {margin}, which is {float(margin) * 100:g} percentage points" in asked
    assert f"If {margin} percentage points are meant, write {cure}\n" in asked
    path.write_text(f"{head}\n[analysis]\nsmallest_effect_that_matters = {cure}\n{rest}")
    assert ask not in call("plan", path).stdout
