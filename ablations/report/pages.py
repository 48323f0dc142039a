"""Puts a report together: the page in words, and the files that lie beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ablations.findings import Findings
from ablations.formatting import arm_label, counted, day
from ablations.record import Exhibit, RunRecord
from ablations.report import drawings, frames, headlines, tables
from ablations.report.cards import card
from ablations.report.narrative import Answer, answer
from ablations.report.reading import how_to_read
from ablations.report.setup_tables import (
    environment_table,
    exhibit_table,
    level_table,
    shared_table,
)
from ablations.report.views import ExhibitView, Figures, ReportPage
from ablations.report.wording import effect_label


@dataclass(frozen=True, slots=True)
class Report:
    """A page, and all files beside it by their path."""

    page: ReportPage
    files: Mapping[str, str | bytes]


def make_report(findings: Findings, records: Sequence[RunRecord]) -> Report:
    """Makes the words, figures and files of a report."""
    said, drawn = answer(findings), drawings.draw_all(findings)
    page = _page(findings, said, drawings.figures(drawn))
    pictures = {drawing.view.file: drawing.svg for drawing in drawn}
    written: dict[str, str | bytes] = {**pictures, **_data(findings, records), **_images(findings)}
    written["figures/thumbnail.svg"] = drawings.draw_thumbnail(findings)
    written["report.json"] = json.dumps(card(findings, said), indent=2, ensure_ascii=False) + "\n"
    return Report(page, written)


def _page(findings: Findings, said: Answer, figures: Figures) -> ReportPage:
    study = findings.study
    return ReportPage(
        slug=study.slug,
        title=study.title,
        question=study.question,
        facts=_facts(findings),
        answer=said.sentences,
        alarm=said.alarm,
        caveats=said.caveats,
        figures=figures,
        arm_table=tables.arm_table(findings),
        effect_table=tables.effect_table(findings),
        warmup_table=tables.warmup_table(findings),
        gate_headline=headlines.gate_headline(findings),
        gate_tables=tables.gate_tables(findings),
        failure_headline=headlines.failure_headline(findings),
        failure_table=tables.failure_table(findings),
        exhibits=_exhibits("study", findings.exhibits),
        arm_exhibits=_arm_exhibits(findings),
        level_table=level_table(findings),
        shared_table=shared_table(findings),
        environment_table=environment_table(findings),
        data=findings.data,
        commands=_commands(findings),
        reading=how_to_read(findings),
    )


def _facts(findings: Findings) -> tuple[str, ...]:
    study = findings.study
    arms, seeds = counted(len(study.arms), "arm"), counted(len(study.seeds), "seed")
    trials = counted(findings.n_planned, "trial")
    when = [f"Measured {day(findings.finished_at)}"] if findings.finished_at else []
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
        "interactions": frames.interactions_frame(findings),
        "curves": frames.curves_frame(findings),
        "steps": frames.steps_frame(findings),
    }
    kept = {name: frame for name, frame in made.items() if not frame.empty or name == "trials"}
    return {f"data/{name}.csv": frames.write_csv(frame) for name, frame in kept.items()}


def _exhibits(place: str, exhibits: Sequence[Exhibit]) -> tuple[ExhibitView, ...]:
    return tuple(
        ExhibitView(
            title=exhibit.title,
            caption=exhibit.caption,
            table=exhibit_table(exhibit.title, exhibit.table) if exhibit.table else None,
            image=_image_path(place, i) if exhibit.image_png else "",
            alt=exhibit.alt or exhibit.title,
        )
        for i, exhibit in enumerate(exhibits, start=1)
    )


def _image_path(place: str, number: int) -> str:
    # Exhibits are named by anyone; their files are numbered, so that no name leaves the folder.
    return f"figures/exhibit-{place}-{number}.png"


def _arm_exhibits(findings: Findings) -> tuple[tuple[str, tuple[ExhibitView, ...]], ...]:
    return tuple(
        (arm_label(findings.study, arm.arm), _exhibits(f"arm-{i}", arm.exhibits))
        for i, arm in enumerate(findings.arms, start=1)
        if arm.exhibits
    )


def _images(findings: Findings) -> dict[str, bytes]:
    shown = [("study", findings.exhibits)]
    shown += [(f"arm-{i}", arm.exhibits) for i, arm in enumerate(findings.arms, start=1)]
    return {
        _image_path(place, i): exhibit.image_png
        for place, exhibits in shown
        for i, exhibit in enumerate(exhibits, start=1)
        if exhibit.image_png
    }
