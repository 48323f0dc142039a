"""JUnit reports are read back by a parser of JUnit reports."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ablations.report.formats.checks.junit import junit
from ablations.text.judged import judged_decision

ATTRIBUTES = {
    "testsuites": {"name"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
    "system-out": set(),
}
"""What the schema of Maven Surefire knows."""


def read(decision) -> ET.Element:
    return ET.fromstring(junit(judged_decision(decision))["junit.xml"])


def outcomes(suite: ET.Element) -> Counter[str]:
    return Counter(child.tag for case in suite for child in case)


def test_each_gate_is_a_case_with_its_outcome_and_sentence(decision):
    gates, trials = read(decision)
    assert gates.get("name") == "cats-or-dogs.gates"
    assert outcomes(gates) == {"system-out": 2, "failure": 1, "skipped": 1}
    (failure,) = gates.iter("failure")
    assert failure.text == failure.get("message")
    assert "test accuracy is 87.4% [86.1, 88.6] over 3 seeds" in str(failure.text)
    (skipped,) = gates.iter("skipped")
    assert "The interval contains the threshold" in str(skipped.get("message"))
    assert outcomes(trials) == {"system-out": 8}


def test_the_past_has_a_suite_of_its_own(against):
    _, past, _ = read(against)
    assert past.get("name") == "cats-or-dogs.past"
    assert outcomes(past) == {"failure": 8}


def test_trials_that_failed_or_are_missing_are_errors_with_their_messages(failed, decide):
    *_, trials = read(decide(failed))
    (error,) = trials.iter("error")
    assert "2 failed and 1 not trained yet" in str(error.text)
    assert "ValueError: <b>bold</b>" in str(error.text)


def test_only_elements_and_attributes_that_consumers_know_and_counts_that_are_true(hostile):
    root = read(hostile)
    for element in root.iter():
        assert set(element.keys()) <= ATTRIBUTES[element.tag]
    for suite in root:
        found = outcomes(suite)
        counts = {name: int(suite.get(name, "")) for name in ("failures", "errors", "skipped")}
        assert counts == {
            "failures": found["failure"],
            "errors": found["error"],
            "skipped": found["skipped"],
        }
        assert int(suite.get("tests", "")) == len(suite)


def test_a_parser_of_junit_reports_reads_it(hostile, tmp_path: Path):
    reader = pytest.importorskip("junitparser", reason="needs the package junitparser")
    path = tmp_path / "junit.xml"
    path.write_bytes(bytes(junit(judged_decision(hostile))["junit.xml"]))
    suites = reader.JUnitXml.fromfile(str(path))
    own = {suite.name: (suite.tests, suite.failures, suite.errors) for suite in suites}
    slug = hostile.findings.study.slug
    assert own[f"{slug}.past"] == (4, 4, 0)
    for suite in suites:
        for case in suite:
            assert "\n" not in case.name
