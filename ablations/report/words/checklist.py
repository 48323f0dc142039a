"""Drafts answers to items 6, 7 and 8 of the NeurIPS paper checklist from a study's findings.

They state what this study did; ``TODO`` marks what only its author knows. Source: NeurIPS Paper
Checklist Guidelines, https://neurips.cc/public/guides/PaperChecklist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from ablations.core.findings import Findings
from ablations.core.metrics import PEAK_MEMORY_BYTES
from ablations.core.record import MACHINE
from ablations.report.words.glossary import method
from ablations.report.words.imported import recorded_by
from ablations.text.escaping import escape_markdown
from ablations.text.formatting import counted, listing, metric_name, number, sentence
from ablations.text.naming import setting
from ablations.text.sentences import margin, untrained_sentence

TITLE = "NeurIPS paper checklist: drafts for items 6, 7 and 8"

_ABOUT = "TODO marks what the records do not show. Name the section of your paper in each answer."

_BUILT_IN = "ablations.vision:train"

STUDENT = "Student, “The probable error of a mean”, Biometrika 6(1), 1908"
HOLM = (
    "Holm, “A simple sequentially rejective multiple test procedure”, Scandinavian Journal of "
    "Statistics 6(2), 1979"
)
DUNN = "Dunn, “Multiple comparisons among means”, JASA 56, 1961"
LOOKS = (
    "Jennison and Turnbull, “Interim analyses: the repeated confidence interval approach”, "
    "Journal of the Royal Statistical Society B 51(3), 1989"
)


def checklist(findings: Findings) -> str:
    """Returns the answers as Markdown, each under what the checklist asks for."""
    parts = (f"{heading}\n\n{answer}\n" for heading, answer in _answers(findings))
    return "\n".join([f"# {TITLE}\n", f"{_ABOUT}\n", *parts])


def _answers(findings: Findings) -> Iterator[tuple[str, str]]:
    yield "## 6. Experimental setting and details", _details(findings)
    yield "## 7. Statistical significance of the experiments", _answer(findings)
    yield "### The factors of variability that the error bars capture", _variability(findings)
    yield "### The method for calculating the error bars", _calculated(findings)
    yield "### The assumptions made", _assumed(findings)
    yield "### Standard deviation or standard error of the mean", _bars(findings)
    yield "### Trials that are in no error bar", _lost(findings)
    yield "## 8. Compute resources", _resources(findings)


def _details(findings: Findings) -> str:
    study = findings.study
    tool = recorded_by(findings)
    trained = f"recorded by {tool}" if tool else f"trained by {study.entry}"
    data = f", on the data {', '.join(findings.data)}" if findings.data else ""
    levels = [
        f"{factor.name} = {level.name}: {_set(level.settings) or 'sets nothing'}"
        for factor in study.factors
        for level in factor.levels
    ]
    lines = [
        f"Yes. All arms are {trained}{data}, with these settings:",
        "",
        *_bullets([_set({key: value}) for key, value in sorted(study.settings.items())]),
        "",
        "The levels of the factors set:",
        "",
        *_bullets(levels),
        "",
        "TODO: how these settings were chosen, and on which data.",
    ]
    return "\n".join(lines)


def _set(own: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {setting(value)}" for key, value in own.items())


def _bullets(lines: list[str]) -> list[str]:
    return [f"- {escape_markdown(line)}" for line in lines or ["none"]]


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
    study = findings.study
    seeds = counted(len(study.seeds), "seed")
    shared = {arm.noise.shared for arm in findings.arms if arm.noise}
    images = ""
    if shared == {True}:
        images = " All seeds have the same test images."
    elif shared == {False}:
        images = " Each seed draws its own test images."
    sample = (
        " What another sample of test images would change is given apart, as the test set's noise."
        if shared
        else ""
    )
    return (
        f"The intervals are over {seeds}, each a complete training of every arm. {_drawn(findings)}"
        f"{images} They do not capture the choice of hyperparameters, of the data set or of the "
        f"machine.{sample}"
    )


def _drawn(findings: Findings) -> str:
    """Says what differs between seeds, as far as that is known here."""
    if findings.study.imported is not None:
        tool = recorded_by(findings)
        return f"TODO: what differs between the runs of one arm, which {tool} recorded."
    if findings.study.entry == _BUILT_IN:
        return (
            "A seed draws first weights, the order of the training images, augmentation and "
            "dropout (TODO: leave out what your arms do not have)."
        )
    return f"TODO: what {findings.study.entry} draws from the seed, such as first weights."


def _calculated(findings: Findings) -> str:
    family = max((effect.family_size for effect in findings.effects), default=0)
    limit = margin(findings)
    looks = (
        " Seeds were added after looks at the results, by a rule that was fixed before; the "
        "intervals allow for these looks."
        if findings.study.adaptive
        else ""
    )
    within = f", with a margin of {limit} (TODO: why this margin)" if limit else ""
    adjusted = (
        f" Intervals that decide are adjusted for {counted(family, 'comparison')} by "
        f"{method(findings)}{within}."
        if family
        else ""
    )
    return (
        "Means: Student's t over seeds. Effects: the contrast of arms is taken within each seed, "
        f"as all arms share the seeds, and has Student's t interval over seeds.{adjusted}{looks} "
        f"Sources: {'; '.join(_sources(findings))}."
    )


def _sources(findings: Findings) -> Iterator[str]:
    """Yields the publications of the methods that this study's intervals are computed by."""
    yield STUDENT
    if not findings.effects:
        return
    named = method(findings)
    if "Bonferroni" in named:
        yield DUNN
    if "Holm" in named:
        yield HOLM
    if findings.study.adaptive:
        yield LOOKS


