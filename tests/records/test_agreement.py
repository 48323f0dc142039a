"""Records that disagree, and files of records that are of something else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.calls import run_study
from ablations.cli.app import app
from ablations.core.record import Metric
from ablations.errors import ReportingError, StoreError
from ablations.plan import load_study
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import read_jsonl
from ablations.records.sqlite.store import Store
from ablations.reporting import analyze_records
from ablations.session import Session

CLI = CliRunner()
COMMANDS = (["report"], ["gate"], ["gate", "--self-test"], ["power"])


def call(*arguments: object):
    return CLI.invoke(app, [str(argument) for argument in arguments])


def refused(*arguments: object) -> str:
    """The text of the error that a command ends with."""
    done = call(*arguments)
    assert isinstance(done.exception, StoreError), (arguments, done.output, done.exception)
    return str(done.exception)


@pytest.fixture
def records(study):
    return run_study(study, jobs=0)


@pytest.fixture
def path(records, tmp_path: Path) -> Path:
    found = tmp_path / "r.jsonl"
    write_jsonl(records, found)
    return found


def with_accuracy(record, value, **changes):
    first, *others = record.metrics
    return replace(record, metrics=(replace(first, value=value, **changes), *others))


def test_the_same_trial_twice_with_other_values_is_refused_everywhere(study_path, records, path):
    write_jsonl([*records, with_accuracy(records[0], 0.99)], path)
    for command in COMMANDS:
        text = refused(command[0], study_path, *command[1:], "--records", path)
        assert text.startswith(f"{path}: a trial has two completed records that differ")
        assert f"trial {records[0].key} ({records[0].arm.name}, seed 0)" in text
    assert "two completed records" in refused("gate", study_path, "--against", path)
    with pytest.raises(StoreError, match="two completed records"):
        analyze_records(load_study(study_path), [*records, with_accuracy(records[0], 0.99)])
    lines = path.read_text().splitlines(keepends=True)  # the cure: leave one of them out
    path.write_text("".join(lines[:-1]))
    assert call("gate", study_path, "--records", path).exit_code == 0


def test_a_copy_of_a_record_counts_once(study_path, records, path):
    write_jsonl([*records, records[0]], path)
    assert call("gate", study_path, "--records", path).exit_code == 0
    session = Session(load_study(study_path), source=path)
    assert len(session.records()) == len(records)


def test_a_trial_that_failed_before_it_completed_is_no_contradiction(study_path, records, path):
    failed = replace(records[0], status="failed", reason="died", metrics=())
    write_jsonl([failed, *records], path)
    assert call("gate", study_path, "--records", path).exit_code == 0


@pytest.mark.parametrize("change", [{"unit": "seconds"}, {"better": "lower"}])
def test_a_metric_in_two_units_or_directions_is_refused_everywhere(
    study_path, records, path, tmp_path, change
):
    odd = with_accuracy(records[5], 0.7, **change)
    mixed = [*records[:5], odd, *records[6:]]
    write_jsonl(mixed, path)
    name = f"trial {odd.key} ({odd.arm.name}, seed {odd.seed})"
    for command in COMMANDS:
        text = refused(command[0], study_path, *command[1:], "--records", path)
        assert "records disagree on the unit or the direction of metric 'test_accuracy'" in text
        assert name in text
    assert name in refused("gate", study_path, "--against", path)
    store = Store(tmp_path / "runs2" / "small" / "records.sqlite")
    for record in mixed:
        store.append(record)
    arguments = ("--runs-dir", tmp_path / "runs2")
    for command in (["report"], ["gate"], ["export", "--to", tmp_path / "x.jsonl"]):
        assert name in refused(command[0], study_path, *command[1:], *arguments)
    assert not (tmp_path / "x.jsonl").exists()


def test_a_baseline_in_another_unit_is_refused(study_path, records, path):
    other = [with_accuracy(r, 70.0, unit="number") for r in records]
    write_jsonl(other, path)
    done = call("gate", study_path, "--against", path)
    assert "gives metric 'test_accuracy' in another unit or direction" in str(done.exception)
    assert "now fraction, better higher; then number, better higher" in str(done.exception)
    assert call("report", study_path, "--records", path, "--reports-dir", "old").exit_code == 0
    done = call("gate", study_path, "--against", "old/small/report.json")
    assert "gives metric 'test_accuracy' in another unit or direction" in str(done.exception)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m["arms"][0]["values"]["test_accuracy"].update({"0": float("inf")}), ""),
        (lambda m: m["arms"][0]["values"]["test_accuracy"].update({"0": 0.123}), "checksum"),
        (lambda m: m["arms"][0]["values"]["test_accuracy"].update({"0": "0.5"}), "valid number"),
        (lambda m: m["arms"][0]["values"]["test_accuracy"].update({"x": 0.5}), "whole number"),
        (lambda m: m["arms"][0]["levels"].update({"a": ["on"]}), "levels.a: input should be"),
        (lambda m: m["arms"].append(m["arms"][0]), "arms: the arm"),
        (lambda m: m["arms"][0].pop("values"), "measured.arms[0].values: field required"),
        (lambda m: m.pop("arms"), "measured.arms: field required"),
        (lambda m: m.update(environments=[1]), "measured.environments[0]"),
        (lambda m: m.update(data="d"), "measured.data: input should be a valid list"),
    ],
)
def test_a_baseline_that_is_wrong_is_one_line(study_path, records, change, problem):
    assert call("report", study_path).exit_code == 0
    path = Path("reports/small/report.json")
    document = json.loads(path.read_text())
    assert call("gate", study_path, "--against", path).exit_code == 0
    change(document["measured"])
    path.write_text(json.dumps(document))
    text = refused("gate", study_path, "--against", path)
    assert text.startswith(f"{path} holds no findings that a gate can be held against. Received: ")
    assert problem in text
    assert len(text.splitlines()) == 1


def test_a_baseline_of_before_checksums_is_read(study_path, records):
    assert call("report", study_path).exit_code == 0
    path = Path("reports/small/report.json")
    document = json.loads(path.read_text())
    for key in ("checksum", "metrics"):
        del document["measured"][key]
    path.write_text(json.dumps(document))
    assert call("gate", study_path, "--against", path).exit_code == 0


def test_records_of_another_study_are_named_and_the_report_stays(study_path, records, path):
    assert call("report", study_path).exit_code == 0
    page = Path("reports/small/index.html").read_bytes()
    others = [
        replace(r, key=f"k{i}", study="cats", entry="pets:train") for i, r in enumerate(records)
    ]
    write_jsonl(others, path)
    for command in COMMANDS:
        text = refused(command[0], study_path, *command[1:], "--records", path)
        assert text.startswith(
            f"{path}: none of its 12 records is of a trial that small plans. Received: study cats, "
            "training function pets:train, arm a=off, b=off; a=off, b=on; a=on, b=off and 1 more, "
            "seed 0; 1; 2, data "
        )
    assert Path("reports/small/index.html").read_bytes() == page


def test_records_of_other_settings_need_the_same_overrides(study_path, records, path):
    arguments = (study_path, "--records", path)
    assert "repeat --set and --seeds" in refused("report", *arguments, "--set", "epochs=9")
    write_jsonl(run_study(load_study(study_path, overrides=["epochs=9"]), jobs=0), path)
    assert call("report", *arguments, "--set", "epochs=9").exit_code == 0  # the cure


def test_what_is_left_out_of_a_file_is_counted(study_path, records, path):
    assert "left out" not in call("gate", study_path, "--records", path).stderr
    done = call("gate", study_path, "--records", path, "--seeds", 2)
    assert f"{path}: 4 of its records are of other trials and are left out" in done.stderr


def test_a_report_of_nothing_does_not_replace_one_of_something(study_path, records, edit):
    assert call("report", study_path).exit_code == 0
    page = Path("reports/small/index.html").read_bytes()
    path = edit("epochs = 2", "epochs = 3")
    assert str(call("report", path).exception).startswith(
        "reports/small holds a report of 12 completed trials, which one without any would replace"
    )
    empty = call("report", path, "--reports-dir", "other")  # the cure
    assert empty.exit_code == 4
    assert "the report is empty: no trial has a record yet" in empty.stderr
    assert Path("other/small/index.html").is_file()
    assert Path("reports/small/index.html").read_bytes() == page


def test_a_run_of_which_nothing_completes_leaves_the_report_with_an_error(
    study_path, records, edit
):
    assert call("report", study_path).exit_code == 0
    page = Path("reports/small/index.html").read_bytes()
    path = edit("epochs = 2", 'epochs = "none"')
    done = call("run", path, "--jobs", 1)
    assert done.exit_code == 4
    assert "holds a report of 12 completed trials" in done.stderr
    assert Path("reports/small/index.html").read_bytes() == page


def test_values_that_are_not_finite_pass_no_gate(study_path, records, path):
    text = path.read_text()
    value = next(m.value for m in records[0].metrics if isinstance(m, Metric))
    path.write_text(text.replace(repr(value), "Infinity"))
    for arguments in (("--records", path), ("--against", path)):
        assert "is not a run record" in refused("gate", study_path, *arguments)
    assert len(read_jsonl_or_none(path)) == 0


def read_jsonl_or_none(path: Path) -> tuple[object, ...]:
    try:
        return read_jsonl(path)
    except StoreError:
        return ()


def test_records_with_other_threads_name_the_option_that_reads_them(study_path, records, path):
    text = refused("gate", study_path, "--threads", 2, "--records", path)
    assert "Add --threads 1 (in the study file: 'threads' under [trial]): the records are" in text
    assert call("gate", study_path, "--threads", 1, "--records", path).exit_code == 0


def test_a_baseline_that_mixes_settings_is_refused(study_path):
    assert call("run", study_path, "--jobs", 1).exit_code == 0
    assert call("export", study_path, "--to", "kept.jsonl").exit_code == 0
    assert call("run", study_path, "--jobs", 1, "--seeds", 2, "--set", "epochs=3").exit_code == 0
    text = refused("gate", study_path, "--against", "runs")
    assert text.startswith("runs: an arm has records of different settings")
    assert call("gate", study_path, "--against", "kept.jsonl").exit_code == 0  # the cures
    assert call("gate", study_path, "--against", "reports/small/report.json").exit_code == 0


def test_a_study_without_records_is_incomplete_against_the_past(study_path, path):
    done = call("gate", study_path, "--against", path, "--runs-dir", "empty")
    assert (done.exit_code, done.exception.__class__) == (4, SystemExit), done.output


def test_a_trial_that_reports_other_units_fails_and_the_study_goes_on(study_path):
    module = next(Path().glob("training_*.py"))
    sound = module.read_text()
    odd = sound.replace(
        '"test_loss", 1 -', '"test_loss", unit="count" if seed else "number", value=1 -'
    )
    module.write_text(odd)
    done = call("run", study_path, "--jobs", 1)
    assert "metric 'test_loss' had unit 'number', better 'lower' in earlier trials" in str(
        done.exception
    )
    assert call("report", study_path).exit_code == 0
    module.write_text(sound)  # the cure
    assert call("run", study_path, "--jobs", 1).exit_code == 0
    assert call("gate", study_path).exit_code == 0


def test_a_metric_that_follows_from_others_keeps_its_unit(study_path):
    module = next(Path().glob("training_*.py"))
    sound = module.read_text()
    odd = "    if seed:\n        log.metric('trial_seconds', 1)\n    log.predictions("
    module.write_text(sound.replace("    log.predictions(", odd))
    done = call("run", study_path, "--jobs", 1)
    assert "metric 'trial_seconds' had unit 'seconds', better 'lower'" in str(done.exception)
    module.write_text(sound)
    assert call("run", study_path, "--jobs", 1).exit_code == 0


def test_lines_may_end_as_on_another_system(study_path, path):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert call("gate", study_path, "--records", path).exit_code == 0


def test_an_iterator_of_records_counts_as_the_records(study):
    records = run_study(study, jobs=0)
    assert analyze_records(study, iter(records)) == analyze_records(study, records)


def test_records_of_another_study_are_no_answer(study, study_path):
    records = run_study(study, jobs=0)
    with pytest.raises(StoreError, match=r"none of its 12 records is of a trial that small plans"):
        analyze_records(load_study(study_path, overrides=["epochs=3"]), records)
    assert analyze_records(study, ()).n_completed == 0


def test_numbers_whose_differences_overflow_are_refused(study):
    records = run_study(study, jobs=0)
    huge = replace(records[0].metrics[0], value=1.7e308)
    with pytest.raises(ReportingError, match=r"too large to compute with. Received: 1.7e\+308"):
        analyze_records(study, [replace(records[0], metrics=(huge,)), *records[1:]])
