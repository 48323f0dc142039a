"""Builds a static site from the reports that there are."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablations.errors import StudyError
from ablations.formatting import day, gate_count
from ablations.report.folders import replaced
from ablations.report.templating import render_html
from ablations.report.views import Card, IndexPage
from ablations.report.writing import MARKER

SITE_MARKER = ".ablations-site"
"""Marks a folder as a site of ours, which the next build may replace."""

_HOME = '<nav class="home" aria-label="Site"><p><a href="../index.html">← All studies</a></p></nav>'


def build_site(reports_dir: Path, out: Path) -> Path:
    """Builds an index and a copy of every report, with relative links only.

    Args:
        reports_dir: Where `render_report` wrote its reports.
        out: Folder of the site; replaced as a whole if it is an earlier site or empty.

    Returns:
        The path of the site's ``index.html``.

    Raises:
        StudyError: if there is no report, or ``out`` holds something else.
    """
    reports = find_reports(reports_dir)
    cards = sorted(map(_card, reports.values()), key=lambda card: card.slug)
    dates = {summary["slug"]: summary["finished_at"] or "" for summary in reports.values()}
    cards.sort(key=lambda card: str(dates[card.slug]), reverse=True)
    with replaced(out, marker=SITE_MARKER) as fresh:
        for folder in reports:
            _copy(folder, fresh / folder.name)
        index = render_html("index.html.j2", IndexPage("Ablation studies", tuple(cards)))
        (fresh / "index.html").write_text(index, encoding="utf-8")
        (fresh / ".nojekyll").touch()
        (fresh / SITE_MARKER).touch()
    return out / "index.html"


def find_reports(reports_dir: Path) -> dict[Path, Mapping[str, Any]]:
    """Returns the summary of every report below a folder, by the report's own folder.

    Raises:
        StudyError: if there is none, or one cannot be read.
    """
    found = sorted(reports_dir.glob(f"*/{MARKER}")) if reports_dir.is_dir() else []
    reports = {p.parent: _summary(p) for p in found if not p.parent.name.startswith(".")}
    if not reports:
        raise StudyError(
            "there is no report to build from",
            received=str(reports_dir),
            cure="Render one first: 'ablations report STUDY'",
        )
    return reports


def _summary(path: Path) -> Mapping[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        ours = summary["slug"] == path.parent.name
    except (ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise StudyError(
            "this is not the summary of a report",
            received=str(path),
            cure="Render the report again: 'ablations report STUDY'",
        )
    return dict(summary)


def _copy(report: Path, target: Path) -> None:
    shutil.copytree(report, target)
    page = target / "index.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<!-- home -->", _HOME, 1), encoding="utf-8")


def _card(summary: Mapping[str, Any]) -> Card:
    statuses = Counter(gate["status"] for gate in summary["gates"])
    return Card(
        slug=summary["slug"],
        title=summary["title"],
        question=summary["question"],
        answer=tuple(summary["answer"]),
        date=day(summary["finished_at"]),
        gates=tuple((gate_count(n, status), status) for status, n in statuses.items()),
        alt=summary["picture"],
    )
