"""What commands show: tables for people and JSON values for programs, not printed yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Column, Table
from rich.text import Text

from ablations.core.checks import plain
from ablations.core.design import Arm
from ablations.core.metrics import unit_of
from ablations.core.record import RunRecord
from ablations.core.study import Study, Trial
from ablations.errors import meant
from ablations.plan import Progress
from ablations.text import formatting, images, naming
from ablations.text.formatting import UNKNOWN
from ablations.text.naming import aliases, effect_label
from ablations.text.sentences import (
    NO_SEED_PLAN,
    far_seeds,
    fraction_sentences,
    margin,
    named_seeds,
    needed,
    other_code_sentence,
    revision_sentences,
    seedless_sentence,
)

if TYPE_CHECKING:
    from ablations.core.findings import Findings

_NUMBERS = frozenset({"seeds", "done", "failed", "to do", "judged", "n", "then", "now", "change"})

_GAP = 2
"""Characters between two columns."""

_SHOWN = 20
"""Seeds that a line lists."""
_LARGEST_MARGIN = 0.1
"""The largest margin of a fraction that is not asked about: below, hardly anyone means percent."""

STYLES = {
    "passed": "green", "failed": "bold red", "inconclusive": "yellow",
    "improved": "green", "regressed": "bold red", "equivalent": "green",
}  # fmt: skip
"""Of statuses and verdicts."""


def make_table(*columns: str, flexible: int = 0) -> Table:
    """Returns an empty table; columns that hold numbers are set to the right.

    Only the ``flexible`` column may be broken into lines, between words.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        justify: JustifyMethod = "right" if column in _NUMBERS else "left"
        table.add_column(Text(column), justify=justify, no_wrap=place != flexible)
    return table


def natural_width(table: Table) -> int:
    """Returns the width of a table, in characters, whose columns are as wide as their cells."""
    widths = (max(map(cell_len, _texts(column))) for column in table.columns)
    return sum(widths) + _GAP * (len(table.columns) - 1)


def fitted(table: Table, width: int) -> RenderableType:
    """Returns a table of `make_table` as it fits so many characters: nothing is cut off.

    Where it is too wide even with its flexible column broken, each row becomes a list of its cells.
    """
    flexible = next(column for column in table.columns if not column.no_wrap)
    texts = _texts(flexible)
    words = max(cell_len(word) for text in texts for word in (*text.split(), ""))
    saved = max(map(cell_len, texts)) - words
    return table if natural_width(table) - saved <= width else Group(*_listed(table))


def _texts(column: Column) -> list[str]:
    return [str(column.header), *map(str, column.cells)]


def _listed(table: Table) -> Iterator[Text]:
    """Yields each row as lines of its own: the first cell, and below it the others by name."""
    headers = [str(column.header) for column in table.columns]
    for row, cells in enumerate(zip(*(column.cells for column in table.columns), strict=True), 1):
        yield Text(str(cells[0]) or f"row {row}", style="bold", no_wrap=True, overflow="ignore")
        for header, cell in zip(headers[1:], cells[1:], strict=True):
            shown = cell if isinstance(cell, Text) else Text(str(cell))
            yield Text.assemble(f"  {header}: ", shown, no_wrap=True, overflow="ignore")


def plan_head(study: Study) -> list[str]:
    """Returns the lines above the table of a plan."""
    seeds = ", ".join(map(str, study.seeds[:_SHOWN]))
    if len(study.seeds) > _SHOWN:
        seeds += f" and {len(study.seeds) - _SHOWN} more"
    if bounds := study.adaptive:
        seeds = f"{bounds.at_least} to {bounds.at_most}, until each effect is decided"
    kind = study.design.kind if study.factors else "one arm"
    lines = [study.title, study.question, f"{kind}, seeds {seeds}"]
    return [*(line for line in lines if line), "", *fraction_lines(study)]


def note_lines(notes: Sequence[str]) -> list[str]:
    """Returns notes as lines, with an empty one below."""
    return [*(f"note: {note}" for note in notes), ""] if notes else []


def percent_questions(study: Study) -> list[str]:
    """Asks about bars, and a margin, that are percentages where fractions are meant."""
    questions = [
        f"gates[{place}] asks for a {gate.metric} of {plain(bar)}. If that is a percentage, and "
        f"the metric is reported as a fraction, write {plain(bar / 100)}"
        for place, gate in enumerate(study.gates)
        for bar in (gate.at_least, gate.at_most)
        if bar is not None and abs(bar) > 1 and unit_of(gate.metric) == "fraction"
    ]
    margin = study.smallest_effect_that_matters
    if margin > _LARGEST_MARGIN and unit_of(study.metric) == "fraction":
        questions.append(
            f"analysis.smallest_effect_that_matters is {plain(margin)}, which is "
            f"{plain(100 * margin)} percentage points: smaller effects are called equivalent. If "
            f"{plain(margin)} percentage points are meant, write {plain(margin / 100)}"
        )
    return questions


