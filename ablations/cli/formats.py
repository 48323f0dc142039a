"""What ``--format`` writes of the commands ``report``, ``gate`` and ``history check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ablations.cli.terminal.printing import note

if TYPE_CHECKING:
    from ablations.core.findings import Findings
    from ablations.core.past import ComparisonWithPast
    from ablations.report.blocks import Extras
    from ablations.text.judged import Judged


Asked = tuple[list[str], Path]
"""The names of formats, and the folder that they are written to."""


def require_both(
    formats: list[str] | None, folder: Path | None, *, judged: bool = True, checks: bool = False
) -> Asked | None:
    """Makes sure that --format and -o come together, and that there is each format.

    It is called first, so that nobody waits for an analysis to learn of a typing error. A command
    without findings writes only formats of ``checks``.
    """
    if not formats and folder is None:
        return None
    if not formats or folder is None:
        raise typer.BadParameter("--format and -o belong together: what to write, and where")
    if not judged:
        raise typer.BadParameter("--self-test judges nothing that --format could write")
    from ablations.report.formats.named import OF_CHECKS, require_known

    require_known(formats, [*OF_CHECKS] if checks else None)
    return formats, folder


def write_named(
    findings: Findings, asked: Asked, extras: Extras, past: ComparisonWithPast | None = None
) -> None:
    """Writes findings, and their comparison with the past, in the formats that are asked for.

    ``extras`` hold the records behind the findings.
    """
    from ablations.analyze.compare.gates import exit_code
    from ablations.analyze.compare.regression import past_exit_code
    from ablations.core.findings import Decision
    from ablations.report.writing import write_formats

    past_code = None if past is None else past_exit_code(past, findings)
    code = exit_code(findings)
    decision = Decision(findings, code, past, past_code)
    for path in write_formats(decision, *asked, extras=extras):
        note(f"written: {path}")
    if past is not None and code == 1:
        note("a gate of the study fails as well, as these files say: 'gate' without --against")


def write_judged(judged: Judged, asked: Asked) -> None:
    """Writes how the newest commit was judged in the formats that are asked for."""
    from ablations.report.writing import write_checks

    for path in write_checks(judged, *asked):
        note(f"written: {path}")
