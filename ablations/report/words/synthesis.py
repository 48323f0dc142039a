"""Headlines and explanations of a synthesis."""

from __future__ import annotations

from ablations.core.several import PooledEffect, Synthesis
from ablations.text.formatting import counted, difference, sentence
from ablations.text.synthesis import pooled_label

LEAVE_ONE_OUT = (
    "If a result depends on a single study, it changes when that study is left out. With one study "
    "fewer an interval is wider even where nothing else changes."
)
SECOND_OPINION = (
    "Most meta-analyses weight studies by their precision (restricted maximum likelihood, modified "
    "Knapp-Hartung interval). With few seeds the precision itself is uncertain: of 100 simulated "
    "syntheses of five studies or more such intervals contain the true mean in 93 to 99, and the "
    "true spread between studies in as few as 74. So this analysis stands beside the first one and "
    "decides nothing. Its prediction is for the true effect in one more study."
)
TERMS = (
    (
        "Mean of the studies",
        "Each study counts the same, however many seeds it has: the question is what the change "
        "does in recipes like these, and a recipe trained more often is still one recipe.",
    ),
    (
        "95% interval",
        "Student's t over the studies (Hartung and Knapp). If other recipes of the same kind were "
        "studied many times, about 95 of 100 such intervals would contain the mean effect. It "
        "supposes that the studies are a fair sample of such recipes.",
    ),
    (
        "One more study",
        "Where one more study of this kind and size is expected to measure the effect, with 95% "
        "confidence. Wider than the interval of the mean, since recipes differ and seeds add "
        "noise.",
    ),
    (
        "SD between studies (tau)",
        "How much the true effects differ between studies, besides the noise of their seeds. With "
        "few studies its interval is wide, and 0 inside it means that the studies may all have "
        "the same effect.",
    ),
    (
        "I²",
        "The share of the variance of what the studies measure that comes from real differences "
        "between studies. It depends on how many seeds the studies have.",
    ),
)


def pooled_headline(synthesis: Synthesis) -> str:
    """Counts the effects that the studies show together."""
    shown = synthesis.effects or synthesis.simple_effects
    clear = sum(effect.side != 0 for effect in shown)
    if len(shown) == 1:
        return f"The studies together {'show' if clear else 'do not show'} the effect"
    return f"The studies together show {clear or 'none'} of {counted(len(shown), 'effect')}"


def forest_headline(synthesis: Synthesis, effect: PooledEffect) -> str:
    """Says what one effect is over all studies, and in how many it has the same direction."""
    mean, total = effect.pooled.estimate, len(effect.studies)
    same = sum((own.estimate > 0) == (mean > 0) and own.estimate != 0 for own in effect.studies)
    label = sentence(pooled_label(synthesis, effect))
    size = difference(mean, synthesis.metric.unit)
    return f"{label}: {size} on average, in the same direction in {same} of {total} studies"
