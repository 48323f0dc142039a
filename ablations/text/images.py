"""How many seeds a verdict needs with more test images, in words: for reports and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablations.text.formatting import count

if TYPE_CHECKING:
    from ablations.core.findings import Findings


def sizes(findings: Findings) -> list[int]:
    """Returns the larger numbers of test images that any effect has a plan for."""
    return sorted({own.n_images for plan in findings.plans for own in plan.more_images})


def seeds_by_images(findings: Findings) -> list[tuple[int, str, list[str]]]:
    """Returns a row for each undecided effect: its place, and its seeds now and with each size.

    The seeds are those for the lower and the higher power: ``53 / 62``.
    """
    larger = sizes(findings)
    return [
        (place, _pair(plan.no_effect.seeds), [_pair(known.get(n, ())) for n in larger])
        for place, plan in enumerate(findings.plans)
        if plan.more_images
        for known in [{own.n_images: own.seeds for own in plan.more_images}]
    ]


def _pair(seeds: tuple[int | None, ...]) -> str:
    return " / ".join(count(n) for n in seeds) or count(None)


def advice(findings: Findings) -> str:
    """Says what more test images would change, and how to have them."""
    found = findings.variances
    if found is None or not sizes(findings):
        return ""
    parts = [parts for parts in found.effects if parts]
    now, held_out = min(part.n_images for part in parts), found.held_out
    text = (
        "More test images make the images’ part of the variance smaller, and so fewer seeds are "
        "enough."
    )
    if held_out == now:
        return (
            f"{text} All that is held out from training is tested on, so these would be new ones."
        )
    text += (
        " Set a larger number of test images in [trial.settings] of the study file; the training "
        "function’s documentation names the setting."
    )
    if held_out is None or held_out < now:
        return f"{text} Where all that is held out is tested on already, they must be new ones."
    return (
        f"{text} The {count(held_out - now)} validation images of a seed can be test images too "
        "if nothing is selected by them, neither an epoch nor an arm: then keep none for "
        f"validation. All {count(held_out)} are then the same for every seed where they are all "
        "that is held out, and the intervals are for these images only."
    )
