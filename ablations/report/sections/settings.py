"""What the study was made of (settings and environment), and how to run it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ablations.core.findings import Findings
from ablations.core.study import Study
from ablations.report.blocks import Code, Extras, Fold, Section, Table, present, prose
from ablations.report.tables import make_table
from ablations.report.words.imported import recorded_by
from ablations.text.formatting import UNKNOWN, counted
from ablations.text.naming import setting


def settings(findings: Findings, _: Extras) -> tuple[Section, ...]:
    """Shows the settings that differ, folds those that all arms share, and gives the commands."""
    environment = environment_table(findings)
    shared = "What all arms share" if findings.study.factors else "What is trained"
    blocks = present(
        level_table(findings.study),
        Fold(shared, (shared_table(findings),)),
        Fold("Environment", (environment,)) if environment else None,
    )
    return Section("settings", "Settings", blocks), _again(findings)


def _again(findings: Findings) -> Section:
    data = [f"Data: {', '.join(findings.data)}"] if findings.data else []
    code = Code(
        *((_PYTHON, "python") if findings.study.in_python else (_commands(findings), "console"))
    )
    return Section("again", "Do it again", (code, *prose(data, style="muted")))


def _commands(findings: Findings) -> str:
    study = findings.study.source or f"{findings.study.slug}.toml"
    commands: tuple[str, ...] = (
        f"ablations plan {study}    # arms, seeds and trials; trains nothing",
        f"ablations run {study}     # trains what is missing, then renders this report",
        f"ablations gate {study}    # the gates as an exit code",
    )
    if findings.study.imported:
        commands = (
            f"ablations import SOURCE --map {study}    # reads the runs again",
            f"ablations report {study}    # renders this report",
            commands[-1],
        )
    return "\n".join(commands)


_PYTHON = """\
study = ablations.make_study(…)    # as in the notebook or script that made this study
findings = ablations.run(study)    # trains what is missing
ablations.render_report(findings)  # this report"""


def level_table(study: Study) -> Table | None:
    """One row per level of each factor: what it sets; nothing of a study without factors."""
    if not study.factors:
        return None
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
    tool = recorded_by(findings)
    trained = ["recorded by", tool] if tool else ["training function", study.entry]
    fixed = [trained, ["seeds", ", ".join(map(str, study.seeds))]]
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
