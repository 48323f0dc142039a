"""Puts a report together: the page in words, and the files that lie beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ablations.core.findings import Findings
from ablations.core.record import RunRecord
from ablations.report import data_files as frames
from ablations.report import tables
from ablations.report.contents import contents
from ablations.report.figures import headlines
from ablations.report.figures.drawings import Drawn, draw_all, draw_thumbnail, figures
from ablations.report.formats.summary import card
from ablations.report.sections import gates
from ablations.report.sections.answer import Answer, answer
from ablations.report.sections.chapters import Sources, draw_histories, tell, told_places
from ablations.report.sections.claims import draw_survivals, survival_frame, survival_part
from ablations.report.sections.costs import (
    cost_table,
    cost_table_reading,
    target_reading,
    target_table,
)
from ablations.report.sections.exhibits import LEFT_OUT, Shown, show, without_samples
from ablations.report.sections.fractions import fraction
from ablations.report.sections.glossary import how_to_read
from ablations.report.sections.interactions import dependence
from ablations.report.sections.noise import noise
from ablations.report.sections.reproduction import comparisons, draw_published, published_frame
from ablations.report.sections.robustness import opinions
from ablations.report.sections.seeds import seeds
from ablations.report.sections.settings import environment_table, level_table, shared_table
from ablations.report.sections.shares import draw_shares, shares_frame
from ablations.report.sections.untrained import networks
from ablations.report.views import ExhibitView, ReportPage
from ablations.text.evidence import effect_label
from ablations.text.formatting import arm_label, counted, day
from ablations.text.sheets import to_csv


@dataclass(frozen=True, slots=True)
class Report:
    """A page, and all files beside it by their path."""

    page: ReportPage
    files: Mapping[str, str | bytes]


@dataclass(frozen=True, slots=True)
class Material:
    """All that a page is put together from, besides its tables."""

    said: Answer
    figures: Mapping[str, Drawn]
    histories: Mapping[int, Drawn]
    exhibits: Mapping[str, Shown]
    left_out: str
    origin: Mapping[str, Any]

    @property
    def drawings(self) -> tuple[Drawn, ...]:
        """Every figure that is a file of its own."""
        return (*self.figures.values(), *self.histories.values())


def make_report(
    findings: Findings,
    records: Sequence[RunRecord],
    *,
    samples: bool = True,
    origin: Mapping[str, Any] | None = None,
) -> Report:
    """Makes the words, figures and files of a report; ``origin`` tells where its study lies."""
    shown = findings if samples else without_samples(findings)
    drawn = [*draw_all(shown), draw_published(shown), draw_survivals(shown), draw_shares(shown)]
    material = Material(
        said=answer(shown),
        figures={drawing.view.name: drawing for drawing in drawn if drawing},
        histories=draw_histories(shown),
        exhibits=_exhibits(shown),
        left_out="" if samples else LEFT_OUT,
        origin=origin or {},
    )
    page = _page(shown, records, material)
    page = replace(page, contents=contents(page))
    return Report(page, _files(shown, records, material))


def _exhibits(findings: Findings) -> dict[str, Shown]:
    """Returns the exhibits of the study, and of each arm as ``arm-1``, ``arm-2`` and so on."""
    own = {f"arm-{i}": arm.exhibits for i, arm in enumerate(findings.arms, start=1)}
    places = {"study": findings.exhibits, **own}
    return {place: show(place, exhibits) for place, exhibits in places.items()}


def _files(
    findings: Findings, records: Sequence[RunRecord], material: Material
) -> dict[str, str | bytes]:
    written: dict[str, str | bytes] = {**_data(findings, records)}
    for shown in material.exhibits.values():
        written.update(shown.files)
    written.update({drawing.view.file: drawing.svg for drawing in material.drawings})
    summary = json.dumps(
        card(findings, material.said, material.origin), indent=2, ensure_ascii=False
    )
    written["figures/thumbnail.svg"] = draw_thumbnail(findings)
    written["report.json"] = f"{summary}\n"
    return written


def _page(findings: Findings, records: Sequence[RunRecord], material: Material) -> ReportPage:
    return ReportPage(
        slug=findings.study.report_name,
        title=findings.study.title,
        question=findings.study.question,
        facts=_facts(findings),
        answer=material.said.sentences,
        alarm=material.said.alarm,
        caveats=material.said.caveats,
        figures=figures(list(material.figures.values())),
        arm_table=tables.arm_table(findings),
        effect_table=tables.effect_table(findings),
        fraction=fraction(findings),
        simple=dependence(findings),
        shares=shares.view if (shares := material.figures.get("shares")) else None,
        opinions=opinions(findings),
        noise=noise(findings),
        seeds=seeds(findings),
        warmup_table=tables.warmup_table(findings),
        cost_table=cost_table(findings),
        cost_reading=cost_table_reading(findings),
        target_table=target_table(findings),
        target_reading=target_reading(findings),
        gate_headline=gates.gate_headline(findings),
        gate_errors=gates.gate_errors(findings),
        gate_scope=" ".join(filter(None, (gates.gate_scope(findings), gates.gate_gaps(findings)))),
        gate_tables=tables.gate_tables(findings),
        failure_headline=headlines.failure_headline(findings),
        failure_table=tables.failure_table(findings),
        untrained=networks(findings),
        exhibits=material.exhibits["study"].views,
        arm_exhibits=_arm_exhibits(findings, material.exhibits),
        left_out=material.left_out,
        story=tell(Sources(findings, records, material.exhibits, material.histories)),
        published=comparisons(findings, material.figures.get("published")),
        survivals=survival_part(findings, material.figures.get("survival")),
        level_table=level_table(findings),
        shared_table=shared_table(findings),
        environment_table=environment_table(findings),
        data=findings.data,
        commands=_commands(findings),
        reading=how_to_read(findings),
    )


def _arm_exhibits(
    findings: Findings, exhibits: Mapping[str, Shown]
) -> tuple[tuple[str, tuple[ExhibitView, ...]], ...]:
    """Returns the exhibits of the arms that no chapter tells of."""
    told = {place for own in told_places(findings) for place in own}
    return tuple(
        (arm_label(findings.study, arm.arm), exhibits[f"arm-{place}"].views)
        for place, arm in enumerate(findings.arms, start=1)
        if arm.exhibits and place not in told
    )


def _facts(findings: Findings) -> tuple[str, ...]:
    study = findings.study
    arms, seeds = counted(len(study.arms), "arm"), counted(len(study.seeds), "seed")
    trials = counted(findings.n_planned, "trial")
    when = [f"Measured {day(findings.finished_at)}"] if findings.finished_at else []
    if findings.n_planned != len(study.arms) * len(study.seeds):
        return (*when, f"{arms}, up to {seeds} each, {trials}")
    return (*when, f"{arms} × {seeds} = {trials}")


def _commands(findings: Findings) -> tuple[str, ...]:
    study = findings.study.source or f"{findings.study.slug}.toml"
    return (
        f"ablations plan {study}    # arms, seeds and trials; trains nothing",
        f"ablations run {study}     # trains what is missing, then renders this report",
        f"ablations gate {study}    # the gates as an exit code",
    )


def _data(findings: Findings, records: Sequence[RunRecord]) -> dict[str, str]:
    names = [effect_label(findings, effect) for effect in findings.effects]
    arms = frames.arms_frame(findings)
    made: dict[str, pd.DataFrame] = {
        "trials": frames.trials_frame(findings, records),
        "arms": arms,
        "cost": arms,
        "effects": frames.effects_frame(findings, names),
        "simple-effects": frames.simple_effects_frame(findings),
        "shares": shares_frame(findings),
        "interactions": frames.interactions_frame(findings),
        "curves": frames.curves_frame(findings),
        "steps": frames.steps_frame(findings),
        "published": published_frame(findings),
        "survival": survival_frame(findings),
    }
    kept = {name: frame for name, frame in made.items() if not frame.empty or name == "trials"}
    return {f"data/{name}.csv": to_csv(frame) for name, frame in kept.items()}
