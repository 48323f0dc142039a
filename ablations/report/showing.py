"""What studies and findings show of themselves in a notebook: the words and tables of a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ablations.core.findings import Findings
from ablations.core.several import SideBySide, Synthesis
from ablations.core.study import Study
from ablations.report.blocks import Block, Extras, Items, Link, Page, Prose, Table, present, prose
from ablations.report.comparison.tables import differences_table, settings_table
from ablations.report.formats.html import render_html
from ablations.report.formats.markdown import render_markdown
from ablations.report.many import MOST, SHOWN, arranged
from ablations.report.opening import in_words, study_facts
from ablations.report.sections.arms import arm_table
from ablations.report.sections.effects import effect_table
from ablations.report.sections.failures import failures
from ablations.report.sections.gates import gates
from ablations.report.sections.settings import level_table
from ablations.report.synthesis.tables import pooled_table
from ablations.report.tables import make_table
from ablations.text.formatting import UNKNOWN, count
from ablations.text.side_by_side import comparison_caveats, comparison_sentences
from ablations.text.synthesis import pooled_sentences, synthesis_caveats

Shows = Findings | Study | Synthesis | SideBySide


def shown_html(found: Shows) -> str:
    """Returns what a notebook shows: the answer or question, what limits it, and tables."""
    return render_html("_notebook.html.j2", _page_of(found))


def shown_markdown(found: Shows) -> str:
    """Returns the same as Markdown."""
    return render_markdown("_notebook.md.j2", _page_of(found))


def _page_of(found: Shows) -> Page:
    if isinstance(found, Findings):
        return _page(found.study.report_name, found.study.title, _of_findings(found))
    if isinstance(found, Study):
        return _page(found.report_name, found.title, _of_study(found))
    if isinstance(found, Synthesis):
        return _page("", "Studies together", _of_synthesis(found))
    return _page("", "Side by side", _of_comparison(found))


def _page(name: str, title: str, blocks: Iterable[Block]) -> Page:
    return Page(name, title, tuple(blocks), (), Link("", ""))


def _of_synthesis(found: Synthesis) -> Iterator[Block]:
    yield Prose(" ".join(pooled_sentences(found)), style="answer")
    yield Items(prose(synthesis_caveats(found)), "Before you rely on this", style="notes")
    shown = found.effects or found.simple_effects
    yield from _alone(pooled_table(found, shown, "Mean effects of the studies"))


def _of_comparison(found: SideBySide) -> Iterator[Block]:
    yield Prose(" ".join(comparison_sentences(found)), style="answer")
    yield Items(prose(comparison_caveats(found)), "Before you rely on this", style="notes")
    tables = (
        differences_table(found, items, f"{noun}, and how they differ")
        for noun, items in (("Effects", found.effects), ("Arms", found.arms))
        if items
    )
    for table in present(settings_table(found), *tables):
        yield from _alone(table)


def _of_findings(findings: Findings) -> Iterator[Block]:
    shown = arranged(findings)
    sections = failures(shown, Extras()), gates(shown, Extras())
    lost, judged = (section.blocks if section else () for section in sections)
    effects = [effect_table(shown)] if shown.effects else []
    for block in (*in_words(shown), *lost, *effects, arm_table(shown), *judged):
        yield from _alone(block)


def _of_study(study: Study) -> Iterator[Block]:
    names = [factor.name for factor in study.factors]
    rows = [study.level_names(arm, UNKNOWN) for arm in study.arms]
    levels = level_table(study)
    tables = [make_table("The arms", names, rows), levels] if levels else []
    for block in (*study_facts(study), *prose([study.question], style="question"), *tables):
        yield from _alone(block)


def _alone(block: Block) -> Iterator[Block]:
    """Yields a block without what leads to other parts of a report, and no more rows than fit."""
    if isinstance(block, Prose):
        yield replace(block, links=())
        return
    if not isinstance(block, Table):
        yield block
        return
    alone, total = replace(block, name="", data=()), len(block.rows)
    if total <= MOST:
        yield alone
        return
    yield replace(alone, rows=block.rows[:SHOWN])
    yield Prose(
        f"These are the first {SHOWN} of {count(total)} rows; the report has all.", style="muted"
    )
