"""Sets what the training function showed: tables, pictures and histograms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from ablations.core.findings import Findings
from ablations.core.record import Exhibit, Table
from ablations.report.figures.drawings import Drawn, Words, drawn
from ablations.report.figures.histograms import Histogram, Histograms, histogram_figure
from ablations.report.sections.settings import exhibit_table
from ablations.report.views import ExhibitView
from ablations.text.formatting import listing, number
from ablations.text.sheets import to_csv

_COLUMNS = ("series", "from", "to", "share")


@dataclass(frozen=True, slots=True)
class Shown:
    """Exhibits of one place as the page sets them, and the files beside it."""

    views: tuple[ExhibitView, ...] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict)


LEFT_OUT = (
    "Pictures that show examples of the data are left out of this report: they may not be ours "
    "to publish."
)


def without_samples(findings: Findings) -> Findings:
    """Leaves out what shows examples of the data."""
    arms = tuple(replace(arm, exhibits=_kept(arm.exhibits)) for arm in findings.arms)
    return replace(findings, arms=arms, exhibits=_kept(findings.exhibits))


def _kept(exhibits: Sequence[Exhibit]) -> tuple[Exhibit, ...]:
    return tuple(exhibit for exhibit in exhibits if not exhibit.sample)


def show(place: str, exhibits: Sequence[Exhibit]) -> Shown:
    """Sets the exhibits of one place: ``study``, or ``arm-2``."""
    views: list[ExhibitView] = []
    files: dict[str, str | bytes] = {}
    for i, exhibit in enumerate(exhibits, start=1):
        name = file_name(place, i, exhibit)
        chart = _histogram(name, exhibit) if exhibit.table else None
        views.append(_view(exhibit, name, chart))
        if exhibit.image_png:
            files[_image_path(name)] = exhibit.image_png
        if chart and exhibit.table:
            files[chart.view.file] = chart.svg
            files[chart.view.csv] = to_csv(_frame(exhibit.table))
    return Shown(tuple(views), files)


def file_name(place: str, number: int, exhibit: Exhibit) -> str:
    """Names the files of an exhibit, such as ``arm-2-1-augmented-copies``.

    Exhibits are named by anyone; only letters, digits and hyphens of a name reach a path, and the
    number keeps two of them apart.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", exhibit.name.lower()).strip("-")[:40]
    return f"{place}-{number}-{plain}".rstrip("-")


def _image_path(name: str) -> str:
    return f"figures/exhibits/{name}.png"


def _view(exhibit: Exhibit, name: str, chart: Drawn | None) -> ExhibitView:
    return ExhibitView(
        name=name,
        title=exhibit.title,
        caption=exhibit.caption,
        table=exhibit_table(exhibit.title, exhibit.table) if exhibit.table and not chart else None,
        image=_image_path(name) if exhibit.image_png else "",
        alt=exhibit.alt or exhibit.title,
        chart=chart.view if chart else None,
    )


def _histogram(name: str, exhibit: Exhibit) -> Drawn | None:
    """Draws an exhibit that asks for it and has the columns; else its table speaks for itself."""
    table = exhibit.table
    if exhibit.chart != "histogram" or table is None or not table.rows or not _fits(table):
        return None
    data = _histograms(table)
    ends = listing(
        [f"{p.title}: {number(p.bins[0][0])} to {number(p.bins[-1][1])}" for p in data.plots]
    )
    alt = f"Histogram of {exhibit.title}; {ends}."
    words = Words(name, exhibit.title, exhibit.caption, alt)
    return drawn(
        words,
        exhibit_table(exhibit.title, table),
        lambda width: histogram_figure(data, width),
    )


def _fits(table: Table) -> bool:
    numbers = (value for row in table.rows for value in row[1:])
    return table.columns == _COLUMNS and all(isinstance(v, int | float) for v in numbers)


def _histograms(table: Table) -> Histograms:
    bins: dict[str, list[tuple[float, float, float]]] = {}
    for series, start, end, share in table.rows:
        numbers = float(start or 0), float(end or 0), 100 * float(share or 0)
        bins.setdefault(str(series), []).append(numbers)
    plots = tuple(Histogram(title, tuple(own)) for title, own in bins.items())
    return Histograms(plots, "share of values, %")


def _frame(table: Table) -> pd.DataFrame:
    return pd.DataFrame(table.rows, columns=list(table.columns))
