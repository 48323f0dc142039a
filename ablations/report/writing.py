"""Writes a report: a page, a Markdown post, figures, data and a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ablations.core.findings import Decision, Findings
from ablations.core.record import RunRecord
from ablations.core.several import SideBySide, Synthesis
from ablations.errors import EmptyReportError
from ablations.records.origins import origin_of_report, require_own_report
from ablations.report import registry
from ablations.report.blocks import Extras, Page
from ablations.report.combined import Kind, require_kind
from ablations.report.comparison.files import own_files as files_of_comparison
from ablations.report.comparison.page import make_page as page_of_comparison
from ablations.report.figures.theme import style
from ablations.report.formats import named
from ablations.report.formats.beside import block_files
from ablations.report.formats.html import html
from ablations.report.formats.markdown import markdown
from ablations.report.opening import make_report
from ablations.report.publish.atomic import replaced
from ablations.report.publish.placed import place
from ablations.report.publish.summaries import SUMMARY, read_summary, require_report_folder
from ablations.report.synthesis.files import own_files as files_of_synthesis
from ablations.report.synthesis.page import make_page as page_of_synthesis
from ablations.text.formatting import counted
from ablations.text.judged import Judged, judged_decision

Combined = Synthesis | SideBySide
"""What a page about several studies shows."""

Files = Mapping[str, str | bytes]


def render_report(
    findings: Findings, out_dir: Path, *, records: Sequence[RunRecord] = (), samples: bool = True
) -> Path:
    """Renders findings as ``<out_dir>/<report_name>/index.html`` with all that belongs to it.

    Equal findings and records give equal bytes. The report is built beside an earlier one and
    swapped in, so there is always a whole one. Files that we did not write, or that were changed
    since, stay as they are. Returns the path of ``index.html``.

    Args:
        findings: What the study found.
        out_dir: Folder of all reports; made if missing.
        records: The records behind them, for the step times of epoch logs.
        samples: Whether to show examples of the data; if not, the report names that.

    Raises:
        EmptyReportError: if no trial has completed, and an earlier report has some that did.
        StudyError: if the folder holds another study's report or something else, or a file that
            someone else wrote or changed has the name of one of the report's.
    """
    require_own_report(findings.study, out_dir)
    target = out_dir / findings.study.report_name
    if not findings.n_completed:
        _require_nothing_lost(target)
    origin = origin_of_report(findings.study, out_dir)
    with style():
        report = make_report(findings, Extras(records, samples), origin)
        files = {path: text for write in registry.FORMATS for path, text in write(report).items()}
    return _written(files, target)


def render_combined(found: Combined, out_dir: Path) -> Path:
    """Renders a page about several studies as a report of its own; returns its page's path.

    Args:
        found: What several studies say together, or side by side.
        out_dir: Folder of all reports; made if missing.

    Raises:
        StudyError: if the folder holds something else, or a file that someone else wrote or changed
            has the name of one of the report's.
    """
    with style():
        kind, page, own = _parts(found)
        files = {**html(page), **markdown(page), **block_files(page), **own}
    target = out_dir / page.name
    require_kind(target, kind)
    return _written(files, target)


def _parts(found: Combined) -> tuple[Kind, Page, Files]:
    """Returns the kind of a page, the page, and the files that only this kind has."""
    if isinstance(found, Synthesis):
        page = page_of_synthesis(found)
        return "synthesis", page, files_of_synthesis(found, page)
    page = page_of_comparison(found)
    return "comparison", page, files_of_comparison(found, page)


def _written(files: Files, target: Path) -> Path:
    """Writes the files of a report into a new folder, which takes the place of an earlier one."""
    require_report_folder(target)
    with replaced(target, SUMMARY) as fresh:
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            raw = content.encode(errors="replace") if isinstance(content, str) else content
            path.write_bytes(raw)
    return target / "index.html"


def _require_nothing_lost(target: Path) -> None:
    """Raises `EmptyReportError` where a report of no trial would replace one of some."""
    earlier = read_summary(target)
    if earlier and earlier.trials.completed:
        raise EmptyReportError(
            f"{target} holds a report of {counted(earlier.trials.completed, 'completed trial')}, "
            "which one without any would replace",
            received="no completed trial of this study with these settings",
            cure="Repeat --set and --seeds as for 'run', or name another --reports-dir",
        )


def write_formats(
    decision: Decision, names: list[str], folder: Path, *, extras: Extras | None = None
) -> list[Path]:
    """Writes a decision in the formats that are named; returns the paths of their files.

    Args:
        decision: What was decided.
        names: Formats of ``report.formats.named``.
        folder: Where the files go; made if missing. Files of others in it stay as they are.
        extras: What reports are made from besides findings, for the formats that show figures.

    Raises:
        StudyError: if there is no format of a name, or a file of someone else has the name of one
            that is to be written.
    """
    named.require_known(names)
    files = _check_files(judged_decision(decision), names)
    for write in named.of_decisions(names):
        files |= write(decision)
    if own := named.of_reports(names):
        with style():
            report = make_report(decision.findings, extras or Extras())
            files |= {path: text for write in own for path, text in write(report).items()}
    return place(files, folder)


def write_checks(judged: Judged, names: list[str], folder: Path) -> list[Path]:
    """Writes what was judged in formats of checks; returns the paths of their files.

    Args:
        judged: By gates, by the past or by a history.
        names: Formats of ``report.formats.named.OF_CHECKS``.
        folder: As for `write_formats`.

    Raises:
        StudyError: as `write_formats`.
    """
    named.require_known(names, [*named.OF_CHECKS])
    return place(_check_files(judged, names), folder)


def _check_files(judged: Judged, names: list[str]) -> dict[str, str | bytes]:
    writers = named.of_checks(names)
    return {path: text for write in writers for path, text in write(judged).items()}
