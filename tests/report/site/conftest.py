"""Sites made by hand: a report, and a study whose first arm got worse and recovered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablations.analyze.history.judgement import judge_history
from ablations.core.findings import Findings
from ablations.records.history import Line
from ablations.report.formats.summary import card
from ablations.report.publish.summaries import FoundReport, Summary
from ablations.report.site.contents import Site, SiteStudy, StudyHistory
from ablations.text.commits.history import series_labels

SHIFTS = (0.0,) * 6 + (-0.04,) * 3 + (0.0,) * 3
"""How much the first arm's accuracy is off at each commit."""


def report_of(findings: Findings, place: str) -> FoundReport:
    summary = Summary.model_validate_json(json.dumps(card(findings, {})))
    return FoundReport(Path(place), place, summary)


@pytest.fixture
def past(findings: Findings) -> Callable[..., StudyHistory]:
    """Makes the history of a study whose first arm is off by so much at each commit."""
    study = replace(findings.study, smallest_effect_that_matters=0.01)

    def made(shifts=SHIFTS, **changed) -> StudyHistory:
        own = replace(study, **changed)
        rng = np.random.default_rng(0)
        lines = [
            Line(
                1, own.report_name, f"{place:040x}", f"2026-11-{place + 1:02}T09:00:00+00:00",
                dict(arm.levels), seed, "data", "machine", "environment",
                {"test_accuracy": 0.8 + 0.002 * rng.standard_normal() + (0 if i else shift)},
            )
            for place, shift in enumerate(shifts)
            for i, arm in enumerate(own.arms)
            for seed in range(5)
        ]  # fmt: skip
        found = judge_history(own, lines)
        return StudyHistory(
            own.report_name, own.title, own.question, series_labels(own, found), found
        )

    return made


@pytest.fixture
def site(findings: Findings, past: Callable[..., StudyHistory]) -> Site:
    """A site of one study with a report and a history, and one with a report alone."""
    other = replace(findings, study=replace(findings.study, slug="other", title="Another"))
    return Site([
        SiteStudy("cats-or-dogs", report_of(findings, "cats-or-dogs"), past()),
        SiteStudy("deep/other", report_of(other, "deep/other"), None),
    ])  # fmt: skip
