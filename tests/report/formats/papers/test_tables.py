"""Tables for READMEs and spreadsheets hold the findings, and no one's markup or formula."""

from __future__ import annotations

import io
import re

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from ablations.report.formats.papers.csv import csv
from ablations.report.formats.papers.markdown_table import markdown_table
from ablations.report.formats.papers.parquet import parquet


def test_markdown_has_both_tables(decision):
    page = (
        MarkdownIt("commonmark").enable("table").render(str(markdown_table(decision)["tables.md"]))
    )
    assert page.count("<table>") == 2
    assert "<td>87.4% [86.1, 88.6]</td>" in page


def test_names_in_markdown_are_no_markup(hostile):
    page = (
        MarkdownIt("commonmark").enable("table").render(str(markdown_table(hostile)["tables.md"]))
    )
    assert set(re.findall(r"</?([a-z0-9]+)[^>]*>", page)) <= {
        "p", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    assert not re.search(r"@\w|://\w", page)


def test_csv_and_parquet_hold_the_same_numbers(decision):
    for name in ("arms", "effects"):
        one = pd.read_csv(io.StringIO(str(csv(decision)[f"{name}.csv"])))
        two = pd.read_parquet(io.BytesIO(bytes(parquet(decision)[f"{name}.parquet"])))
        assert list(one.columns) == list(two.columns)
        column = "mean" if name == "arms" else "estimate"
        assert one[column].tolist() == pytest.approx(two[column].tolist())


def test_no_cell_of_the_csv_is_a_formula(hostile):
    for text in csv(hostile).values():
        frame = pd.read_csv(io.StringIO(str(text)), dtype=str, keep_default_na=False)
        cells = [*frame.columns, *(cell for row in frame.to_numpy() for cell in row)]
        assert not [c for c in cells if re.match(r"[=+@\t\n]|-(?![\d.])", c)]


def test_a_study_that_has_not_run_has_no_rows(nothing, decide):
    assert csv(decide(nothing)) == {}
    assert parquet(decide(nothing)) == {}
