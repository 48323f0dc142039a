"""Tables for people and spreadsheets: unique column names, and cells that are no formulas.

Two rules hold in every table, of `to_frames`, of `export` and beside a report. A factor named like
a fixed column of any table is called ``factor_NAME`` in all of them, a metric named like a fixed
column or a factor ``metric_NAME``. And in CSV, text that a spreadsheet would take for a formula has
an apostrophe before it. Source: OWASP, "CSV Injection",
https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FIXED = frozenset(
    {
        *("key", "study", "arm", "seed", "status", "reason", "started_at", "seconds"),
        *("epoch", "step", "warmup", "percentile", "step_seconds", "value"),
        *("metric", "unit", "n", "mean", "sd", "median", "min", "max"),
        *("interval_low", "interval_high", "factor_1", "level_1", "factor_2", "level_2"),
        *("trained", "n_untrained", "trained_mean", "trained_interval_low"),
        "trained_interval_high",
    }
)
"""The fixed columns of all tables that have a column for each factor or metric."""

_RISKY = re.compile(r"'*[=+\-@\t\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def factor_columns(factors: Iterable[str]) -> dict[str, str]:
    """Returns the column of each factor.

    Example:
        >>> factor_columns(["seed", "dropout"])
        {'seed': 'factor_seed', 'dropout': 'dropout'}
    """
    return _distinct_columns("factor", list(factors), FIXED)


def metric_columns(metrics: Iterable[str], factors: Iterable[str]) -> dict[str, str]:
    """Returns the column of each metric, beside the columns of the factors.

    Example:
        >>> metric_columns(["n", "accuracy"], ["dropout"])
        {'n': 'metric_n', 'accuracy': 'accuracy'}
    """
    return _distinct_columns("metric", list(metrics), FIXED.union(factors))


def _distinct_columns(kind: str, names: list[str], fixed: Collection[str]) -> dict[str, str]:
    taken = {*fixed, *names}
    found = {}
    for name in dict.fromkeys(names):
        column = name
        while column in fixed or (column != name and column in taken):
            column = f"{kind}_{column}"
        taken.add(column)
        found[name] = column
    return found


def to_csv(frame: pd.DataFrame) -> str:
    r"""Writes a table as CSV with full precision and the same bytes everywhere.

    To read the texts as they were, take away one apostrophe again:
    ``frame.replace(r"^'(?='*[=+@\t\n＝＋－＠-])", "", regex=True)``. A carriage return
    stays a line feed.
    """
    plain = frame.copy()
    for column in plain.columns[plain.dtypes.map(lambda kind: kind.kind not in "biufM")]:
        cells = plain[column]
        # A long table has few different texts; headings that are equal name a table, not a column.
        if cells.ndim == 1 and cells.dtype == "str":
            plain[column] = cells.map({cell: inert(cell) for cell in cells.unique()})
        else:
            plain[column] = cells.map(inert)
    plain.columns = plain.columns.map(inert)
    return plain.to_csv(index=False, lineterminator="\n")


def inert(cell: Any) -> Any:
    """Returns a cell that no spreadsheet takes for a formula; numbers stay, also those in text.

    Example:
        >>> [inert(cell) for cell in ("=1+1", "-1..1", "-1.5", "'=1", -1.5, "on")]
        ["'=1+1", "'-1..1", '-1.5', "''=1", -1.5, 'on']
    """
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r\n", "\n").replace("\r", "\n")  # which nothing puts into quotes
    return f"'{text}" if _RISKY.match(text) and not _NUMBER.fullmatch(text) else text
