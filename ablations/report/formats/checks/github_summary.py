"""Writes what was decided as the summary of a step of a GitHub workflow.

Append the file to ``$GITHUB_STEP_SUMMARY``. GitHub refuses a summary above 1 MiB. Source: GitHub
Docs, "Workflow commands for GitHub Actions", step isolation and limits.
"""

from __future__ import annotations

from ablations.report.formats.checks.overview import overview
from ablations.text.judged import Judged

MOST_BYTES = 1_000_000
"""Below GitHub's 1 MiB, with room for what else a step may add."""


def github_summary(judged: Judged) -> dict[str, str | bytes]:
    """Returns the summary as one file."""
    return {"github-summary.md": overview(judged, most_bytes=MOST_BYTES)}
