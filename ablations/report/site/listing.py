"""Lists what a site holds, for programs: ``index.json``, whose fields docs/site.md describes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from ablations.core.past import PastChange
from ablations.report.site.addresses import address
from ablations.report.site.contents import ArmSeries, Site, SiteStudy, StudyHistory
from ablations.report.site.feed import FEED

LISTING = "index.json"
SCHEMA_VERSION = 1
"""Of the document; a field that is added leaves it as it is."""


def listing(site: Site) -> dict[str, str | bytes]:
    """Returns the studies of a site, the newest first. Addresses are relative to the document."""
    document = {
        "schema": SCHEMA_VERSION,
        "base_url": site.base_url,
        "feed": FEED,
        "studies": [_study(own) for own in site.studies],
    }
    return {LISTING: f"{json.dumps(document, indent=1)}\n"}


def _study(own: SiteStudy) -> dict[str, Any]:
    summary = own.summary
    gates = Counter(gate.status for gate in summary.gates) if summary else {}
    return {
        "place": own.place,
        "title": own.title,
        "question": own.question,
        "answer": summary.answer if summary else [],
        "changed_at": own.changed_at,
        "gates": dict(gates),
        "arms": [arm.words for arm in summary.arms] if summary else [],
        "report": address(None, own.page) if summary else None,
        "history": _history(own.place, own.history) if own.history else None,
    }


def _history(place: str, past: StudyHistory) -> dict[str, Any]:
    return {
        "page": address(None, f"{place}/history/index.html"),
        "commit": asdict(past.newest),
        "commits": len(past.found.commits),
        "series": [_series(f"{place}/history/{arm.file}", arm) for arm in past.arms],
    }


def _series(page: str, arm: ArmSeries) -> dict[str, Any]:
    return {
        "page": address(None, page),
        "arm": dict(arm.found.arm.levels),
        "label": arm.label,
        "metric": arm.found.metric.name,
        "verdict": arm.found.verdict,
        "changes": [_change(own) for own in arm.found.changes],
    }


def _change(own: PastChange) -> dict[str, Any]:
    return {
        "verdict": own.verdict,
        "commit": own.commit.name,
        "found": own.found.name,
        "vanished": own.vanished.name if own.vanished else None,
    }
