"""What is proposed for runs: factors, seeds and metrics, from what varies."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import pytest

from ablations import load_study
from ablations.imports.metric_names import name_of
from ablations.report.words.caveats import caveats
from ablations.report.words.glossary import how_to_read
from ablations.session import Session
from tests.imports.comparing import call, json_of, refused


def table(path: Path, rows: list[dict[str, object]]) -> Path:
    heads = dict.fromkeys(name for row in rows for name in row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, heads)
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows(**columns) -> list[dict[str, object]]:
    """Rows of 2 x 2 arms at 3 seeds, with columns that are computed from them."""
    every = [
        {"id": f"r{seed}{a}{b}", "a": a, "b": b, "seed": seed,
         "test_acc": round(0.5 + 0.1 * (a == "on") + 0.01 * seed + 0.003 * len(b), 4)}
        for seed in (0, 1, 2) for a in ("off", "on") for b in ("x", "yy")
    ]  # fmt: skip
    return [{**own, **{name: value(own) for name, value in columns.items()}} for own in every]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def suggested(*options: str, source: str = "runs.csv"):
    return tomllib.loads(call("import", source, "--suggest", *options).stdout)


def test_what_varies_in_groups_is_a_factor_and_the_rest_is_fixed(tmp_path):
    table(tmp_path / "runs.csv", rows(lr=lambda _: 0.1, opt=lambda _: 'ädäm "q"'))
    found = suggested()
    assert found["factors"] == {
        "a": {"off": {"a": "off"}, "on": {"a": "on"}},
        "b": {"x": {"b": "x"}, "yy": {"b": "yy"}},
    }
    assert found["trial"]["settings"] == {"lr": 0.1, "opt": 'ädäm "q"'}
    assert found["design"] == {"kind": "full-factorial", "seeds": [0, 1, 2]}
    assert found["import"]["seed"] == "seed"
    assert found["analysis"]["metric"] == "test_accuracy"


def test_parameters_that_change_together_are_one_factor(tmp_path):
    own = rows(width=lambda row: 64 if row["a"] == "on" else 32)
    table(tmp_path / "runs.csv", own)
    assert suggested()["factors"]["a"] == {
        "off": {"a": "off", "width": 32}, "on": {"a": "on", "width": 64},
    }  # fmt: skip


def test_what_follows_from_factors_or_is_new_in_each_run_is_ignored(tmp_path):
    own = rows(
        arm=lambda row: f"{row['a']}+{row['b']}",
        host=lambda row: f"node-{row['id']}",
        split=lambda row: f"split {row['seed']}",
    )
    table(tmp_path / "runs.csv", own)
    text = call("import", "runs.csv", "--suggest").stdout
    assert tomllib.loads(text)["import"]["ignore"] == ["arm", "host"]
    assert '"arm",  # follows from the factors' in text
    assert '"host",  # another value in nearly every run' in text
    call("import", "runs.csv", "--suggest", "-o", "s.toml")
    assert json_of("import", "runs.csv", "--map", "s.toml")["completed"] == 12


def test_a_state_of_the_code_is_no_factor_and_may_explain_one(tmp_path):
    own = rows(git_commit=lambda row: "a1b2" if row["a"] == "on" else "c3d4")
    own = [{**row, "code/sha": f"{row['a']}0"} for row in own]
    table(tmp_path / "runs.csv", own)
    found = call("import", "runs.csv", "--suggest")
    assert [*tomllib.loads(found.stdout)["factors"]] == ["a", "b"]
    assert tomllib.loads(found.stdout)["import"]["ignore"] == ["git_commit", "code/sha"]
    assert "no commit has runs of two levels of a: what a level does cannot be told" in found.stderr
    table(tmp_path / "both.csv", rows(git_commit=lambda row: f"c{row['seed'] // 2}"))
    found = call("import", "both.csv", "--suggest")
    assert [*tomllib.loads(found.stdout)["factors"]] == ["a", "b"]
    assert "no commit has" not in found.stderr


def test_arms_are_listed_where_not_all_combinations_were_run(tmp_path):
    some = [row for row in rows() if (row["a"], row["b"]) != ("on", "yy")]
    table(tmp_path / "runs.csv", some)
    call("import", "runs.csv", "--suggest", "-o", "s.toml")
    assert [arm.name for arm in load_study("s.toml").arms] == [
        "a=off, b=x",
        "a=off, b=yy",
        "a=on, b=x",
    ]
    assert json_of("import", "runs.csv", "--map", "s.toml")["completed"] == 9


def test_without_the_first_levels_the_baseline_is_named(tmp_path):
    some = [row for row in rows() if (row["a"], row["b"]) != ("off", "x")]
    table(tmp_path / "runs.csv", some)
    call("import", "runs.csv", "--suggest", "-o", "s.toml")
    assert load_study("s.toml").reference.name == "a=off, b=yy"


def test_without_a_seed_runs_are_numbered_and_the_report_says_so(tmp_path):
    table(tmp_path / "runs.csv", [{k: v for k, v in r.items() if k != "seed"} for r in rows()])
    done = call("import", "runs.csv", "--suggest", "-o", "s.toml")
    assert "no seed is recorded" in done.stderr
    call("import", "runs.csv", "--map", "s.toml")
    session = Session(load_study("s.toml"))
    findings = session.findings(session.records())
    (said,) = caveats(findings)
    assert "No seed was recorded, so the runs of each arm are numbered by their start" in said
    assert "All arms have the same seeds" not in str(how_to_read(findings))
    # A table holds no times, and 0 seconds would be wrong.
    assert "trial_seconds" not in {metric.name for metric in findings.metrics}


def test_percent_is_seen(tmp_path):
    own = [{**row, "test_acc": 100 * row["test_acc"]} for row in rows()]
    table(tmp_path / "runs.csv", own)
    call("import", "runs.csv", "--suggest", "-o", "s.toml")
    assert "percent = true" in Path("s.toml").read_text()
    call("import", "runs.csv", "--map", "s.toml")


def test_where_takes_some_of_the_runs(tmp_path):
    twice = [{**row, "epochs": n, "id": f"{row['id']}-{n}"} for n in (5, 20) for row in rows()]
    table(tmp_path / "runs.csv", twice)
    assert set(suggested()["factors"]) == {"a", "b", "epochs"}
    found = suggested("--where", "epochs=20.0")
    assert (set(found["factors"]), found["trial"]["settings"]) == ({"a", "b"}, {"epochs": 20})


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--where", "epoch=5"], "there are no such runs. Received: epoch=5. Runs have a; b; id; "
         "seed; test_acc."),
        (["--where", "epochs"], "--where needs key=value. Received: epochs. Write for example "
         "--where epochs=20."),
        (["--from", "mlfow"], "--from names no kind of runs. Received: mlfow. Did you mean "
         "'mlflow'? There are "),
    ],
)  # fmt: skip
def test_options_that_fit_nothing_are_one_line(tmp_path, words, line):
    table(tmp_path / "runs.csv", rows())
    assert refused("import", "runs.csv", "--suggest", *words).startswith(line)


def test_runs_that_differ_in_nothing_are_refused(tmp_path):
    table(tmp_path / "runs.csv", [{**row, "a": "on", "b": "x"} for row in rows()])
    line = refused("import", "runs.csv", "--suggest")
    assert line.startswith(
        "nothing divides these 12 runs into groups as a factor would. Received: "
    )
    assert line.endswith("as in augment=on/seed=3.")


def test_runs_without_results_are_refused(tmp_path):
    table(tmp_path / "runs.csv", [{"a": row["a"], "seed": "zero"} for row in rows()])
    line = refused("import", "runs.csv", "--suggest")
    assert line.startswith("no metric that could be a result is recorded in half of the runs.")


@pytest.mark.parametrize("content", ["", "a,a\n1,2\n", "\x00\x01"])
def test_a_file_that_is_no_table_is_one_line(tmp_path, content):
    (tmp_path / "runs.csv").write_text(content)
    assert refused("import", "runs.csv", "--suggest")


def test_a_study_file_and_other_files_are_not_overwritten(tmp_path):
    table(tmp_path / "runs.csv", rows())
    call("import", "runs.csv", "--suggest", "-o", "s.toml")
    assert refused("import", "runs.csv", "--suggest", "-o", "s.toml") == (
        "the study file cannot be written. Received: s.toml: File exists. Name another path with -o."
    )
    (tmp_path / "s.jsonl").write_text("mine\n")
    assert refused("import", "runs.csv", "--map", "s.toml") == (
        "s.jsonl is there already, and is no earlier import of s. Received: a file that would be "
        "lost. Name another file with -o, or move this one away."
    )
    call("import", "runs.csv", "--map", "s.toml", "-o", "other.jsonl")
    call("import", "runs.csv", "--map", "s.toml", "-o", "other.jsonl")  # replaces its own
    assert (tmp_path / "s.jsonl").read_text() == "mine\n"
    call("gate", "s.toml", "--records", "other.jsonl")


def test_trials_that_were_recorded_elsewhere_are_not_trained(tmp_path):
    table(tmp_path / "runs.csv", rows())
    call("import", "runs.csv", "--suggest", "-o", "s.toml")
    line = "s: its trials were recorded by another tool and cannot be trained here. "
    assert refused("run", "s.toml").startswith(line)
    call("import", "runs.csv", "--map", "s.toml")
    assert refused("rerun", "s.toml").startswith(line)
    assert not Path("runs").exists()


def test_a_study_that_trains_its_trials_imports_none(study_path):
    table(Path("runs.csv"), rows())
    line = refused("import", "runs.csv", "--map", study_path.name)
    assert line.startswith("small.toml says of no run which trial it is. Received: trial.run = ")


def test_one_of_suggest_and_map_is_needed():
    assert "give --suggest for a study file" in call("import", "x", code=2).stderr


def test_what_is_not_there_is_one_line():
    line = refused("import", "nothing.db", "--suggest")
    assert line.startswith("there are no runs to import. Received: nothing.db. Name an mlflow.db")


def test_names_are_those_of_the_registry():
    names = [
        "test/acc",
        "Val Acc",
        "eval_loss",
        "epoch_accuracy",
        "val/sparse_categorical_accuracy",
    ]
    assert list(map(name_of, names)) == [
        "test_accuracy", "val_accuracy", "val_loss", "accuracy", "val_accuracy",
    ]  # fmt: skip
