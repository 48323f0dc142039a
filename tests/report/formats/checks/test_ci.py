"""Annotations, GitLab's reports and badges are what their readers take, whatever names hold."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from ablations.report.formats.checks.badge import badge
from ablations.report.formats.checks.github_annotations import github_annotations
from ablations.report.formats.checks.gitlab import gitlab
from ablations.text.judged import judged_decision


def lines(decision) -> list[str]:
    return str(github_annotations(judged_decision(decision))["github-annotations.txt"]).splitlines()


def test_what_failed_is_an_error_what_is_open_a_warning_and_the_verdict_a_notice(decision):
    kinds = [line.split()[0] for line in lines(decision)]
    assert kinds == ["::error", "::warning", "::notice"]
    assert lines(decision)[2] == (
        "::notice title=Cats or dogs%3A what did each step buy? – failed::Gates: 2 passed, 1 "
        "failed and 1 inconclusive."
    )


def test_each_line_is_one_command_of_ours(hostile):
    for line in lines(hostile):
        _, title, text = re.fullmatch(
            r"::(error|warning|notice) title=([^:,]*)::(.*)", line
        ).groups()  # type: ignore[union-attr]
        for part in (title, text):
            assert not re.search(r"%(?!25|3A|2C)|[\x00-\x1f]", part)
        assert "%250A" in title


def test_github_shows_ten_errors_so_the_tenth_counts_the_others(large):
    shown = lines(large)
    errors = [line for line in shown if line.startswith("::error")]
    assert len(errors) == 10
    assert re.search(r"::[\d\u202f]+ more checks: see the summary$", errors[-1])


def test_openmetrics_are_read_by_their_parser(hostile, decision):
    parser = pytest.importorskip(
        "prometheus_client.openmetrics.parser", reason="needs the package prometheus-client"
    )
    found = {
        family.name: family.samples
        for family in parser.text_string_to_metric_families(
            str(gitlab(judged_decision(decision))["metrics.txt"])
        )
    }
    assert [len(samples) for samples in found.values()] == [8, 6, 4]
    assert sum(sample.value for sample in found["ablations_gate_passed"]) == 2
    arm = decision.findings.arms[0]
    sample = found["ablations_mean"][0]
    assert sample.labels == {"arm": arm.arm.name, "metric": "test_accuracy"}
    assert sample.value == arm.mean("test_accuracy")
    assert (
        len(
            list(
                parser.text_string_to_metric_families(
                    str(gitlab(judged_decision(hostile))["metrics.txt"])
                )
            )
        )
        == 3
    )


def test_metrics_end_as_openmetrics_must(nothing, decide):
    text = str(gitlab(judged_decision(decide(nothing)))["metrics.txt"])
    assert text.endswith("# EOF\n")
    assert len(text.splitlines()) == 7


def issues(decision) -> list[dict]:
    return json.loads(gitlab(judged_decision(decision))["gl-code-quality-report.json"])


def test_code_quality_has_what_gitlab_requires(against):
    found = issues(against)
    assert len(found) == 10
    for issue in found:
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["description"]
        assert issue["check_name"]
        assert not issue["location"]["path"].startswith(("/", "."))
        assert issue["location"]["lines"]["begin"] == 1
    assert len({issue["fingerprint"] for issue in found}) == len(found)


def test_a_fingerprint_stays_when_only_the_numbers_change(decision, against, make, decide):
    other = decide(make(noise=0.007))
    first, second = ({i["fingerprint"] for i in issues(d)} for d in (decision, other))
    assert first & second
    assert first < {i["fingerprint"] for i in issues(against)}


def test_a_badge_names_the_study_and_the_verdict(decision):
    files = badge(judged_decision(decision))
    assert json.loads(files["badge.json"]) == {
        "schemaVersion": 1,
        "label": "cats-or-dogs",
        "message": "1 of 4 checks failed",
        "color": "#b42318",
    }
    drawing = ET.fromstring(str(files["badge.svg"]))
    texts = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["cats-or-dogs", "1 of 4 checks failed"]
    assert drawing.get("aria-label") == "cats-or-dogs: 1 of 4 checks failed"


def test_a_badge_without_gates_does_not_say_that_they_passed(decision):
    none = replace(decision, findings=replace(decision.findings, gates=()), code=0)
    shown = json.loads(badge(judged_decision(none))["badge.json"])
    assert (shown["message"], shown["color"]) == ("no gates", "#57606a")
