"""What effects the present seeds can detect, and how many seeds a verdict needs."""

from __future__ import annotations

from ablations.core.estimates import SeedPlan
from ablations.core.findings import Findings
from ablations.report.blocks import Block, Extras, Section, Table, prose
from ablations.report.tables import make_table
from ablations.text import images
from ablations.text.formatting import count, metric_name, spread
from ablations.text.naming import effect_label
from ablations.text.sentences import NO_SEED_PLAN, far_seeds, margin, needed, saved


def seeds(findings: Findings, _: Extras) -> Section | None:
    """Shows the plan of seeds, where the spread over seeds is known."""
    known = [p for p in findings.plans if p.detectable[0] is not None or p.effect.trained]
    ended = findings.n_completed + findings.n_failed == findings.n_planned
    spent = [_spent(findings, findings.fixed_seeds)] if findings.fixed_seeds and ended else []
    if not known and not spent:
        return None
    lost = [NO_SEED_PLAN] if any(plan.effect.trained for plan in known) else []
    texts = (*spent, *((_text(findings), *lost, far_seeds(findings), _LIMIT) if known else ()))
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
    caption = "Seeds for no effect (80% / 90%) with the present test images, and with more"
    numeric = ["with the present ones", *larger]
    table = make_table(caption, ["effect", *numeric], cells, numeric=numeric, name="image-plan")
    return (*prose([images.advice(findings)]), table)


_LIMIT = (
    "These numbers are computed from the spread over the present seeds, and those as measured from "
    "the present estimate as well. With few seeds both are uncertain: plan for some more."
)


def _spent(findings: Findings, fixed: int) -> str:
    study = findings.study
    savings = saved(findings.n_planned, arms=len(study.arms), seeds=len(study.seeds), fixed=fixed)
    return (
        "Seeds were added one at a time, to the arms of effects that were still inconclusive. "
        f"{savings} The intervals of the effects are corrected for this look after each seed."
    )


def _text(findings: Findings) -> str:
    first = (
        "The smallest detectable effect is the true effect that 80 of 100 studies with the "
        "present number of seeds would call improved or regressed. How many seeds a verdict needs "
        "depends on the true effect, so two cases are given. As measured: with so many, 80 of 100 "
        "studies give the right verdict if the true effect is the present estimate."
    )
    if not margin(findings):
        return (
            f"{first} How many seeds would show that there is no effect has no answer without a "
            "margin: name the smallest effect that matters (smallest_effect_that_matters) in the "
            "study file."
        )
    return (
        f"{first} No effect: with so many, 80 of 100 call a change without effect "
        "equivalent, and at least as many call a change of twice the margin improved (the margin "
        f"is {margin(findings)} {metric_name(findings.metric.name)})."
    )


def _table(findings: Findings, known: list[SeedPlan]) -> Table:
    numeric = ["seeds", "detectable", "seeds, as measured", "time, as measured"]
    if margin(findings):
        numeric += ["seeds, no effect", "time, no effect"]
    rows = [[effect_label(findings, plan.effect), *_cells(plan)[: len(numeric)]] for plan in known]
    caption = "What the present seeds can detect, and how many a verdict needs (80% of studies)"
    return make_table(caption, ["effect", *numeric], rows, numeric=numeric, name="seed-plan")


def _cells(plan: SeedPlan) -> list[str]:
    return [
        count(plan.effect.n),
        spread(plan.detectable[0], plan.effect.metric.unit),
        *(cell for case in (plan.as_measured, plan.no_effect) for cell in needed(plan, case)[0]),
    ]
