from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import read_jsonl


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("jobs", ["1", "2", "auto"])
def test_recorded_trials_come_out_the_same_and_nothing_is_stored(trained, jobs):
    before = Path("runs/small/records.sqlite").read_bytes()
    done = call("rerun", trained, "--trials", "all", "--jobs", jobs)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert len(lines) == 12
    assert all(
        line.endswith(": equal to the last bit (2 epochs, 2 metrics, 2 predictions)")
        for line in lines
    )
    assert "12 of 12 trials equal to the last bit" in done.stderr
    assert Path("runs/small/records.sqlite").read_bytes() == before


def test_a_few_trials_are_one_of_each_arm_and_always_the_same(trained):
    def chosen(*options):
        document = json.loads(call("rerun", trained, "--json", *options).stdout)
        assert document["exit_code"] == 0
        return [(tuple(t["arm"].values()), t["seed"]) for t in document["trials"]]

    four = sorted(chosen())
    assert four == sorted((arm, 0) for arm in {arm for arm, _ in four})
    assert len(four) == 4
    assert set(chosen("--trials", 2)) < set(four)


def test_the_first_difference_is_told_with_what_is_unlike(trained, tmp_path):
    path = tmp_path / "r.jsonl"
    call("export", trained, "--to", path)
    changed = [
        replace(
            record,
            metrics=tuple(replace(m, value=m.value + 1e-12) for m in record.metrics),
            environment={**record.environment, "cpu": "another"},
        )
        for record in read_jsonl(path)
    ]
    write_jsonl(changed, path)
    done = call("rerun", trained, "--trials", 1, "--records", path)
    assert done.exit_code == 1
    head, first, environment = done.stdout.splitlines()
    assert head.endswith(", seed 0: DIFFERS")
    assert first.startswith("  first in metric test_accuracy: 0.")
    assert first.endswith(" now")
    assert "cpu: another then, " in environment
    assert "0 of 1 trial equal to the last bit" in done.stderr
    found = call("rerun", trained, "--trials", 1, "--records", path, "--json")
    (trial,) = json.loads(found.stdout)["trials"]
    assert (trial["status"], trial["first_differences"][0]["what"]) == ("differs", "metric")
    assert trial["environment"]["cpu"]["then"] == "another"


def test_a_study_that_has_not_run_has_nothing_to_compare(study_path):
    done = call("rerun", study_path)
    assert done.exit_code == 4
    assert "no trial of this study is recorded, so that there is nothing to compare" in done.stderr
    assert not Path("runs").exists()


def test_a_trial_that_fails_the_second_time_is_code_4(trained):
    (module,) = trained.parent.glob("training_*.py")
    module.write_text(
        module.read_text().replace(
            "def train(trial, log):", "def train(trial, log):\n    raise OSError('gone')"
        )
    )
    done = call("rerun", trained, "--trials", 1)
    assert done.exit_code == 4
    assert "FAILED (raised: OSError: gone" in done.stdout


def test_records_in_a_file_are_compared_too(trained, tmp_path):
    call("export", trained, "--to", tmp_path / "r.jsonl")
    options = ("--records", tmp_path / "r.jsonl", "--runs-dir", tmp_path / "none")
    assert call("rerun", trained, *options, "--trials", 2).exit_code == 0
    assert not list((tmp_path / "none").rglob("*.sqlite"))


@pytest.mark.parametrize("number", ["0", "few", "-1"])
def test_a_wrong_number_of_trials_is_a_wrong_command_line(study_path, number):
    assert call("rerun", study_path, "--trials", number).exit_code == 2
