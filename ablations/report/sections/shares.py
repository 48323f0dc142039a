"""Divides the whole gain among the factors, with an interval for each share."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.report.blocks import Figure, Table
from ablations.report.data_files import both_ends, csv_file
from ablations.report.figures.charts import axis_label, effect_row
from ablations.report.figures.dots import DotPlot
from ablations.report.figures.drawings import drawn
from ablations.report.figures.headlines import dots_alt
from ablations.report.tables import between, make_table
from ablations.text.formatting import counted, difference, listing, metric_name, scale_for, sentence
from ablations.text.naming import effect_label
from ablations.text.sentences import signed_amount, size

READING = (
    "Each dot is a factor’s share within one seed, with mean and 95% interval below. A share is "
    "what the factor adds, averaged over all orders in which the factors can be added (Shapley "
    "value); the shares add up to the whole gain. They have no verdict."
)


def draw_shares(findings: Findings) -> Figure | None:
    """Draws each factor's share of the gain from the baseline to the full recipe."""
    known = [effect for effect in findings.shares if effect.estimate is not None]
    if not known:
        return None
    chart = _chart(findings, known)
    return drawn(
        chart,
        name="shares",
        headline=_headline(findings, known),
        reading=READING,
        alt=dots_alt(chart, "shares"),
        table=_table(findings, known),
        data=csv_file("shares", shares_frame(findings)),
    )


def _headline(findings: Findings, shares: list[Effect]) -> str:
    unit = findings.metric.unit
    total = sum(effect.estimate or 0.0 for effect in shares)
    ranked = sorted(shares, key=size, reverse=True)
    parts = [f"{effect_label(findings, e)} {signed_amount(e)}" for e in ranked]
    return f"From baseline to full recipe {difference(total, unit)}: {listing(parts)}"


def _chart(findings: Findings, shares: list[Effect]) -> DotPlot:
    metric = findings.metric
    scale = scale_for(metric.unit, [effect.estimate for effect in shares], signed=True)
    rows = [effect_row(sentence(effect_label(findings, effect)), effect) for effect in shares]
    return DotPlot(
        rows=tuple(replace(row, colour="blue", hollow=False) for row in rows),
        axis=axis_label(metric, scale, change=True),
        line=0.0,
        line_label="no share",
        factor=scale.factor,
    )


def _table(findings: Findings, shares: list[Effect]) -> Table:
    unit = findings.metric.unit
    numeric = [f"share of the change in {metric_name(findings.metric.name)}", "95% interval"]
    rows = [
        [
            sentence(effect_label(findings, effect)),
            signed_amount(effect),
            between(effect.interval, unit, signed=True),
        ]
        for effect in shares
    ]
    caption = f"Shares over {counted(shares[0].n, 'seed')}"
    return make_table(caption, ["factor", *numeric], rows, numeric=numeric)


def shares_frame(findings: Findings) -> pd.DataFrame:
    """One row per factor: its share, interval and the share of each seed."""
    return pd.DataFrame(
        [
            {"factor": effect.changes[0].factor, "metric": effect.metric.name, "n": effect.n}
            | {"share": effect.estimate, "sd": effect.sd}
            | both_ends("interval", effect.interval)
            | {f"seed_{seed}": value for seed, value in effect.per_seed}
            for effect in findings.shares
        ]
    )
