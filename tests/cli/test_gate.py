"""Held against the past, from the command line: what is read, what is refused, what it says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.plan import load_study
from ablations.records.sqlite.decoder import WHOLE
from ablations.records.sqlite.store import Store
from ablations.session import Session

CLI = CliRunner()


def call(*arguments: object):
    return CLI.invoke(app, [str(argument) for argument in arguments])


def drifts(*arguments: object) -> list[dict]:
    done = call("gate", *arguments, "--json")
    return json.loads(done.stdout)["drifts"]


def test_the_past_is_read_from_whatever_keeps_it(trained):
    places = ("records.jsonl", "runs", "runs/small", "runs/small/records.sqlite", "reports",
              "reports/small", "reports/small/report.json")  # fmt: skip
    for past in places:
        found = drifts(trained, "--against", past)
        accuracy = [drift for drift in found if drift["metric"] == "test_accuracy"]
        assert len(accuracy) == 4, past
        assert all(d["alike"] and d["verdict"] == "equivalent" for d in accuracy), past
        assert {d["n"] for d in accuracy} == {3}, past


def git(*arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def test_the_past_may_be_committed(trained):
    files = ("records.jsonl", "reports/small/report.json")
    git("init", "-q")
    git("add", "-f", *files)
    git("commit", "-qm", "before")
    for file in files:
        Path(file).unlink()
        found = drifts(trained, "--against", f"HEAD:{file}")
        assert {d["verdict"] for d in found if d["alike"]} == {"equivalent"}
    refused = call("gate", trained, "--against", "HEAD:nothing.jsonl")
    said = "there are no records or findings to read. Received: HEAD:nothing.jsonl"
    assert said in str(refused.exception)


def test_a_worse_recipe_fails_and_its_table_says_so(trained):
    report = json.loads(Path("reports/small/report.json").read_text())
    del report["measured"]["checksum"]
    for arm in report["measured"]["arms"]:
        values = arm["values"]["test_accuracy"]
        arm["values"]["test_accuracy"] = {
            seed: v + 0.2 + 0.001 * int(seed) for seed, v in values.items()
        }
        arm["values"]["trial_seconds"] = dict.fromkeys(values, 1.0)
    Path("better.json").write_text(json.dumps(report))
    done = call("gate", trained, "--against", "better.json")
    assert done.exit_code == 1
    assert "test accuracy, against better.json:" in done.stdout
    assert "▼\u00a0regressed" in done.stdout


def written_again(name: str, change: Callable[[dict], object]) -> str:
    """Writes the records into a file with their accuracies changed, each a dict of its facts."""
    lines = [json.loads(line) for line in Path("records.jsonl").read_text().splitlines()]
    for own in lines:
        own.pop("checksum", None)
        for metric in own["metrics"]:
            if metric["name"] == "test_accuracy":
                change(metric)
    Path(name).write_text("".join(f"{json.dumps(own)}\n" for own in lines))
    return name


def test_a_metric_without_a_better_direction_cannot_regress_and_the_gate_says_so(trained):
    undirected = {"unit": "number", "better": "neither"}
    now = written_again("now.jsonl", lambda m: m.update(undirected, value=m["value"] - 0.3))
    then = written_again("then.jsonl", lambda m: m.update(undirected))
    words = ("gate", trained, "--records", now)
    done = call(*words, "--against", then, "--format", "github-summary", "-o", "out")
    assert done.exit_code == 3
    said = (
        "no direction of test accuracy counts as better, so no change is a regression: report it "
        'with better="higher" or better="lower" (log.metric)'
    )
    assert said in done.stderr
    shown = Path("out/github-summary.md").read_text().replace("&quot;", '"').replace("\\", "")
    assert said[3:60] in shown
    tested = call(*words, "--self-test")
    assert (tested.exit_code, tested.stderr.strip()) == (3, f"unknown: {said}")
    cure = {"unit": "number", "better": "higher"}
    now = written_again(
        "now.jsonl", lambda m: m.update(cure, value=m["value"] - 0.3 + m["value"] / 50)
    )
    then = written_again("then.jsonl", lambda m: m.update(cure))
    assert call("gate", trained, "--records", now, "--against", then).exit_code == 1


def test_a_change_that_no_seed_varies_has_no_verdict_and_the_gate_says_why(trained):
    fixed = {"unit": "number", "better": "higher"}
    now = written_again("now.jsonl", lambda m: m.update(fixed, value=0.5))
    then = written_again("then.jsonl", lambda m: m.update(fixed, value=0.9))
    done = call("gate", trained, "--records", now, "--against", then)
    assert done.exit_code == 3
    assert "the seeds show no spread in the change of test accuracy, so it has no" in done.stderr
    assert "judge the value itself by a gate of the study (at_least or at_most)" in done.stderr
    trained.write_text(
        f'{trained.read_text()}\n[[gates]]\nmetric = "test_accuracy"\nat_least = 0.85\n'
    )
    assert call("gate", trained, "--records", now).exit_code == 1  # the cure


NO_ARMS = '{"measured": {"arms": [], "data": [], "environments": []}}'


def test_a_past_that_is_none_is_one_line(trained):
    path = Path("nothing.json")
    for content in ("", "[]", '{"measured": 3}', NO_ARMS):
        path.write_text(content)
        refused = str(call("gate", trained, "--against", path).exception)
        said = "has no arm of this study" if content == NO_ARMS else "holds no findings"
        assert said in refused
        assert "Received: " in refused
    report = json.loads(Path("reports/small/report.json").read_text())
    spoiled = {
        "nan": lambda m: m["arms"][0]["values"]["test_accuracy"].update({"0": float("nan")}),
        "list": lambda m: m.update(arms=[3]),
        "levels": lambda m: m["arms"][0].update(levels=[1, 2]),
        "seeds": lambda m: m["arms"][0]["values"].update(test_accuracy={"x": 1.0}),
        "facts": lambda m: m.update(environments=[3]),
    }
    for name, spoil in spoiled.items():
        document = json.loads(json.dumps(report))
        spoil(document["measured"])
        path.write_text(json.dumps(document))
        assert "holds no findings" in str(call("gate", trained, "--against", path).exception), name
    for odd in ("", "-x:y", "--output=evil:x", "HEAD:", "a:b:c"):
        said = str(call("gate", trained, f"--against={odd}").exception)
        assert "Received: " in said, odd
    lines = Path("records.jsonl").read_text().splitlines()
    for old, new in (
        ('"seed":0', '"seed":"abc"'),
        ('"metrics":[', '"metrics":["x",'),
        ('"data":""', '"data":[]'),
    ):
        Path("odd.jsonl").write_text(lines[0].replace(old, new, 1) + "\n")
        assert "is not a run record" in str(
            call("gate", trained, "--against", "odd.jsonl").exception
        ), new
    Path("deep.jsonl").write_text("[" * 100_000)
    assert "is not a run record" in str(call("gate", trained, "--against", "deep.jsonl").exception)
    refused = call("gate", trained, "--against", "no")
    assert "there are no records or findings to read" in str(refused.exception)


def test_other_data_are_refused_unless_one_insists(trained):
    report = json.loads(Path("reports/small/report.json").read_text())
    del report["measured"]["checksum"]
    report["measured"]["environments"] = [{"device": "another"}]
    Path("other.json").write_text(json.dumps(report))
    records = [json.loads(line) for line in Path("records.jsonl").read_text().splitlines()]
    for record in records:
        del record["checksum"]
        record["environment"]["device"] = "this"
    Path("here.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    asked = (trained, "--records", "here.jsonl", "--against", "other.json")
    refused = call("gate", *asked)
    assert "other device. Received: now device this; then device another." in str(refused.exception)
    done = call("gate", *asked, "--despite", "device", "--json")
    document = json.loads(done.stdout)
    assert document["drifts"]
    assert document["machines"]["then"] == ["device another"]
    assert "speeds are not compared: another machine" in done.stderr


def test_the_gate_tells_how_often_it_errs(study_path):
    call("run", study_path, "--seeds", 6, "--no-report", "--jobs", 2)
    done = call("gate", study_path, "--seeds", 6, "--self-test")
    assert done.exit_code == 0
    assert "the gate against itself: 1000 random halvings of 6 seeds an arm, 4 arms:" in done.stdout
    assert "nothing" in done.stdout
    document = json.loads(call("gate", study_path, "--seeds", 6, "--self-test", "--json").stdout)
    assert document["self_test"]["false_alarms"] <= 0.2
    few = call("gate", study_path, "--seeds", 3, "--self-test")
    assert few.exit_code == 3
    assert "each half needs two seeds" in few.stderr
    both = call("gate", study_path, "--self-test", "--against", "runs")
    assert both.exit_code == 2
    assert "--self-test excludes --against" in both.stderr


def test_an_adaptive_run_reads_each_record_once_while_it_trains(edit, monkeypatch):
    path = edit("seeds = 3", 'seeds = { at_least = 3, at_most = 6, until = "decided" }')
    read, seen = Store.records, []

    def counted(store, *, skip=0, parts=WHOLE):
        seen.append(len(found := read(store, skip=skip, parts=parts)))
        return found

    monkeypatch.setattr(Store, "records", counted)
    session = Session(load_study(path))
    session.run(session.trials, jobs=0)
    assert sum(seen) == 6 * 4
    assert len(seen) > 4


def test_an_adaptive_study_trains_until_it_knows_and_resumes(edit):
    path = edit("seeds = 3", 'seeds = { at_least = 3, at_most = 8, until = "decided" }')
    plan = call("plan", path).stdout
    assert "seeds 3 to 8, until each effect is decided" in plan
    done = call("run", path, "--jobs", 2)
    assert done.exit_code == 0, done.stderr
    status = json.loads(call("status", path, "--json").stdout)
    assert status["completed"] == status["planned"] == 8 * 4  # without spread none is decided
    assert status["to_do"] == []
    text = Path("reports/small/small.md").read_text()
    assert "Seeds were added one at a time" in text
    assert "--seeds would drop the allowance" in str(call("plan", path, "--seeds", 4).exception)
    assert "seeds are adaptive in this study" in call("power", path).stdout
    again = call("run", path, "--jobs", 2)
    assert "[1/" not in again.stderr
