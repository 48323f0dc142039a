"""``--format`` of report and gate: what is written, what is refused, and that verdicts stay."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from ablations.cli.app import app

CLI = CliRunner()


def call(*arguments: object):
    return CLI.invoke(app, [str(argument) for argument in arguments])


def test_report_writes_the_formats_in_place_of_the_page(trained):
    page = Path("reports/small/index.html")
    before = page.stat().st_mtime_ns
    done = call("report", trained, "--format", "junit", "--format", "badge", "-o", "out")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.splitlines() == [
        "written: out/junit.xml",
        "written: out/badge.json",
        "written: out/badge.svg",
    ]
    assert page.stat().st_mtime_ns == before
    again = call("report", trained, "--format", "junit", "-o", "out")
    assert again.exit_code == 0, again.stderr


def test_gate_writes_them_beside_its_verdict_which_stays_the_same(trained):
    plain = call("gate", trained, "--json")
    done = call("gate", trained, "--json", "--format", "junit", "--out", "out")
    assert (done.exit_code, done.stdout) == (plain.exit_code, plain.stdout)
    suites = ET.parse("out/junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["small.gates", "small.trials"]


def test_gate_against_the_past_adds_its_judgements(trained):
    report = json.loads(Path("reports/small/report.json").read_text())
    del report["measured"]["checksum"]
    for arm in report["measured"]["arms"]:
        values = arm["values"]["test_accuracy"]
        arm["values"]["test_accuracy"] = {s: v + 0.2 + 0.001 * int(s) for s, v in values.items()}
    Path("better.json").write_text(json.dumps(report))
    done = call("gate", trained, "--against", "better.json", "--format", "pull-request", "-o", ".")
    assert done.exit_code == 1
    text = Path("pull-request.md").read_text()
    assert text.startswith("<!-- ablations: small -->\n### ✗ ")
    assert "Against better.json: 4 regressed" in text
    assert "- ✓ Gates: 2 passed." in text


def test_a_gate_that_fails_is_named_where_only_the_past_decides(trained, edit):
    edit("at_least = 0.6", "at_least = 0.99")
    asked = ("gate", trained, "--against", "reports/small/report.json")
    done = call(*asked, "--format", "badge", "-o", "out")
    assert done.exit_code == 0
    assert "a gate of the study fails as well, as these files say" in done.stderr
    assert "failed" in Path("out/badge.json").read_text()


@pytest.mark.parametrize("command", ["report", "gate"])
@pytest.mark.parametrize("half", [("--format", "junit"), ("-o", "out")])
def test_format_and_folder_belong_together(study_path, command, half):
    done = call(command, study_path, *half)
    assert done.exit_code == 2
    assert "--format and -o belong together" in done.stderr


def test_an_unknown_format_is_refused_before_anything_is_read(study_path):
    refused = call("report", study_path, "--format", "junti", "-o", "out")
    assert "Did you mean 'junit'?" in str(refused.exception)
    assert not Path("runs").exists()


def test_a_file_of_the_users_stays(trained):
    Path("junit.xml").write_text("mine")
    refused = call("report", trained, "--format", "junit", "-o", ".")
    assert "put there, or changed, by someone else" in str(refused.exception)
    assert Path("junit.xml").read_text() == "mine"


def test_a_self_test_writes_no_format(study_path):
    done = call("gate", study_path, "--self-test", "--format", "junit", "-o", "out")
    assert done.exit_code == 2
    assert "--self-test judges nothing that --format could write" in done.stderr


def test_a_study_that_has_not_run_has_formats_and_still_ends_with_4(study_path):
    done = call("report", study_path, "--format", "junit", "-o", "out")
    assert done.exit_code == 4
    suites = ET.parse("out/junit.xml").getroot()
    assert {child.tag for child in suites.iter() if child.tag in ("error", "failure")} == {"error"}