def _assumed(findings: Findings) -> str:
    second = (
        " The report shows other methods beside them, which assume less."
        if any(effect.nonparametric for effect in findings.effects)
        else ""
    )
    return (
        "Seeds are independent of each other, and means over them are normal enough for Student's "
        f"t: with {counted(len(findings.study.seeds), 'seed')} this rests on differences without "
        "strong skew or outliers. Each seed is a dot in the figures, so that a reader can see "
        f"it.{second}"
    )


def _bars(findings: Findings) -> str:
    """Says how many standard errors a bar has to each side, with as many seeds as arms have."""
    found = (arm.summaries.get(findings.metric.name) for arm in findings.arms)
    numbers = sorted({own.n for own in found if own and own.n > 1})
    if not numbers:
        return "Neither: there are no error bars, as an interval needs two seeds."
    each = [f"{_standard_errors(n)} standard errors with {counted(n, 'seed')}" for n in numbers]
    return (
        "Neither: error bars are 95% intervals of the mean, from t × SD / √n below it to as much "
        f"above it. That is {listing(each)}. The sample SD (divided by n − 1) is the column sd of "
        "data/arms.csv and data/effects.csv."
    )


def _standard_errors(n: int) -> str:
    from scipy import special

    return number(float(special.stdtrit(n - 1, 0.975)))


def _lost(findings: Findings) -> str:
    counts = {"failed": findings.n_failed, "without a record": findings.n_missing}
    lost = [f"{counted(n, 'trial')} {what}" for what, n in counts.items() if n]
    said = f"{sentence(listing(lost))}, of {counted(findings.n_planned, 'trial')}." if lost else ""
    untrained = untrained_sentence(findings) if findings.untrained_effects else ""
    return " ".join(filter(None, (said, untrained))) or "None: all trials completed."


def _resources(findings: Findings) -> str:
    """Says what was computed on, for how long, and what only the author can add."""
    times = [trial.seconds for trial in findings.trials]
    if not times:
        return "TODO: no trial has a record yet."
    shortest, typical, longest = (
        number(value, "seconds") for value in (min(times), median(times), max(times))
    )
    lines = [
        f"Yes. {sentence(counted(len(times), 'trial'))} took {number(sum(times), 'seconds')} in "
        f"all, with start-up and with those that failed: from {shortest} to {longest} each, half "
        f"of them {typical} or less.{_memory(findings)}",
        "",
        *_bullets([_machine(facts, n) for facts, n in findings.environments]),
        "",
        "TODO: which cluster or cloud, and whether trials that are not in this study took more.",
    ]
    return "\n".join(lines)


def _memory(findings: Findings) -> str:
    found = (arm.summaries.get(PEAK_MEMORY_BYTES) for arm in findings.arms)
    most = max((own.maximum for own in found if own and own.maximum is not None), default=None)
    return f" A worker held up to {number(most, 'bytes')} of memory." if most else ""


def _machine(facts: Mapping[str, str], n: int) -> str:
    known = [f"{fact} {facts[fact]}" for fact in MACHINE if fact in facts]
    return f"{counted(n, 'trial')}: {', '.join(known) or 'TODO: on which machine'}"
