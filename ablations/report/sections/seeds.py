"""What effects the present seeds can detect, and how many seeds a verdict needs."""

from __future__ import annotations

from ablations.core.estimates import SeedPlan
from ablations.core.findings import Findings
from ablations.report.blocks import Block, Extras, Section, Table, prose
from ablations.report.tables import make_table
from ablations.text import images
from ablations.text.formatting import count, difference, metric_name
from ablations.text.naming import effect_label
from ablations.text.sentences import NO_SEED_PLAN, margin, saved, seeds_needed, time_needed


def seeds(findings: Findings, _: Extras) -> Section | None:
    """Shows the plan of seeds, where the spread over seeds is known."""
    known = [p for p in findings.plans if p.detectable[0] is not None or p.effect.trained]
    ended = findings.n_completed + findings.n_failed == findings.n_planned
    spent = [_spent(findings, findings.fixed_seeds)] if findings.fixed_seeds and ended else []
    if not known and not spent:
        return None
    lost = [NO_SEED_PLAN] if any(plan.effect.trained for plan in known) else []
    texts = (*spent, *((_text(findings, known), *lost, _LIMIT) if known else ()))
    tables = (_table(findings, known),) if known else ()
    blocks = (*prose(texts), *tables, *_more_images(findings))
    return Section("seeds", "How many seeds?", blocks)


def _more_images(findings: Findings) -> tuple[Block, ...]:
    """Shows how many seeds undecided effects need with more test images."""
    rows = images.seeds_by_images(findings)
    if not rows:
        return ()
    larger = [f"with {count(n)} test images" for n in images.sizes(findings)]
    cells = [
        [effect_label(findings, findings.plans[place].effect), now, *then]
        for place, now, then in rows
    ]
    caption = "Seeds needed (80% / 90%) with the present test images, and with more"
    numeric = ["with the present ones", *larger]
    table = make_table(caption, ["effect", *numeric], cells, numeric=numeric, name="image-plan")
    return (*prose([images.advice(findings)]), table)


_LIMIT = (
    "These numbers are computed from the spread over the present seeds. With few seeds this spread "
    "is itself uncertain: plan for some more."
)


def _spent(findings: Findings, fixed: int) -> str:
    study = findings.study
    savings = saved(findings.n_planned, arms=len(study.arms), seeds=len(study.seeds), fixed=fixed)
    return (
        "Seeds were added one at a time, to the arms of effects that were still inconclusive. "
        f"{savings} The intervals of the effects are corrected for this look after each seed."
    )


def _text(findings: Findings, known: list[SeedPlan]) -> str:
    first = (
        "The smallest detectable effect is the true effect that 80, or 90, of 100 studies with the "
        "present number of seeds would call improved or regressed."
    )
    if not margin(findings):
        return (
            f"{first} How many seeds would be enough has no answer without a margin: name the "
            "smallest effect that matters (smallest_effect_that_matters) in the study file."
        )
    if not _has_numbers(findings, known):
        return first
    return (
        f"{first} With the seeds needed, 80, or 90, of 100 studies call a change without effect "
        "equivalent, and at least as many call a change of twice the margin improved (the margin "
        f"is {margin(findings)} {metric_name(findings.metric.name)})."
    )


def _has_numbers(findings: Findings, known: list[SeedPlan]) -> bool:
    """Whether any effect has a number of seeds that a verdict needs, or needs no more."""
    return any(n is not None or (margin(findings) and p.decided) for p in known for n in p.seeds)


def _table(findings: Findings, known: list[SeedPlan]) -> Table:
    numeric = ["seeds", "detectable, 80%", "detectable, 90%"]
    if _has_numbers(findings, known):
        numeric += ["seeds needed, 80%", "needed, 90%", "more time, 80%", "more time, 90%"]
    rows = [[effect_label(findings, plan.effect), *_cells(plan)[: len(numeric)]] for plan in known]
    caption = "What the present seeds can detect, and how many a verdict needs"
    return make_table(caption, ["effect", *numeric], rows, numeric=numeric, name="seed-plan")


def _cells(plan: SeedPlan) -> list[str]:
    unit = plan.effect.metric.unit
    return [
        count(plan.effect.n),
        *(difference(effect, unit).lstrip("+") for effect in plan.detectable),
        *(seeds_needed(plan, n) for n in plan.seeds),
        *(time_needed(plan, seconds) for seconds in plan.seconds),
    ]
