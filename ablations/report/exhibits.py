"""Sets what the training function showed: tables, pictures and histograms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ablations.core.findings import Findings
from ablations.core.record import Exhibit
from ablations.core.record import Table as ExhibitTable
from ablations.report.blocks import Figure, Image, Section, Table, present, prose
from ablations.report.data_files import csv_file
from ablations.report.figures.drawings import drawn
from ablations.report.figures.histograms import Bin, Histograms
from ablations.report.tables import make_table
from ablations.text.formatting import UNKNOWN, count, listing, number

_COLUMNS = ("series", "from", "to", "share")
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


def show(place: str, exhibits: Sequence[Exhibit]) -> tuple[Figure | Section, ...]:
    """Sets the exhibits of one place, ``study`` or ``arm-2``, each a section or a figure."""
    return tuple(
        _shown(exhibit, file_name(place, i, exhibit)) for i, exhibit in enumerate(exhibits, start=1)
    )


def is_picture(shown: Figure | Section) -> bool:
    """Says whether an exhibit is a picture or a figure, rather than a table."""
    return isinstance(shown, Figure) or any(isinstance(block, Image) for block in shown.blocks)


def file_name(place: str, number: int, exhibit: Exhibit) -> str:
    """Names the files of an exhibit, such as ``arm-2-1-augmented-copies``.

    Exhibits are named by anyone; only letters, digits and hyphens of a name reach a path, and the
    number keeps two of them apart.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", exhibit.name.lower()).strip("-")[:40]
    return f"{place}-{number}-{plain}".rstrip("-")


def _shown(exhibit: Exhibit, name: str) -> Figure | Section:
    chart, table, image = _histogram(name, exhibit), None, None
    if chart:
        return chart
    if exhibit.image_png:
        path = f"figures/exhibits/{name}.png"
        image = Image(path, exhibit.alt or exhibit.title, exhibit.image_png)
    if exhibit.table:
        table = replace(exhibit_table(exhibit.title, exhibit.table), titled=True)
    caption = prose([exhibit.caption], style="muted")
    return Section(f"exhibit-{name}", exhibit.title, present(*caption, image, table))


def _histogram(name: str, exhibit: Exhibit) -> Figure | None:
    """Draws an exhibit that asks for it and has the columns; else it is shown as a table."""
    table = exhibit.table
    if exhibit.chart != "histogram" or table is None or not table.rows or not _fits(table):
        return None
    data = _histograms(table)
    ends = listing(
        [
            f"{title}: {number(bins[0][0])} to {number(bins[-1][1])}"
            for title, bins in data.plots.items()
        ]
    )
    return drawn(
        data,
        name=name,
        headline=exhibit.title,
        reading=exhibit.caption,
        alt=f"Histogram of {exhibit.title}; {ends}.",
        table=exhibit_table(exhibit.title, table),
        data=csv_file(name, pd.DataFrame(table.rows, columns=list(table.columns))),
    )


def _fits(table: ExhibitTable) -> bool:
    numbers = (value for row in table.rows for value in row[1:])
    return table.columns == _COLUMNS and all(isinstance(v, int | float) for v in numbers)


def _histograms(table: ExhibitTable) -> Histograms:
    bins: dict[str, list[Bin]] = {}
    for series, start, end, share in table.rows:
        numbers = float(start or 0), float(end or 0), 100 * float(share or 0)
        bins.setdefault(str(series), []).append(numbers)
    return Histograms(bins, "share of values, %")


def exhibit_table(title: str, table: ExhibitTable) -> Table:
    """Sets a table that the training function gave."""
    numeric = [
        name
        for i, name in enumerate(table.columns)
        if all(isinstance(row[i], int | float | None) for row in table.rows)
    ]
    rows = [[_cell(value) for value in row] for row in table.rows]
    return make_table(title, table.columns, rows, numeric=numeric)


def _cell(value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return UNKNOWN if value is None else value
    return count(value) if isinstance(value, int) else number(value)
