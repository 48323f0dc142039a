"""What each change does to the study's metric, with interval and verdict."""

from __future__ import annotations

from ablations.core.estimates import Effect
from ablations.core.findings import Findings
from ablations.report import data_files
from ablations.report.blocks import Extras, Section, Table, present
from ablations.report.figures.drawings import draw_effects
from ablations.report.sections.dependence import dependence
from ablations.report.sections.fraction import fraction
from ablations.report.sections.robustness import opinions
from ablations.report.sections.shares import draw_shares
from ablations.report.tables import bare_p, between, make_table
from ablations.text.evidence import effect_label
from ablations.text.formatting import count, difference, verdict


def effects(findings: Findings, _: Extras) -> Section | None:
    """Puts together all that is known of the effects, if the study has any."""
    if not findings.effects:
        return None
    blocks = present(
        draw_effects(findings),
        _table(findings),
        fraction(findings),
        dependence(findings),
        draw_shares(findings),
        opinions(findings),
    )
    return Section("effects", "Effects", blocks, heading="What each change buys")


def _table(findings: Findings) -> Table:
    """One row per effect: size, both intervals, adjusted p, verdict."""
    numeric = ["estimate", "95% interval", "adjusted interval", "adjusted p", "seeds"]
    rows = [
        [effect_label(findings, effect), *_numbers(effect), verdict(effect.verdict)]
        for effect in findings.effects
    ]
    return make_table(
        "Each effect, with its interval alone and adjusted for all comparisons",
        ["effect", *numeric, "verdict"],
        rows,
        numeric=numeric,
        name="effect",
        data=(data_files.effects_file(findings),),
    )


def _numbers(effect: Effect) -> list[str]:
    unit = effect.metric.unit
    return [
        difference(effect.estimate, unit),
        between(effect.interval, unit, signed=True),
        between(effect.adjusted, unit, signed=True),
        bare_p(effect.p_adjusted),
        count(effect.n),
    ]