def fraction_lines(study: Study) -> list[str]:
    """Returns which effects a fractional design cannot separate; nothing for other designs."""
    if study.design.fraction is None:
        return []
    return [*fraction_sentences(study.design.fraction, len(study.arms)), ""]


def alias_table(study: Study) -> Table | None:
    """Returns one row for each estimate of a fractional design, with its aliases."""
    if study.design.fraction is None:
        return None
    table = make_table("the number for", "also contains", flexible=1)
    for found in study.design.fraction.sets:
        table.add_row(Text(" × ".join(found.factors)), Text(aliases(found)))
    return table


def arms_table(study: Study, trials: Sequence[Trial], progress: Progress) -> Table:
    """Returns one row an arm: its levels, seeds, and trials done and to do."""
    plan, to_do = (Counter(trial.arm for trial in own) for own in (trials, progress.to_do))
    table = make_table("", *(factor.name for factor in study.factors), "seeds", "done", "to do")
    baseline = study.arm_at(dict(study.baseline.levels))
    for arm in study.arms:
        planned, left = plan[arm], to_do[arm]
        mark = "baseline" if arm == baseline else "full" if arm == study.reference else ""
        mark = mark if study.factors else arm.name
        counts = (str(planned), str(planned - left), str(left))
        table.add_row(*(Text(text) for text in (mark, *study.level_names(arm, UNKNOWN), *counts)))
    return table


def progress_line(progress: Progress, *, trains: bool = True) -> str:
    """Returns the counts in one line, with the time still to go where ``run`` would train them."""
    line = f"{progress.completed} of {formatting.counted(progress.planned, 'trial')} done"
    if progress.failed:
        line += f", {progress.failed} failed"
    if progress.to_do and trains:
        left = (
            "unknown until a first trial is done ('plan --measure' trains two epochs of each arm)"
        )
        if progress.seconds_to_go is not None:
            left = formatting.duration(progress.seconds_to_go)
        line += f"; 'run' would train {len(progress.to_do)}, time to go: {left}"
    return line


def progress_text(progress: Progress, *, trains: bool = True) -> str:
    """Returns the same, with a line for each reason to doubt the completed trials."""
    lines = [progress_line(progress, trains=trains)]
    if progress.other_code:
        lines.append(f"note: {other_code_sentence(progress.other_code)}")
    if progress.seedless:
        lines.append(f"note: {seedless_sentence(progress.seedless)}")
    return "\n".join(lines)


def progress_json(
    study: Study, progress: Progress, untrained: Sequence[RunRecord] = ()
) -> dict[str, Any]:
    """Returns the plan and its counts as JSON values, with the trials that did not train."""
    return {
        "study": study.slug,
        "title": study.title,
        "threads": study.threads,
        "design": study.design.kind,
        "baseline": dict(study.baseline.levels),
        "arms": [dict(arm.levels) for arm in study.arms],
        "seeds": list(study.seeds),
        "planned": progress.planned,
        "completed": progress.completed,
        "failed": progress.failed,
        "to_do": [
            {"key": t.key, "arm": dict(t.arm.levels), "seed": t.seed} for t in progress.to_do
        ],
        "seconds_to_go": progress.seconds_to_go,
        "untrained": [{"key": r.key, "arm": dict(r.arm.levels), "seed": r.seed} for r in untrained],
    }


def metric_lines(study: Study, reported: Collection[str]) -> list[str]:
    """Returns a warning if trials have completed but none reported the study's metric."""
    if not reported or study.metric in reported:
        return []
    return [unreported_line(study.metric, reported, "which the study is about")]


def unreported_line(name: str, reported: Collection[str], use: str) -> str:
    """Says that a metric was not reported, what it is used for, and which metrics were."""
    cure = f"{meant(name, reported)}Reported are {', '.join(sorted(reported))}"
    return f"no trial reported '{name}', {use}. {cure}."


def thread_lines(study: Study, other: Mapping[int, int]) -> list[str]:
    """Returns which trials have a record only with other numbers of threads.

    Args:
        study: The study, with its own number of threads.
        other: How many trials, by the number of threads that they were recorded with.
    """
    return [
        f"{formatting.counted(trials, 'trial')} recorded with "
        f"{formatting.counted(threads, 'thread')}, not {study.threads}, which gives other numbers: "
        f"to use these records add --threads {threads} (in the study file: threads = {threads} "
        "under [trial]); otherwise 'run' trains these trials again"
        for threads, trials in other.items()
    ]


def failure_lines(study: Study, failures: Sequence[RunRecord]) -> list[str]:
    """Returns one line for each failed trial."""
    return [
        f"failed ({r.reason}): {naming.arm_label(study, r.arm)}, seed {r.seed}: {r.message}"
        for r in failures
    ]


