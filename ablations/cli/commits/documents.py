"""What ``history check --json`` prints."""

from __future__ import annotations

from typing import Any

from ablations.core.estimates import ends
from ablations.core.past import AllFailed, History, PastChange, SeriesFinding
from ablations.core.study import Study


def history_document(found: History, code: int) -> dict[str, Any]:
    """Returns what `history check` found."""
    return {
        "study": found.study,
        "exit_code": code,
        "commits": len(found.commits),
        "commit": found.commits[-1].name,
        "commits_on_other_data": found.n_other_data,
        "commits_on_other_machines": found.n_other_machines,
        "missing": found.missing,
        "arms_gone": [dict(arm.levels) for arm in found.gone],
        "machines": found.n_machines,
        "series": [_series_json(own) for own in found.series],
    }


def failed_document(study: Study, lost: AllFailed) -> dict[str, Any]:
    """Returns what it says where all trials of the present commit failed."""
    return {
        "study": study.report_name,
        "exit_code": 4,
        "commit": lost.commit.name,
        "failed": lost.n,
        "message": lost.message,
    }


def _series_json(own: SeriesFinding) -> dict[str, Any]:
    return {
        "arm": dict(own.arm.levels),
        "metric": own.metric.name,
        "kind": "ratio" if own.is_ratio else "difference",
        "before": own.before,
        "now": own.levels[-1].mean,
        "seeds": own.levels[-1].n,
        "states_before": own.n_before,
        "change": own.change,
        "interval": ends(own.interval),
        "margin": own.margin,
        "same_results": own.same,
        "untrained": own.untrained,
        "verdict": own.verdict,
        "changes": [_change_json(change) for change in own.changes],
    }


def _change_json(change: PastChange) -> dict[str, Any]:
    return {
        "commit": change.commit.name,
        "after": change.after.name,
        "latest": change.latest.name,
        "found": change.found.name,
        "change": change.change,
        "interval": ends(change.interval),
        "verdict": change.verdict,
        "vanished": change.vanished and change.vanished.name,
    }
