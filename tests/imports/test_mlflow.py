"""Runs that MLflow recorded give the findings that the same trials give when recorded by us."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ablations import load_study
from ablations.report.figures import drawings
from ablations.session import Session
from tests.imports.comparing import (
    assert_same_findings,
    call,
    imported_findings,
    json_of,
    our_findings,
    refused,
)

DATABASE = "mlflow-3.17.2.db.xz"


@pytest.fixture
def database(unpacked) -> Path:
    return unpacked(DATABASE, "mlflow.db")


def change(database: Path, *statements: str) -> None:
    with sqlite3.connect(database) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def run_of(database: Path, **params: str) -> str:
    """Returns the id of the run with these parameters."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT run_uuid, key, value FROM params").fetchall()
    connection.close()
    found = {}
    for run, key, value in rows:
        found.setdefault(run, {})[key] = value
    (run,) = [run for run, own in found.items() if own.items() >= params.items()]
    return run


def test_findings_are_those_of_the_same_trials_recorded_by_us(database, tmp_path):
    ours = our_findings(tmp_path)
    assert_same_findings(imported_findings(database), ours)


def test_findings_are_also_those_of_runs_that_are_logged_now(written_anew, tmp_path):
    written_anew("mlflow", f"sqlite:///{tmp_path}/mlflow.db")
    assert_same_findings(imported_findings(tmp_path / "mlflow.db"), our_findings(tmp_path))


def test_the_address_that_mlflow_takes_is_taken_as_well(database):
    by_path = call("import", "mlflow.db", "--suggest").stdout
    assert call("import", "sqlite:///mlflow.db", "--suggest").stdout == by_path


def test_the_commands_that_read_records_find_the_imported_ones(database, monkeypatch):
    monkeypatch.setattr(drawings, "draw_at", lambda _width, _chart: "<svg/>")  # takes seconds
    imported_findings(database, "study.toml")
    for command in ("plan", "status", "report", "gate", "power"):
        call(command, "study.toml")
    call("export", "study.toml", "--to", "again.csv")
    page = Path("reports/study/index.html").read_text()
    assert "imported from MLflow and not trained by this program" in page
    assert "ablations import SOURCE --map study.toml" in page
    assert "ablations run study.toml" not in page
    assert json_of("status", "study.toml")["completed"] == 12


def test_the_times_are_those_that_were_recorded(database):
    findings = imported_findings(database)
    with sqlite3.connect(database) as connection:
        ((least,),) = connection.execute("SELECT min(start_time) FROM runs").fetchall()
    connection.close()
    from datetime import datetime

    begun = min(datetime.fromisoformat(moment) for moment in findings.started)
    assert begun.timestamp() == least / 1000
    assert all(0 < trial.seconds < 60 for trial in findings.trials)


def test_runs_that_failed_diverged_or_still_run_are_told_apart(database):
    failed, diverged, running, deleted = (
        run_of(database, seed=str(seed), augment="True", base=base)
        for seed, base in ((0, "none"), (1, "none"), (2, "none"), (0, "MobileNetV2"))
    )
    call("import", "mlflow.db", "--suggest", "-o", "study.toml")
    change(
        database,
        f"UPDATE runs SET status = 'FAILED' WHERE run_uuid = '{failed}'",
        f"UPDATE metrics SET value = 0, is_nan = 1 WHERE run_uuid = '{diverged}' "
        "AND key = 'test/acc'",
        f"UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = '{running}'",
        f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '{deleted}'",
    )
    found = json_of("import", "mlflow.db", "--map", "study.toml", code=4)
    assert (found["completed"], found["failed"], found["planned"]) == (8, 2, 12)
    assert found["left_out"] == [{"run": running, "why": "it still runs, or ended without a word"}]
    session = Session(load_study("study.toml"))
    reasons = {record.reason for record in session.records()}
    assert reasons == {None, "raised", "diverged"}
    assert call("gate", "study.toml", code=4)


