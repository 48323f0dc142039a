"""The numbers behind each figure as tidy tables, at full precision, for the CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablations.core.design import Arm
from ablations.core.estimates import Effect, Interval, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.report.blocks import DataFile
from ablations.text.naming import effect_factors, effect_label, effect_levels
from ablations.text.sheets import factor_columns, metric_columns, to_csv


def csv_file(name: str, frame: pd.DataFrame, *, link: str = "") -> DataFile:
    """Makes the file of a table; ``link`` names it where a table of the report links to it."""
    return DataFile(name, to_csv(frame), link)


def some_files(name: str, frame: pd.DataFrame) -> tuple[DataFile, ...]:
    """Makes the file of a table that has rows, and none of one that has not."""
    return () if frame.empty else (csv_file(name, frame),)


def trials_frame(findings: Findings) -> pd.DataFrame:
    """One row per record of a trial, in the order of arms and seeds."""
    names = dict.fromkeys(name for trial in findings.trials for name in trial.metrics)
    named, levels = _metrics_of(findings, list(names)), _levels(findings)
    rows = [
        levels[trial.arm]
        | {"seed": trial.seed, "key": trial.key, "status": trial.status, "trained": trial.trained}
        | {"reason": trial.reason, "started_at": trial.started_at, "seconds": trial.seconds}
        | {named[name]: value for name, value in trial.metrics.items()}
        for trial in findings.trials
    ]
    return pd.DataFrame(rows)


def _levels(findings: Findings) -> dict[Arm, dict[str, Any]]:
    """Returns each arm's level of each factor, by the factor's column."""
    columns = factor_columns(factor.name for factor in findings.study.factors)
    of_arms = {finding.arm: dict(finding.arm.levels) for finding in findings.arms}
    return {
        arm: {column: own.get(factor) for factor, column in columns.items()}
        for arm, own in of_arms.items()
    }


def _metrics_of(findings: Findings, names: Sequence[str]) -> dict[str, str]:
    """Returns the column of each metric."""
    factors = factor_columns(factor.name for factor in findings.study.factors)
    return metric_columns(names, factors.values())


def arms_frame(findings: Findings) -> pd.DataFrame:
    """One row per arm and metric."""
    levels = _levels(findings)
    rows = [
        levels[finding.arm]
        | {"metric": name, "unit": s.metric.unit, "n": s.n, "mean": s.mean, "sd": s.sd}
        | {"median": s.median, "min": s.minimum, "max": s.maximum}
        | both_ends("interval", s.interval)
        | _trained(finding, name)
        for finding in findings.arms
        for name, s in finding.summaries.items()
    ]
    return pd.DataFrame(rows)


def _trained(finding: ArmFinding, metric: str) -> dict[str, Any]:
    """Gives the reading over the seeds that trained its columns; empty where that is all seeds."""
    lost, found = len(finding.untrained), finding.over_trained(metric)
    return (
        {"n_untrained": lost if finding.training else None}
        | {"trained_mean": found.mean if found else None}
        | both_ends("trained_interval", found.interval if found else None)
    )


def both_ends(name: str, interval: Interval | None) -> dict[str, Any]:
    """Gives the two ends of an interval a column each; both empty if it is unknown."""
    low, high = ends(interval) or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def effects_frame(findings: Findings) -> pd.DataFrame:
    """One row per effect, with the factors that it moves and between which levels."""
    frame = pd.DataFrame([_effect_row(e, effect_label(findings, e)) for e in findings.effects])
    if not frame.empty:
        frame.insert(1, "factor", list(map(effect_factors, findings.effects)))
        frame.insert(2, "levels", list(map(effect_levels, findings.effects)))
    return frame


def simple_effects_frame(findings: Findings) -> pd.DataFrame:
    """One row per simple effect that is shown, with the level that the other factor stays at."""
    rows = []
    for effect in findings.simple_effects:
        (change,), ((factor, level),) = effect.changes, effect.given
        head = {"factor": change.factor, "level": change.level, "where": factor, "is": level}
        rows.append({**head, **_effect_row(effect, change.factor)})
    return pd.DataFrame(rows).drop(columns="effect", errors="ignore")


def _effect_row(effect: Effect, name: str) -> dict[str, Any]:
    return (
        {"effect": name, "kind": effect.kind, "metric": effect.metric.name, "n": effect.n}
        | {"estimate": effect.estimate, "sd": effect.sd}
        | both_ends("interval", effect.interval)
        | both_ends("adjusted", effect.adjusted)
        | {"trained_estimate": effect.trained.estimate if effect.trained else None}
        | both_ends("trained_adjusted", effect.trained.adjusted if effect.trained else None)
        | {"p": effect.p, "p_adjusted": effect.p_adjusted, "verdict": effect.verdict}
        | {"d_z": effect.d_z, "better_share": effect.better_share}
        | {f"seed_{seed}": value for seed, value in effect.per_seed}
    )


def interactions_frame(findings: Findings) -> pd.DataFrame:
    """One row per pair of factors, cell and seed."""
    (metric,) = _metrics_of(findings, [findings.metric.name]).values()
    rows = [
        {"factor_1": cell.factors[0], "level_1": cell.levels[0]}
        | {"factor_2": cell.factors[1], "level_2": cell.levels[1]}
        | {"seed": seed, metric: value}
        for cell in findings.cells
        for seed, value in cell.per_seed
    ]
    return pd.DataFrame(rows)


def curves_frame(findings: Findings) -> pd.DataFrame:
    """One row per arm, seed, metric and epoch."""
    curves = [(own.arm, curve) for own in findings.arms for curve in own.curves if curve.values]
    if not curves:
        return pd.DataFrame()
    names, levels = factor_columns(f.name for f in findings.study.factors), _levels(findings)
    sizes = [len(curve.values) for _, curve in curves]
    # Columns of a long table, rather than its rows, and each text once.
    columns: dict[str, Any] = {
        name: pd.Categorical([levels[arm][name] for arm, _ in curves]) for name in names.values()
    }
    columns["seed"] = [curve.seed for _, curve in curves]
    columns["metric"] = pd.Categorical([curve.metric for _, curve in curves])
    frame = pd.DataFrame(columns).loc[np.repeat(np.arange(len(curves)), sizes)]
    frame["epoch"] = np.concatenate([np.arange(1, size + 1) for size in sizes])
    frame["value"] = np.concatenate([curve.values for _, curve in curves])
    return frame


def steps_frame(findings: Findings) -> pd.DataFrame:
    """One row per arm and percentile of its step durations, in seconds."""
    rows = [
        dict(finding.arm.levels) | {"percentile": percentile, "step_seconds": value}
        for finding in findings.arms
        if finding.timing
        for percentile, value in enumerate(finding.timing.quantiles)
    ]
    return pd.DataFrame(rows)


def main_frames(findings: Findings) -> dict[str, pd.DataFrame]:
    """Returns the numbers of arms and effects by these names; one of no rows is left out."""
    frames = {"arms": arms_frame(findings), "effects": effects_frame(findings)}
    return {name: frame for name, frame in frames.items() if not frame.empty}
