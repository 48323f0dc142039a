"""The order of the sections of a report, and the formats that it is written in, each named once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Report, Section
from ablations.report.formats.beside import beside
from ablations.report.formats.html import html
from ablations.report.formats.markdown import markdown
from ablations.report.formats.summary import summary_json
from ablations.report.sections.arms import arms
from ablations.report.sections.chapters import chapters
from ablations.report.sections.claims import claims
from ablations.report.sections.cost import cost
from ablations.report.sections.curves import curves
from ablations.report.sections.effects import effects
from ablations.report.sections.failures import failures
from ablations.report.sections.gates import gates
from ablations.report.sections.interactions import interactions
from ablations.report.sections.models import models
from ablations.report.sections.published import published
from ablations.report.sections.seeds import seeds
from ablations.report.sections.settings import settings
from ablations.report.sections.summary import summary
from ablations.report.sections.untrained import untrained

SectionMaker = Callable[[Findings, Extras], Section | tuple[Section, ...] | None]
"""Makes a section, several, or none where there is nothing to show."""

Format = Callable[[Report], Mapping[str, str | bytes]]
"""Returns the files of a report by their paths in its folder."""

SECTIONS: tuple[SectionMaker, ...] = (
    failures,
    untrained,
    chapters,
    published,
    summary,
    claims,
    effects,
    interactions,
    arms,
    seeds,
    gates,
    curves,
    cost,
    models,
    settings,
)

FORMATS: tuple[Format, ...] = (html, markdown, summary_json, beside)
