"""What the variance over seeds is made of: the test images, and the seed itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ablations.core.estimates import Interval, VarianceParts
from ablations.core.findings import Findings, Variances
from ablations.core.metrics import Unit
from ablations.report.blocks import Section, Table, present, prose
from ablations.report.tables import between, make_table
from ablations.text.formatting import count, counted, percent, spread
from ablations.text.naming import arm_label, effect_label

Row = tuple[str, Interval | None, VarianceParts]
"""A label, the interval over seeds, and the parts of the variance."""

OWN = (
    "Each seed draws its own test images, so the intervals over seeds are for other seeds and "
    "other images from the same data set. If two seeds share many of their images, the images’ "
    "share is smaller than given here."
)
SHARED = (
    "All seeds are tested on the same images. What these images do to all seeds alike is not in "
    "the variance over seeds, so the intervals over seeds are for these images only. The last "
    "column adds it: it is for other seeds and other images. The images’ share here is what more "
    "test images would remove: seeds give different answers to the same image."
)
SEED = (
    "The rest is due to the seed: the first weights, the order of the data, augmentation and, "
    "where the seed draws it, the split of the training images. The records do not show which "
    "images trained a network, so seed and split are counted together. Training a trial again "
    "with the same seed gives the same numbers (ablations rerun checks that), so it adds nothing."
)
BELOW_ZERO = (
    "Where the images’ part is estimated to be larger than the whole, the seed’s part would be "
    "below zero: it is shown as 0, and the images’ share as 100%."
)
LOST = (
    "Networks that did not train are included; that they differ from the others is counted as the "
    "seed’s part."
)
ADAPTIVE = (
    "Seeds were added until effects were decided. The intervals of the shares do not allow for "
    "that."
)


def variance(findings: Findings) -> Section | None:
    """Shows the parts of the variance over seeds, where the answers to test images are known."""
    found = findings.variances
    if found is None or not (rows := _rows(findings, found)):
        return None
    parts = [part for *_, part in rows]
    shared = {part.shared for part in parts}
    texts = [
        *_whole(found),
        SEED,
        *([OWN] if False in shared else []),
        *([SHARED] if True in shared else []),
        *([BELOW_ZERO] if any(part.exceeds for part in parts) else []),
        *([LOST] if any(arm.untrained for arm in findings.arms) else []),
        *([ADAPTIVE] if findings.study.adaptive else []),
    ]
    title = "What the variance over seeds is made of"
    return Section("variance", title, present(*prose(texts), _table(findings, rows)))


def _rows(findings: Findings, found: Variances) -> list[Row]:
    """Returns the effects, or the arms where no effect is known."""
    effects: list[Row] = [
        (effect_label(findings, effect), effect.interval, parts)
        for effect, parts in zip(findings.effects, found.effects, strict=True)
        if parts
    ]
    if effects:
        return effects
    name = findings.metric.name
    return [
        (arm_label(findings.study, arm.arm), arm.summaries[name].interval, parts)
        for arm, parts in zip(findings.arms, found.arms, strict=True)
        if parts and name in arm.summaries
    ]


def _whole(found: Variances) -> list[str]:
    """Says the share of the images, over all effects and over all arms."""
    effects, arms = len(found.effects), len(found.arms)
    over = "the effect" if effects == 1 else f"{counted(effects, 'effect')}, summed"
    of_arms = "the arm" if arms == 1 else f"{counted(arms, 'arm')}, summed"
    if (pooled := found.over_effects) is None:
        return [_sentence(f"accuracy ({of_arms})", found.over_arms)] if found.over_arms else []
    line = _sentence(f"the study’s effects ({over})", pooled)
    if found.over_arms:
        share = percent(found.over_arms.share)
        line += f" Of the variance of the arms’ own accuracies it is {share}."
    return [line]


def _sentence(what: str, parts: VarianceParts) -> str:
    low, high = percent(parts.bounds.low).rstrip("%"), percent(parts.bounds.high)
    seeds = counted(parts.n_seeds, "seed")
    return (
        f"Of the variance of {what} over seeds, {percent(parts.share)} is due to the limited "
        f"number of test images, {count(parts.n_images)} for each seed (95% interval {low} to "
        f"{high}, as {seeds} show a variance only roughly)."
    )


def _table(findings: Findings, rows: Sequence[Row]) -> Table:
    """One row per effect: its spread, the images' share of the variance, and the rest."""
    effects = bool(findings.variances and any(findings.variances.effects))
    numeric = ["sd over seeds", "images’ share of the variance", "95% interval of the share"]
    numeric += ["sd from the images", "sd from the seed"]
    whole = any(parts.whole for *_, parts in rows)
    numeric += ["95% over seeds", "95% over seeds and images"] if whole else []
    unit = findings.metric.unit
    cells = [
        [label, *_cells(parts, unit)]
        + [between(one, unit, signed=effects) for one in ((over, parts.whole) if whole else ())]
        for label, over, parts in rows
    ]
    caption = "The variance over seeds, and the part of it that the test images make"
    head = ["effect" if effects else "arm", *numeric]
    return make_table(caption, head, cells, numeric=numeric, name="variance")


def _cells(parts: VarianceParts, unit: Unit) -> list[str]:
    """Writes a spread and its parts: variances add up, standard deviations do not."""
    low, high = percent(parts.bounds.low).rstrip("%"), percent(parts.bounds.high)
    shares = (1.0, parts.share, 1 - parts.share)
    total, images, seed = (spread(math.sqrt(share * parts.total), unit) for share in shares)
    return [total, percent(parts.share), f"[{low}, {high.rstrip('%')}]%", images, seed]
