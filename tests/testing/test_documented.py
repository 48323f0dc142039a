"""The example of docs/ci.md that reaches into arms does what it says."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from ablations.calls import run
from ablations.core.study import Study

DOCUMENT = Path(__file__).parents[2] / "docs" / "ci.md"


def test_the_example_of_arms_passes_and_names_an_arm_that_does_not_learn(study: Study):
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (own for own in blocks if "test_each_arm_learns" in own)
    names = {"pytest": pytest}
    exec(block, names)  # our own text
    findings = run(study, jobs=0)
    names["test_each_arm_learns"](findings)
    worst = findings.arms[0]
    summary = worst.summaries["test_accuracy"]
    low = dataclasses.replace(summary.interval, low=0.1)
    bad = {**worst.summaries, "test_accuracy": dataclasses.replace(summary, interval=low)}
    changed = (dataclasses.replace(worst, summaries=bad), *findings.arms[1:])
    with pytest.raises(AssertionError, match="off"):
        names["test_each_arm_learns"](dataclasses.replace(findings, arms=changed))
