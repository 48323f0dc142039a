"""Where records come from: every kind of source, for every command that reads records."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.calls import read_records, run_study
from ablations.cli.app import app
from ablations.core.past import Past
from ablations.errors import StoreError
from ablations.records import readers
from ablations.records.exports import write_jsonl
from ablations.records.readers import git_revision, read_records_of, read_source

DOCUMENT = Path(__file__).parents[3] / "docs" / "extending.md"
HEADING = "## A reader of other tools' runs"


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def records(study):
    return run_study(study, jobs=0)


def keys(found):
    return sorted(record.key for record in found)


def committed(*files: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "-f", *files], ["commit", "-qm", "before"]):
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def test_records_are_read_from_whatever_keeps_them(study, study_path, records):
    write_jsonl(records, Path("records.jsonl"))
    committed("records.jsonl", "runs/small/records.sqlite")
    sources = ("records.jsonl", "runs", "runs/small", "runs/small/records.sqlite",
               "HEAD:records.jsonl")  # fmt: skip
    for source in sources:
        assert keys(read_records_of(source, study)) == keys(records), source
        assert keys(read_records(study, runs_dir="none", source=source)) == keys(records), source
        done = call("gate", study_path, "--records", source, "--runs-dir", "none")
        assert done.exit_code == 0, source
        done = call("export", study_path, "--records", source, "--to", "again.jsonl")
        assert done.exit_code == 0, source
        assert Path("again.jsonl").read_bytes() == Path("records.jsonl").read_bytes(), source


def test_findings_are_no_records(study, study_path, records):
    assert call("report", study_path).exit_code == 0
    path = "reports/small/report.json"
    assert isinstance(read_source(path, study), Past)
    assert isinstance(read_source("reports", study), Past)
    text = str(call("gate", study_path, "--records", path).exception)
    assert text.startswith(f"{path} holds findings without their records. Received: ")


def test_findings_of_another_version_are_refused(study, study_path, records):
    assert call("report", study_path).exit_code == 0
    path = Path("reports/small/report.json")
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(StoreError, match=r"Received: schema: should be 1 to 1 \(2\)"):
        read_source(str(path), study)


@pytest.mark.parametrize("name", ["", "-x", "none.jsonl", "HEAD:none.jsonl", "none:none:none"])
def test_what_does_not_exist_is_one_line(study, name):
    with pytest.raises(StoreError, match=r"there are no records or findings to read\. Received: "):
        read_source(name, study)


def test_a_file_may_begin_with_a_byte_order_mark(study, records):
    path = Path("records.jsonl")
    write_jsonl(records, path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert keys(read_records_of("records.jsonl", study)) == keys(records)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\xef\xbb\xbf" + b"".join(lines[1:]))
    with pytest.raises(StoreError, match=r"records\.jsonl, line 2, is not a run record"):
        read_records_of("records.jsonl", study)


def documented() -> types.ModuleType:
    """Returns the reader of the document's worked example as a module."""
    part = DOCUMENT.read_text(encoding="utf-8").partition(HEADING)[2].partition("\n## ")[0]
    module = types.ModuleType("runs_csv")
    code, line = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    exec(code, module.__dict__)
    assert line.startswith("FILES = (")
    return module


@pytest.fixture
def runs_csv(monkeypatch):
    """Registers the worked example as its line in the registry does."""
    sqlite, report_json, jsonl = readers.FILES
    files = (sqlite, report_json, documented().READER, jsonl)
    monkeypatch.setattr(readers, "FILES", files)
    monkeypatch.setattr(readers, "READERS", (*files, git_revision.reader_of(files)))


def row(record) -> dict[str, object]:
    accuracy = next(m.value for m in record.metrics if m.name == "test_accuracy")
    return {
        "version": 1, "study": record.study, "function": record.entry, "seed": record.seed,
        "settings": json.dumps(record.settings), "data": record.data,
        "arm": json.dumps(dict(record.arm.levels)), "started": record.started_at,
        "seconds": record.seconds, "accuracy": repr(accuracy),
    }  # fmt: skip


def test_the_reader_of_the_document_reads_the_runs_of_another_tool(
    study, study_path, records, runs_csv
):
    rows = [row(record) for record in records]
    with Path("runs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert keys(read_records(study, source="runs.csv")) == keys(records)
    done = call("gate", study_path, "--records", "runs.csv", "--runs-dir", "none")
    assert done.exit_code == 0, done.output
    drifts = json.loads(call("gate", study_path, "--against", "runs.csv", "--json").stdout)
    accuracy = [d for d in drifts["drifts"] if d["metric"] == "test_accuracy"]
    assert {(drift["n"], drift["verdict"]) for drift in accuracy} == {(3, "equivalent")}
    assert call("export", study_path, "--records", "runs.csv", "--to", "r.jsonl").exit_code == 0
    assert keys(read_records_of("r.jsonl", study)) == keys(records)
    Path("runs.csv").write_text("version,seed\n2,0\n")
    with pytest.raises(StoreError, match=r"no table of runs. Received: version: should be 1 to 1"):
        read_records_of("runs.csv", study)