def revisions_json(findings: Findings) -> list[dict[str, Any]]:
    """Returns what was changed after an interim analysis as JSON values."""
    return [{"kind": found.kind, "steps": list(found.steps)} for found in findings.revisions]


def untrained_lines(study: Study, untrained: Sequence[RunRecord]) -> list[str]:
    """Returns one line for each arm that has networks that did not train, which are given."""
    seeds: dict[Arm, list[int]] = {}
    for record in untrained:
        seeds.setdefault(record.arm, []).append(record.seed)
    return [
        f"did not train: {naming.arm_label(study, arm)}, {named_seeds(own)}: "
        "one class for every example (see the report)"
        for arm, own in seeds.items()
    ]


def power_head(findings: Findings) -> list[str]:
    """Returns the lines above the table of a plan of seeds, or in its place."""
    revisions = revision_sentences(findings)
    if findings.study.adaptive:
        adaptive = "seeds are adaptive in this study: they are added until each effect is decided"
        return [*revisions, adaptive]
    if not findings.study.factors:
        return [*revisions, "a study without [factors] has one arm, and no effects to plan for"]
    if not any(plan.effect.sd for plan in findings.plans):
        needs = "two seeds with different results are needed to estimate their spread"
        none = "" if findings.n_completed else "no trial has completed yet, and "
        return [*revisions, f"unknown: {none}{needs}"]
    lines = [
        "detectable: the smallest true effect that the present seeds would call improved or "
        "regressed, in 80 / 90 of 100 studies"
    ]
    asked, present = len(findings.study.seeds), max(plan.effect.n for plan in findings.plans)
    if present < asked:
        lines.append(f"the present seeds are {present} with results, and not the {asked} asked for")
    lines += _cases(findings)
    lost = [NO_SEED_PLAN] if any(plan.effect.trained for plan in findings.plans) else []
    far = [far] if (far := far_seeds(findings)) else []
    return [*revisions, *lines, *lost, *far, ""]


def _cases(findings: Findings) -> list[str]:
    """Says of both cases of the true effect what their numbers of seeds are."""
    if shown := margin(findings):
        metric = formatting.metric_name(findings.metric.name)
        return [
            f"as measured: so many seeds settle an effect on {metric} against the margin of "
            f"{shown} if the true effect is the present estimate",
            "no effect: so many call a change without effect equivalent, and one of twice the "
            "margin improved",
        ]
    return [
        "as measured: so many seeds show an effect of the size of the estimate",
        "no effect: unknown without a margin; set analysis.smallest_effect_that_matters",
    ]


def power_table(findings: Findings) -> Table:
    """Returns one row an effect: seeds now, what they can find, and what a verdict takes."""
    unit = findings.metric.unit
    table = make_table(
        "effect", "n", "detectable", "as measured", "more time", "no effect", "more time"
    )
    for plan in findings.plans:
        found = [formatting.spread(effect, unit) for effect in plan.detectable]
        pairs = [
            dict.fromkeys(pair) if plan.decided else pair
            for case in (plan.as_measured, plan.no_effect)
            for pair in zip(*needed(plan, case), strict=True)
        ]
        cells = (" / ".join(pair) for pair in (found, *pairs))
        table.add_row(Text(effect_label(findings, plan.effect)), str(plan.effect.n), *cells)
    return table


def image_lines(findings: Findings) -> list[str]:
    """Returns what more test images would change; nothing where that is unknown."""
    found = images.advice(findings)
    return ["", f"test images: {found[0].lower()}{found[1:]}", ""] if found else []


def image_table(findings: Findings) -> Table:
    """Returns one row for each undecided effect: its seeds, and those with more test images."""
    larger = (f"with {formatting.count(n)} images" for n in images.sizes(findings))
    table = make_table("effect", "seeds", *larger)
    for place, now, then in images.seeds_by_images(findings):
        label = effect_label(findings, findings.plans[place].effect)
        table.add_row(Text(label), *(Text(cell, justify="right") for cell in (now, *then)))
    return table


def power_json(findings: Findings) -> dict[str, Any]:
    """Returns the plan of seeds as JSON values."""
    return {
        "study": findings.study.slug,
        "metric": findings.metric.name,
        "margin": findings.study.smallest_effect_that_matters,
        "revisions": revisions_json(findings),
        "effects": [
            {
                "effect": effect_label(findings, plan.effect),
                "n": plan.effect.n,
                "decided": plan.decided,
                "sd": plan.effect.sd,
                "powers": list(plan.powers),
                "detectable": list(plan.detectable),
                "seeds": list(plan.no_effect.seeds),
                "seconds": list(plan.no_effect.seconds),
                "seeds_as_measured": list(plan.as_measured.seeds),
                "seconds_as_measured": list(plan.as_measured.seconds),
                "more_images": [
                    {"test_images": own.n_images, "seeds": list(own.seeds)}
                    for own in plan.more_images
                ],
            }
            for plan in findings.plans
        ],
    }
