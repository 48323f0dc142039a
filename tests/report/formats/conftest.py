"""Decisions of the made-up study: with every status, against a past, with hostile names, of 256 arms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ablations.core.findings import Decision, Findings
from ablations.core.past import Past, PastArm

Make = Callable[..., Findings]
Decide = Callable[..., Decision]
EVIL = (
    "@all #1 <script>alert(1)</script> ![x](http://evil) | `%0A::error::x`\n::error::y\r\x1b\x00]]>"
    '"&\\ \u2028\ud800 %0A http://evil www.evil.example :tada: $x_1^2$ {} ~ =cmd'
)
"""What names, titles and messages may hold."""


def past_of(findings: Findings, shift: float) -> Past:
    """The same study as it was, with each accuracy higher by about ``shift``."""
    arms = tuple(
        PastArm(arm.arm, {"test_accuracy": {s: v + shift * (1 + s / 10) for s, v in own.values}})
        for arm in findings.arms
        if (own := arm.summaries.get("test_accuracy"))
    )
    return Past("main:report.json", arms, findings.data, ())


@pytest.fixture(scope="session")
def decide() -> Decide:
    """Decides about findings, also against their past: ``decide(findings, shift=0.02)``."""
    from ablations.analyze.compare.gates import exit_code
    from ablations.analyze.compare.regression import compare_with_past, past_exit_code

    def decided(findings: Findings, shift: float | None = None) -> Decision:
        if shift is None:
            return Decision(findings, exit_code(findings))
        found = compare_with_past(findings, past_of(findings, shift))
        return Decision(findings, exit_code(findings), found, past_exit_code(found, findings))

    return decided


@pytest.fixture(scope="session")
def decision(findings: Findings, decide: Decide) -> Decision:
    """2 passed gates, 1 failed and 1 inconclusive."""
    return decide(findings)


@pytest.fixture(scope="session")
def against(findings: Findings, decide: Decide) -> Decision:
    """The same, against a past that was better by 2 pp."""
    return decide(findings, shift=0.02)


@pytest.fixture(scope="session")
def hostile(make: Make, decide: Decide) -> Decision:
    """A study whose title, factors, levels and messages are anything but names."""
    name = EVIL.replace("\ud800", "")  # which no study file can hold
    factors: dict[str, Any] = {name: {"off": {}, "on": {}}, "b": {"=1+1": {}, name: {}}}
    found = make(factors=factors, title=EVIL, question=EVIL)
    return decide(found, shift=0.02)


@pytest.fixture(scope="session")
def large(hostile: Decision) -> Decision:
    """256 arms, 1024 gates, and names of about 200 characters."""
    found = hostile.findings
    arms, gates = found.arms * 64, tuple(found.gates * 512)
    effects = found.effects * 100
    past = hostile.past and replace(hostile.past, changes=hostile.past.changes * 64)
    return replace(
        hostile, findings=replace(found, arms=arms, gates=gates, effects=effects), past=past
    )
