"""Makes the pages of a study's history, and the file of its numbers."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from ablations.report.formats.html import render_html
from ablations.report.site.contents import SiteStudy, StudyHistory
from ablations.report.site.histories.arm import arm_pages
from ablations.report.site.histories.chart import thumbnail
from ablations.report.site.histories.overview import overview
from ablations.text.commits.history import overview_alt

NUMBERS = "history.json"
"""All numbers of a history, beside its pages; a later build reads them in place of the history."""

THUMBNAIL = "thumbnail.svg"

_HISTORY = TypeAdapter(StudyHistory)


def history_pages(study: SiteStudy, _base_url: str | None) -> Mapping[str, str | bytes]:
    """Returns the overview of a history, a page for each arm and metric, and their numbers."""
    history = study.history
    if history is None:
        return {}
    folder = f"{study.place}/history"
    pages: dict[str, str | bytes] = {
        f"{folder}/{file}": render_html("arm.html.j2", page)
        for file, page in arm_pages(history).items()
    }
    pages[f"{folder}/index.html"] = render_html("history.html.j2", overview(history))
    pages[f"{folder}/{NUMBERS}"] = _HISTORY.dump_json(history) + b"\n"
    if study.report is None:
        series = history.found.series
        own = [each for each in series if each.metric == series[0].metric]
        pages[f"{folder}/{THUMBNAIL}"] = thumbnail(own, alt=overview_alt(history.found))
    return pages


def history_from(numbers: bytes) -> StudyHistory | None:
    """Returns a history from the file of its numbers; ``None`` if it holds no such thing."""
    try:
        return _HISTORY.validate_json(numbers)
    except ValidationError:
        return None
