"""What the reports about several studies have in common: folder, summary, card, and protection."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic_core import to_json

from ablations.core.metrics import MetricInfo
from ablations.core.several import Member
from ablations.errors import StudyError
from ablations.report.blocks import DataFile, Page
from ablations.report.figures.dots import DotPlot, thumbnail_figure
from ablations.report.figures.svg import draw, themed
from ablations.report.publish.summaries import SUMMARY

Kind = Literal["synthesis", "comparison"]

_LONGEST = 100
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def folder_name(kind: Kind, names: Sequence[str]) -> str:
    """Returns the name of the folder: that of all members, shortened where no folder can have it.

    Example:
        >>> folder_name("comparison", ["post-a", "post-c"])
        'comparison-post-a-post-c'
        >>> folder_name("comparison", ["post-a", "../new runs"])
        'comparison-post-a-new-runs-cd47fcf8'
    """
    whole = "-".join(names)
    if len(whole) <= _LONGEST and all(map(_PLAIN.fullmatch, names)):
        return f"{kind}-{whole}"
    digest = hashlib.sha256("\n".join(names).encode(errors="replace")).hexdigest()[:8]
    plain = "-".join(_PLAIN.findall(whole.lower()))
    return "-".join(filter(None, (kind, plain if len(plain) <= _LONGEST else "", digest)))


def card_of(
    page: Page, members: Sequence[Member], *, kind: Kind, metric: MetricInfo, picture: str
) -> dict[str, Any]:
    """Returns what the summary of such a report says first, as a site and a blog need it."""
    ended = [own.finished_at for own in members if own.finished_at]
    return {
        "schema": 1,
        "kind": kind,
        "slug": page.name,
        "title": page.title,
        "finished_at": max(ended, default=None),
        "metric": asdict(metric),
        "trials": {"completed": sum(own.n_completed for own in members)},
        "picture": picture,
        "studies": [
            {"name": own.name, "title": own.study.title, "seeds": list(own.seeds),
             "data": list(own.data)} for own in members
        ],
        "gates": [],
    }  # fmt: skip


def summary_files(
    card: Mapping[str, Any], numbers: DataFile, *, chart: DotPlot, alt: str
) -> dict[str, str | bytes]:
    """Returns the files that only such a report has: its summary, all its numbers, its card."""
    return {
        SUMMARY: to_json(card, indent=2) + b"\n",
        numbers.path: numbers.text,
        "figures/thumbnail.svg": themed(draw(thumbnail_figure(chart)), alt=alt),
    }


def require_kind(folder: Path, kind: Kind) -> None:
    """Makes sure that no report of another kind would be replaced.

    Raises:
        StudyError: if there is one.
    """
    path = folder / SUMMARY
    if path.is_file() and f'"kind": "{kind}"' not in path.read_text(encoding="utf-8"):
        raise StudyError(
            f"{folder} is another report",
            received=str(path),
            cure="Name another folder with --reports-dir",
        )