def test_the_digests_of_data_are_read_and_other_data_are_no_replicates(database):
    run = run_of(database, seed="0", augment="True", base="none")
    call("import", "mlflow.db", "--suggest", "-o", "study.toml")
    change(
        database,
        "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, "
        "dataset_source) VALUES ('d', 1, 'cats', 'abc', 'local', '{}')",
        "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id) "
        f"VALUES ('i', 'DATASET', 'd', 'RUN', '{run}')",
    )
    assert "has records of different data" in refused("import", "mlflow.db", "--map", "study.toml")


def test_a_file_that_is_cut_short_is_one_line(database):
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 2])
    line = refused("import", "mlflow.db", "--suggest")
    assert line.startswith(("mlflow.db cannot be read. Received: ", "this holds no runs"))


def test_several_experiments_are_said_and_one_can_be_taken(database):
    change(
        database,
        "INSERT INTO experiments (experiment_id, name, lifecycle_stage) "
        "VALUES (7, 'dögs 🐕', 'active')",
        "UPDATE runs SET experiment_id = 7 WHERE run_uuid IN "
        "(SELECT run_uuid FROM params WHERE key = 'base' AND value = 'none')",
    )
    done = call("import", "mlflow.db", "--suggest")
    assert "there are several experiments (cats; dögs 🐕)" in done.stderr
    call("import", "mlflow.db", "--suggest", "-o", "d.toml", "--where", "experiment=dögs 🐕")
    found = json_of("import", "mlflow.db", "--map", "d.toml")
    assert (found["completed"], found["planned"]) == (6, 6)
    assert {own["why"] for own in found["left_out"]} == {
        "experiment = cats, where the study has dögs 🐕"
    }


def test_what_is_missing_is_named_and_no_command_offers_to_train_it(database):
    run = run_of(database, seed="1", augment="False", base="none")
    call("import", "mlflow.db", "--suggest", "-o", "study.toml")
    unread = call("report", "study.toml", code=4).stderr
    assert (
        "no trial has a record yet; 'ablations import SOURCE --map study.toml' reads them" in unread
    )
    Path("reports/study/index.html").unlink()
    change(database, f"DELETE FROM latest_metrics WHERE run_uuid = '{run}' AND key = 'test/acc'",
           f"DELETE FROM metrics WHERE run_uuid = '{run}' AND key = 'test/acc'")  # fmt: skip
    done = call("import", "mlflow.db", "--map", "study.toml", code=4)
    assert "without a completed run: augment=off, base=none, seed 1\n" in done.stderr
    assert f"left out: 1 run ({run}): it has no test/acc\n" in done.stderr
    for command in ("plan", "status"):
        assert call(command, "study.toml").stdout.endswith("11 of 12 trials done\n")


def test_the_parent_of_a_sweep_is_no_level_of_any_factor(database):
    proposed = call("import", "mlflow.db", "--suggest").stdout
    change(
        database,
        "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, "
        "experiment_id) VALUES ('p', 'sweep', 'FINISHED', 1, 2, 'active', 1)",
    )
    again = call("import", "mlflow.db", "--suggest").stdout
    assert again.splitlines()[1:] == proposed.splitlines()[1:]


def test_a_site_shows_imported_studies_and_follows_their_records(database, monkeypatch):
    monkeypatch.setattr(drawings, "draw_at", lambda _width, _chart: "<svg/>")
    call("import", "mlflow.db", "--suggest", "-o", "study.toml")
    line = refused("site", "study.toml")
    assert line.startswith("there is nothing to build a site from. Received: study.toml.")
    call("import", "mlflow.db", "--map", "study.toml")
    call("site", "study.toml")
    page = Path("site/study/index.html").read_text()
    assert "imported from MLflow" in page
    change(database, "UPDATE metrics SET value = value + 0.01 WHERE key = 'test/acc'")
    call("import", "mlflow.db", "--map", "study.toml")
    call("site", "study.toml")
    assert Path("site/study/index.html").read_text() != page
