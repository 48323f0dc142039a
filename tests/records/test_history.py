"""The files of a history: added to line by line, merged by git, checked when read."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ablations.core.design import Arm
from ablations.core.past import Commit
from ablations.core.record import Metric, RunRecord, known_metric
from ablations.errors import StoreError
from ablations.records.git import find_commit
from ablations.records.history import (
    add_lines,
    keep_commits,
    line_of,
    read_lines,
    size_of,
    studies_in,
)

FACTS = {"cpu": "A", "cores": "2", "numpy": "2.4"}


def commit(number: int, month: str = "2026-10") -> Commit:
    return Commit(f"{number:040x}", f"{month}-{number:02}T12:00:00+00:00")


def line(number: int, seed: int = 0, *, accuracy: float = 0.9, facts=FACTS, month="2026-10"):
    metrics = {
        "test_accuracy": known_metric("test_accuracy", accuracy),
        "reward": Metric("reward", 3.0, "count", "higher"),
        "lost": Metric("lost", float("nan")),
    }
    record = RunRecord(
        "k", "s", "m:f", Arm((("a", "on"),)), seed, {}, "d", "completed",
        "2026-10-01T00:00:00+00:00", 1.0, environment={**facts, "commit": "abc"},
    )  # fmt: skip
    return line_of(record, metrics, commit(number, month))


def test_lines_come_back_as_they_were_in_the_order_of_their_commits(tmp_path: Path):
    later, earlier = line(1, month="2026-11"), line(3)
    assert add_lines(tmp_path, "s", [later, earlier], [FACTS]) == 2
    assert read_lines(tmp_path, "s") == (earlier, later)
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [
        "2026-10.jsonl", "2026-11.jsonl", "environments.jsonl",
    ]  # fmt: skip
    assert earlier.metric("reward") == Metric("reward", 3.0, "count", "higher")
    assert earlier.metric("test_accuracy") == known_metric("test_accuracy", 0.9)
    assert earlier.metric("lost") is None
    assert studies_in(tmp_path) == ("s",)
    assert size_of(tmp_path, "s") > 400


def test_a_trial_is_kept_as_it_was_first_measured_on_a_machine(tmp_path: Path):
    add_lines(tmp_path, "s", [line(1)], [FACTS])
    before = (tmp_path / "s" / "2026-10.jsonl").read_bytes()
    again = [line(1, accuracy=0.1), line(1, facts=FACTS | {"numpy": "3"})]
    assert add_lines(tmp_path, "s", again, [FACTS]) == 0
    assert (tmp_path / "s" / "2026-10.jsonl").read_bytes() == before
    assert add_lines(tmp_path, "s", [line(1, facts=FACTS | {"cpu": "B"})], [FACTS]) == 1


def test_pandas_reads_a_month_in_one_line(tmp_path: Path):
    add_lines(tmp_path, "s", [line(1), line(1, 1)], [FACTS])
    frame = pd.json_normalize(
        pd.read_json(tmp_path / "s" / "2026-10.jsonl", lines=True).to_dict("records")
    )
    assert frame["metrics.test_accuracy"].tolist() == [0.9, 0.9]
    assert frame["arm.a"].tolist() == ["on", "on"]
    environments = (tmp_path / "s" / "environments.jsonl").read_text().splitlines()
    (own,) = map(json.loads, environments)
    assert own["environment"] == frame["environment"][0]


def test_two_branches_that_add_lines_are_merged_by_git(tmp_path: Path):
    def git(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    history = tmp_path / "history"
    git("init", "-qb", "main")
    add_lines(history, "s", [line(1)], [])
    git("add", "-A")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "other")
    add_lines(history, "s", [line(2)], [])
    git("commit", "-qam", "two")
    git("checkout", "-q", "main")
    add_lines(history, "s", [line(3)], [])
    git("commit", "-qam", "three")
    git("merge", "-q", "other")
    assert read_lines(history, "s") == (line(1), line(2), line(3))


@pytest.mark.parametrize(
    ("text", "said", "cure"),
    [
        ("<<<<<<< HEAD", "Invalid JSON", "Delete the lines that mark the conflict"),
        ('{"schema_version":1}', "study: Field required", "git checkout --"),
        ('{"schema_version":9}', "schema_version: Input should be 1", "git checkout --"),
        ("{", "Invalid JSON", "git checkout --"),
    ],
)
def test_a_line_that_is_none_is_named_with_its_place(tmp_path: Path, text, said, cure):
    add_lines(tmp_path, "s", [line(1)], [])
    path = tmp_path / "s" / "2026-10.jsonl"
    sound = path.read_text()
    path.write_text(f"{sound}{text}\n")
    with pytest.raises(StoreError) as caught:
        read_lines(tmp_path, "s")
    assert f"{path}:2 is no line of a history" in str(caught.value)
    assert said in str(caught.value)
    assert cure in str(caught.value)
    path.write_text(sound)  # the cure
    assert read_lines(tmp_path, "s") == (line(1),)


def test_the_cure_names_a_folder_with_a_colon_and_a_blank_as_a_shell_reads_it(tmp_path: Path):
    own = tmp_path / "of: us"
    add_lines(own, "s", [line(1)], [])
    path = own / "s" / "2026-10.jsonl"
    sound = path.read_text()
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    path.write_text("{}\n")
    for read in (read_lines, lambda *names: keep_commits(*names, [])):
        with pytest.raises(StoreError, match=f"{path}:1 is no line") as caught:
            read(own, "s")
        cure = str(caught.value).rpartition("out of git again: ")[2].removesuffix(".")
    subprocess.run(cure, shell=True, cwd=tmp_path, check=True, capture_output=True)
    assert path.read_text() == sound


def test_lines_of_another_study_with_the_same_arms_are_not_mixed_in(tmp_path: Path):
    add_lines(tmp_path, "s", [line(1)], [FACTS])
    other = replace(line(2), study="other")
    with pytest.raises(StoreError, match=r"lines of different studies\. Received: other, s\."):
        add_lines(tmp_path, "s", [other], [FACTS])
    assert read_lines(tmp_path, "s") == (line(1),)  # nothing was written
    add_lines(tmp_path, "other", [other], [FACTS])
    month = tmp_path / "s" / "2026-10.jsonl"
    both = month.read_text() + (tmp_path / "other" / "2026-10.jsonl").read_text()
    month.write_text(both)
    with pytest.raises(StoreError, match="in folders of their own, or, where the study was"):
        read_lines(tmp_path, "s")
    month.write_text(both.replace('"study":"s"', '"study":"other"'))  # as after a change of name
    assert read_lines(tmp_path, "s") == (replace(line(1), study="other"), other)


def test_values_that_are_no_numbers_or_dates_are_refused(tmp_path: Path):
    add_lines(tmp_path, "s", [line(1)], [])
    path = tmp_path / "s" / "2026-10.jsonl"
    sound = path.read_text()
    for old, new in (("0.9", "1e999"), ("2026-10-01T", "2026-13-01T"), ('"seed":0', '"seed":"x"')):
        assert old in sound
        path.write_text(sound.replace(old, new))
        with pytest.raises(StoreError, match="is no line of a history"):
            read_lines(tmp_path, "s")


@pytest.mark.parametrize("date", ["2026-10-02T01:00:00+02:00", "2026-10-01T23:00:00Z", "2026-10-01T23:00:00"])  # fmt: skip
def test_lines_are_sorted_by_their_moments_in_whichever_zone(tmp_path: Path, date: str):
    later = Commit(f"{2:040x}", "2026-10-01T23:30:00+00:00")
    logged = {"test_accuracy": known_metric("test_accuracy", 0.9)}
    record = RunRecord("k", "s", "m:f", Arm(()), 0, {}, "d", "completed", "", 1.0)
    add_lines(tmp_path, "s", [line_of(record, logged, later), line(1)], [])
    path = tmp_path / "s" / "2026-10.jsonl"
    path.write_text(path.read_text().replace("2026-10-01T12:00:00+00:00", date))
    moments = [own.committed_at for own in read_lines(tmp_path, "s")]
    assert moments == ["2026-10-01T23:00:00+00:00", later.date]


@pytest.mark.parametrize(
    ("unit", "better"), [("number", "neither"), ("number", "higher"), ("fraction", "lower")]
)
def test_a_built_in_name_keeps_the_unit_and_direction_that_were_logged(tmp_path, unit, better):
    logged = Metric("test_accuracy", 92.0, unit, better)
    record = RunRecord("k", "s", "m:f", Arm(()), 0, {}, "d", "completed", "", 1.0)
    own = line_of(record, {"test_accuracy": logged}, commit(1))
    add_lines(tmp_path, "s", [own], [])
    assert read_lines(tmp_path, "s")[0].metric("test_accuracy") == logged
    assert own.units == {"test_accuracy": (unit, better)}
    assert set(line(1).units) == {"reward"}  # what is built in needs none


def test_line_separators_in_names_and_other_line_ends_are_read(tmp_path: Path):
    odd = line(1)
    odd.arm["a"] = "one\u2028two\x85three"
    add_lines(tmp_path, "s", [odd], [])
    assert add_lines(tmp_path, "s", [odd], []) == 0
    path = tmp_path / "s" / "2026-10.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_lines(tmp_path, "s") == (odd,)


def test_some_commits_are_kept_and_the_others_go(tmp_path: Path):
    lines = [line(1), line(2), line(3), line(4, month="2026-11")]
    add_lines(tmp_path, "s", lines, [])
    assert keep_commits(tmp_path, "s", [commit(2).name]) == 3
    assert read_lines(tmp_path, "s") == (line(2),)
    assert not (tmp_path / "s" / "2026-11.jsonl").exists()


def test_a_commit_is_looked_up_in_git(tmp_path: Path):
    with pytest.raises(StoreError, match="git does not know this commit"):
        find_commit("HEAD", tmp_path)
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*words, "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*words, "commit", "-q", "--allow-empty", "-m", "x"], cwd=tmp_path, check=True)
    found = find_commit("HEAD", tmp_path)
    assert len(found.name) == 40
    assert found.date.endswith("+00:00")
    with pytest.raises(StoreError, match="Received: nowhere in"):
        find_commit("nowhere", tmp_path)
    late = {**os.environ, "GIT_COMMITTER_DATE": "@253402300800 +0000"}
    words += ["commit", "-q", "--allow-empty", "-m", "y"]
    subprocess.run(words, cwd=tmp_path, check=True, env=late)
    with pytest.raises(StoreError, match="cannot be read") as caught:
        find_commit("HEAD", tmp_path)
    assert "git commit --amend --date=now" in str(caught.value)
    cure = [*words[:5], "commit", "-q", "--allow-empty", "--amend", "--no-edit", "--date=now"]
    subprocess.run(cure, cwd=tmp_path, check=True)
    assert find_commit("HEAD", tmp_path).date > "2026"
