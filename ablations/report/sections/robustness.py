"""The same effects by other measures and methods, folded."""

from __future__ import annotations

from ablations.core.checks import plain
from ablations.core.estimates import BOOTSTRAP_FROM, TESTS_FROM, Effect, ends
from ablations.core.findings import Findings
from ablations.report.blocks import Fold, Table, present, prose
from ablations.report.tables import bare_p, between, make_table
from ablations.text.formatting import UNKNOWN, Scale, count, counted, estimate, number
from ablations.text.naming import effect_label


def opinions(findings: Findings) -> Fold | None:
    """Shows effect sizes and other methods, where effects have a spread."""
    known = [e for e in findings.effects if e.d_z is not None or e.mixed is not None]
    if not known:
        return None
    blocks = present(*prose(_lines(known)), _table(findings, known))
    return Fold("The same effects by other measures", blocks)


def _lines(known: list[Effect]) -> list[str]:
    seeds = max(effect.n for effect in known)
    lines = [
        "The standardized effect is the mean effect divided by its standard deviation over seeds "
        "(paired d_z); with few seeds it tends to be too large. P(better) counts the seeds in "
        "which the change was better, with a tie as half a seed. Verdicts do not use these "
        "numbers, only the adjusted intervals above."
    ]
    if seeds < TESTS_FROM:
        least = Scale(1.0, 3, "").show(2 / 2**seeds)
        lines.append(
            f"Wilcoxon’s and the sign-flip test need {TESTS_FROM} seeds to reach p < 0.05. With "
            f"{counted(seeds, 'seed')} the smallest possible p is {least}."
        )
    elif seeds < BOOTSTRAP_FROM:
        lines.append(
            f"Below {BOOTSTRAP_FROM} seeds a bootstrap interval is much too narrow, so none is "
            "given."
        )
    if any(effect.mixed for effect in known):
        lines.append(
            "Some seeds lack an arm. The mixed model uses their other arms too, and assumes that "
            "all arms have the same spread and that what is missing is missing by chance."
        )
    return lines


def _table(findings: Findings, known: list[Effect]) -> Table:
    columns = ["effect", "standardized", "P(better)"]
    tested = any(effect.nonparametric for effect in known)
    columns += ["sign-flip p", "Wilcoxon p"] if tested else []
    bootstrapped = any(effect.nonparametric and effect.nonparametric.bca for effect in known)
    columns += ["BCa 95% interval"] if bootstrapped else []
    columns += ["mixed model", "its seeds"] if any(effect.mixed for effect in known) else []
    cells = [{**_cells(effect), "effect": effect_label(findings, effect)} for effect in known]
    rows = [[row[column] for column in columns] for row in cells]
    others = any(effect.nonparametric or effect.mixed for effect in known)
    caption = "Effect sizes and other methods, unadjusted" if others else "Effect sizes"
    return make_table(caption, columns, rows, numeric=columns[1:])


def _wins(effect: Effect) -> str:
    share = effect.better_share
    return UNKNOWN if share is None else f"{plain(share * effect.n)} of {effect.n}"


def _cells(effect: Effect) -> dict[str, str]:
    second, mixed, unit = effect.nonparametric, effect.mixed, effect.metric.unit
    shown = estimate(mixed.estimate, ends(mixed.interval), unit, signed=True) if mixed else ""
    return {
        "standardized": number(effect.d_z),
        "P(better)": _wins(effect),
        "sign-flip p": bare_p(second.sign_flip_p if second else None),
        "Wilcoxon p": bare_p(second.wilcoxon_p if second else None),
        "BCa 95% interval": between(second.bca if second else None, unit, signed=True),
        "mixed model": shown or UNKNOWN,
        "its seeds": count(mixed.n_seeds if mixed else None),
    }
