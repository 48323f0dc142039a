"""Seeds that are added, or left out, after a look at the results."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.calls import run_study
from ablations.cli.app import app
from ablations.core.interim_looks import InterimLook, Revision, Rule, revisions
from ablations.plan import load_study
from ablations.records.sqlite.interim_looks import keep_look, read_looks
from ablations.records.sqlite.tables import STORE_VERSION
from ablations.session import Session
from ablations.text.sentences import revision_sentences

STORE = Path("runs/small/records.sqlite")


def look(path: Path, *, seeds: int | None = None) -> str:
    """Looks at the results without training; returns what is shown about earlier looks."""
    session = Session(load_study(path, seeds=seeds))
    return " ".join(revision_sentences(session.findings(session.records())))


def train(path: Path, *, seeds: int | None = None, overrides: tuple[str, ...] = ()) -> str:
    """Trains in this process and looks, as ``ablations run`` does at its end."""
    study = load_study(path, overrides=overrides, seeds=seeds)
    run_study(study, jobs=0)
    session = Session(study)
    return " ".join(revision_sentences(session.findings(session.records())))


def command(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code in (0, 1, 3, 4), done.output
    return done.output


def test_seeds_that_are_added_after_looks_are_reported_by_report_gate_and_power(study_path):
    assert train(study_path, seeds=2) == ""
    train(study_path, seeds=3)
    run_study(load_study(study_path, seeds=4), jobs=0)
    sentence = "Seeds were added after a look at the results: 2 then 3 were planned, now 4."
    options = (study_path, "--seeds", 4)
    command("report", *options)
    report = json.loads(Path("reports/small/report.json").read_text())
    assert sentence in " ".join(report["caveats"])
    assert sentence in Path("reports/small/index.html").read_text()
    assert sentence in command("gate", *options)
    assert sentence in command("gate", *options, "--against", STORE)
    assert sentence in command("power", *options)
    found = json.loads(CliRunner().invoke(app, ["gate", *map(str, options), "--json"]).stdout)
    assert found["revisions"] == [{"kind": "added", "steps": [2, 3, 4]}]


def test_new_seeds_that_were_never_looked_at_are_the_cure_and_not_reported(study_path, edit):
    train(study_path, seeds=2)
    assert "New seeds that nobody has looked at" in train(study_path)
    edit("seeds = 3", "seeds = [100, 101, 102]")
    assert train(study_path) == ""


def test_resuming_and_looking_again_are_no_revision(study_path):
    for _ in range(3):
        assert train(study_path) == ""
    assert len(read_looks(STORE)) == 1


def test_an_unfinished_study_may_be_looked_at(study_path):
    study = load_study(study_path)
    session = Session(study)
    session.run(session.trials[:8], jobs=0)
    assert look(study_path) == ""
    assert train(study_path) == ""


def test_another_setting_is_another_study(study_path):
    train(study_path)
    train(study_path, seeds=2, overrides=("epochs=1",))
    assert look(study_path) == ""


def test_raising_at_most_after_a_look_is_reported(study_path, edit):
    edit("seeds = 3", 'seeds = { at_least = 3, at_most = 4, until = "decided" }')
    train(study_path)
    edit("at_most = 4", "at_most = 6")
    assert "4 were planned, now 6" in train(study_path)


def test_fewer_seeds_than_a_look_planned_for_are_reported(study_path):
    train(study_path)
    sentence = "Seed 2 was planned at an earlier look and is left out here."
    assert look(study_path, seeds=2).startswith(sentence)


@pytest.mark.parametrize(
    ("again", "sentence"), [(False, "no longer there"), (True, "trained again")]
)
def test_deleting_a_trial_after_a_look_is_reported(study_path, again, sentence):
    train(study_path)
    with closing(sqlite3.connect(STORE)) as connection, connection:
        (worst,) = connection.execute("SELECT max(id) FROM records").fetchone()
        for table in ("metrics", "epochs", "steps", "predictions", "exhibits"):
            connection.execute(f"DELETE FROM {table} WHERE record = ?", (worst,))
        connection.execute("DELETE FROM records WHERE id = ?", (worst,))
        connection.execute("UPDATE totals SET records = records - 1")  # else it counts as damage
    if again:
        time.sleep(1.1)  # records hold their start to the second
    shown = train(study_path) if again else look(study_path)
    assert f"1 trial was {'' if again else 'looked at whose records are '}{sentence}" in shown


def test_a_margin_or_metric_that_is_changed_after_a_look_is_reported(study_path, edit):
    train(study_path)
    edit("[design]", "[analysis]\nsmallest_effect_that_matters = 0.02\n[design]")
    shown = look(study_path).replace("\u202f", " ")
    assert "The smallest effect that matters was changed from 0.0 pp to 2.0 pp" in shown
    edit("[analysis]", '[analysis]\nmetric = "test_loss"')
    assert "The study's metric was changed from test accuracy to test loss" in look(study_path)


def test_a_file_that_another_process_holds_can_be_looked_at(study_path):
    run_study(load_study(study_path), jobs=0)
    with closing(sqlite3.connect(STORE, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert look(study_path) == ""
    assert read_looks(STORE) == ()
    look(study_path)
    assert len(read_looks(STORE)) == 1


def test_a_file_without_the_tables_or_with_damaged_ones_gives_no_look(tmp_path):
    assert read_looks(tmp_path / "none.sqlite") == ()
    keep_look(tmp_path / "none.sqlite", LOOK)
    assert not (tmp_path / "none.sqlite").exists()
    (tmp_path / "text.sqlite").write_text("no database, but long enough to be looked at")
    keep_look(tmp_path / "text.sqlite", LOOK)
    assert read_looks(tmp_path / "text.sqlite") == ()
    path = tmp_path / "odd.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {STORE_VERSION}")
    keep_look(path, LOOK)
    assert read_looks(path) == (LOOK,)
    for damage in ("at = 'x'", "rule = '[]'"):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE looks SET {damage}")
        assert read_looks(path) == ()


RULE = Rule(frozenset({"x"}), (0, 1, 2), "test_accuracy", 0.01)
LOOK = InterimLook("2026-01-01T00:00:10+00:00", RULE, frozenset({"k0", "k1"}))


def test_a_trial_that_started_before_the_look_is_the_one_that_was_seen():
    started = {"k0": "2026-01-01T00:00:01+00:00", "k1": "2026-01-01T00:00:11+00:00"}
    found = revisions(RULE, [LOOK], stored=["k0", "k1"], started=started)
    assert found == (Revision("again", (1,)),)


def test_a_look_without_a_valid_time_gives_no_revision(study_path):
    train(study_path)
    look(study_path)
    with closing(sqlite3.connect("runs/small/records.sqlite")) as connection, connection:
        connection.execute("UPDATE looks SET at = 'yesterday'")
    assert "after a look" not in look(study_path)
