"""Writes what was decided as a comment on a pull request, or a note on a merge request.

The first line is a mark that readers do not see: whoever posts the comment looks for the comment
that begins with it and replaces its text, so that there is one comment for each study, and one for
its history. GitHub's comments have at most 65,536 characters, GitLab's a million.
"""

from __future__ import annotations

from ablations.report.formats.checks.overview import overview
from ablations.text.judged import Judged

MOST_BYTES = 65_000


def pull_request(judged: Judged) -> dict[str, str | bytes]:
    """Returns the comment as one file."""
    what = "ablations" if judged.findings else "ablations history"
    mark = f"<!-- {what}: {judged.study.report_name} -->"
    return {"pull-request.md": overview(judged, most_bytes=MOST_BYTES, mark=mark)}
