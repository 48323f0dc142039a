"""Writes what was decided as a JUnit report, which Jenkins, GitLab and most others show.

There is a case for each gate of each arm, for each comparison with the past or with the commits
before, and for each arm's trials. Each suite is valid by the schema of Maven Surefire, which
readers of such reports follow:
https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ablations.core.findings import GateStatus
from ablations.text.checks import Check
from ablations.text.escaping import one_line, printable
from ablations.text.judged import Judged

_ELEMENTS: dict[GateStatus, str] = {
    "failed": "failure",
    "incomplete": "error",
    "inconclusive": "skipped",
}
_SUITES = {"gate": "gates", "past": "past", "history": "history", "trials": "trials"}
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def junit(judged: Judged) -> dict[str, str | bytes]:
    """Returns the report as one file; a study that has not been trained has only errors."""
    study = judged.study
    root = ET.Element("testsuites", {"name": one_line(study.title)})
    for kind, name in _SUITES.items():
        if checks := judged.of_kind(kind):
            root.append(_suite(f"{study.report_name}.{name}", checks))
    ET.indent(root)
    return {"junit.xml": ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"}


def _suite(name: str, checks: Sequence[Check]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": name, "tests": str(len(checks))})
    for attribute, element in _COUNTED.items():
        own = sum(_ELEMENTS.get(check.status) == element for check in checks)
        suite.set(attribute, str(own))
    suite.set("time", "0")
    suite.extend(_case(name, check) for check in checks)
    return suite


def _case(suite: str, check: Check) -> ET.Element:
    title = one_line(f"{check.arm}: {check.rule}")
    case = ET.Element("testcase", {"classname": suite, "name": title, "time": "0"})
    if element := _ELEMENTS.get(check.status):
        found = ET.SubElement(case, element, {"message": one_line(check.text)})
        if element != "skipped":  # which has no type in the schema
            found.set("type", check.verdict)
        found.text = printable(check.text)
    else:
        ET.SubElement(case, "system-out").text = printable(check.text)
    return case
