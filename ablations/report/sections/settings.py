"""What the study was made of: the settings of each level, of all arms, and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Fold, Section, Table, present
from ablations.report.tables import make_table
from ablations.text.formatting import UNKNOWN, counted, setting


def settings(findings: Findings, _: Extras) -> Section:
    """Sets the settings that differ, and folds those that all arms share."""
    environment = environment_table(findings)
    blocks = present(
        level_table(findings),
        Fold("What all arms share", (shared_table(findings),)),
        Fold("Environment", (environment,)) if environment else None,
    )
    return Section("settings", "Settings", blocks)


def level_table(findings: Findings) -> Table:
    """One row per level of each factor: what it sets."""
    study = findings.study
    rows = [
        [factor.name, level.name, _settings(level.settings)]
        for factor in study.factors
        for level in factor.levels
    ]
    return make_table("What each level sets", ["factor", "level", "settings"], rows)


def _settings(own: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {setting(value)}" for key, value in own.items()) or "nothing"


def shared_table(findings: Findings) -> Table:
    """One row per setting that all arms share."""
    study = findings.study
    rows = [[key, setting(value)] for key, value in sorted(study.settings.items())]
    fixed = [["training function", study.entry], ["seeds", ", ".join(map(str, study.seeds))]]
    table = make_table("What all arms share", ["setting", "value"], [*fixed, *rows])
    return replace(table, titled=True)


def environment_table(findings: Findings) -> Table | None:
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
    return replace(make_table("Environment", ["fact", *names], rows), titled=True)
