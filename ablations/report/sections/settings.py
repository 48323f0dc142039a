"""Sets what the study was made of as tables: settings, environment and exhibits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablations.core.findings import Findings
from ablations.core.record import Table
from ablations.report.tables import make_table
from ablations.report.views import TableView
from ablations.text.formatting import UNKNOWN, count, counted, number, setting


def level_table(findings: Findings) -> TableView:
    """One row per level of each factor: what it sets."""
    study = findings.study
    rows = [
        [factor.name, level.name, _settings(level.settings)]
        for factor in study.factors
        for level in factor.levels
    ]
    return make_table("What each level sets", ["factor", "level", "settings"], rows)


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {setting(value)}" for key, value in settings.items()) or "nothing"


def shared_table(findings: Findings) -> TableView:
    """One row per setting that all arms share."""
    study = findings.study
    rows = [[key, setting(value)] for key, value in sorted(study.settings.items())]
    fixed = [["training function", study.entry], ["seeds", ", ".join(map(str, study.seeds))]]
    return make_table("What all arms share", ["setting", "value"], [*fixed, *rows])


def environment_table(findings: Findings) -> TableView | None:
    """One row per fact, one column per distinct environment."""
    found = findings.environments
    if not found:
        return None
    facts = sorted({key for environment, _ in found for key in environment})
    several = len(found) > 1
    names = [
        f"{f'{i}: ' if several else ''}{counted(n, 'trial')}"
        for i, (_, n) in enumerate(found, start=1)
    ]
    rows = [[fact, *(environment.get(fact, UNKNOWN) for environment, _ in found)] for fact in facts]
    return make_table("Environment", ["fact", *names], rows)


def exhibit_table(title: str, table: Table) -> TableView:
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
