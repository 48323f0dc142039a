"""Answers item 7 of the NeurIPS paper checklist, on statistical significance, for a study.

Source: NeurIPS Paper Checklist Guidelines, item 7, https://neurips.cc/public/guides/PaperChecklist.
"""

from __future__ import annotations

from collections.abc import Iterator

from ablations.core.findings import Findings
from ablations.report.words.glossary import method
from ablations.text.formatting import counted, listing, metric_name, sentence
from ablations.text.sentences import margin, untrained_sentence

TITLE = "Item 7 of the NeurIPS paper checklist"

_BARS = (
    "Neither: error bars are 95% intervals of the mean, from t × SD / √n below it to as much above "
    "it. That is 4.3 standard errors to each side with 3 seeds, 2.8 with 5 and 2.3 with 10. The "
    "sample SD (divided by n − 1) is the column sd of data/arms.csv and data/effects.csv."
)


def checklist(findings: Findings) -> str:
    """Returns the answers as Markdown, each under what the checklist asks for."""
    parts = (f"## {asked}\n\n{answer}\n" for asked, answer in _answers(findings))
    return "\n".join([f"# {TITLE}\n", *parts])


def _answers(findings: Findings) -> Iterator[tuple[str, str]]:
    yield (
        "Does the paper report error bars suitably and correctly defined, or other appropriate "
        "information about the statistical significance of the experiments?",
        _answer(findings),
    )
    yield "The factors of variability that the error bars capture", _variability(findings)
    yield "The method for calculating the error bars", _calculated(findings)
    yield "The assumptions made", _assumed(findings)
    yield "Standard deviation or standard error of the mean", _BARS
    yield "Trials that are in no error bar", _lost(findings)


def _answer(findings: Findings) -> str:
    name = metric_name(findings.metric.name)
    if all(effect.interval is None for effect in findings.effects):
        return (
            f"No. An interval needs two seeds at which arms differ in {name} by different amounts, "
            f"and {counted(len(findings.study.seeds), 'seed')} of this study have none such."
        )
    effects = counted(len(findings.effects), "effect")
    return (
        f"Yes. Each mean of {name} and each of {effects} has a 95% interval over seeds, beside its "
        "n, in report/ and in its data/arms.csv and data/effects.csv."
    )


def _variability(findings: Findings) -> str:
    seeds = counted(len(findings.study.seeds), "seed")
    drawn = (
        "what the training function draws from a seed: the split of the data where the study asks "
        "for one, their order, initial weights, augmentation and dropout, as far as it has them"
    )
    if findings.study.imported is not None:
        drawn = "what the runs of one arm differ in, which another tool recorded"
    sample = (
        " What another sample of test images would change is given apart, as the test set's noise."
        if any(arm.noise for arm in findings.arms)
        else ""
    )
    return (
        f"The intervals are over {seeds} and capture {drawn}. They do not capture the choice of "
        f"hyperparameters, of the data set or of the machine.{sample}"
    )


def _calculated(findings: Findings) -> str:
    family = max((effect.family_size for effect in findings.effects), default=0)
    limit = margin(findings)
    looks = (
        " Seeds were added after looks at the results, by a rule that was fixed before; the "
        "intervals allow for these looks."
        if findings.study.adaptive
        else ""
    )
    return (
        "Means: Student's t over seeds. Effects: the contrast of arms is taken within each seed, "
        "as all arms share the seeds, and has Student's t interval over seeds. Intervals that "
        f"decide are adjusted for {counted(family, 'comparison')} by {method(findings)}"
        f"{f', with a margin of {limit}' if limit else ''}.{looks} Formulas and sources: "
        "docs/statistics.md of ablations."
    )


def _assumed(findings: Findings) -> str:
    second = (
        " The report shows other methods beside them, which assume less."
        if any(effect.nonparametric for effect in findings.effects)
        else ""
    )
    return (
        "Seeds are independent of each other, and means over them are normal enough for Student's "
        "t: with few seeds this rests on differences without strong skew or outliers. Each seed is "
        f"a dot in the figures, so that a reader can see it.{second}"
    )


def _lost(findings: Findings) -> str:
    counts = {"failed": findings.n_failed, "without a record": findings.n_missing}
    lost = [f"{counted(n, 'trial')} {what}" for what, n in counts.items() if n]
    said = f"{sentence(listing(lost))}, of {counted(findings.n_planned, 'trial')}." if lost else ""
    untrained = untrained_sentence(findings) if findings.untrained_effects else ""
    return " ".join(filter(None, (said, untrained))) or "None: all trials completed."
