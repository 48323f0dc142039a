"""The command ``synthesize``: several studies read, combined and rendered as one report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablations.cli.options import AsJson, ReportsDir, RunsDir, Source, complete_studies
from ablations.cli.printing import note, print_json, say

if TYPE_CHECKING:
    from ablations.core.findings import Findings

StudyNames = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY...",
        help="Two or more study files or built-in names.",
        autocompletion=complete_studies,
    ),
]


def synthesize(
    studies: StudyNames,
    source: Source = None,
    runs_dir: RunsDir = Path("runs"),
    reports_dir: ReportsDir = Path("reports"),
    as_json: AsJson = False,
) -> None:
    """Combine studies that share factors into one report.

    --records names a folder with STUDY.jsonl for each study, or one file with all their records.
    """
    import json

    from ablations.analyze import synthesize as combined
    from ablations.report.words.synthesis import pooled_headline
    from ablations.reporting import render_synthesis
    from ablations.text.synthesis import pooled_sentences, synthesis_caveats

    found = combined([_findings(name, source, runs_dir) for name in studies])
    page = render_synthesis(found, reports_dir)
    note(f"report: {page}")
    if as_json:
        print_json(json.loads((page.parent / "report.json").read_text(encoding="utf-8")))
        return
    say(f"{pooled_headline(found)}.")
    for line in (*pooled_sentences(found), *synthesis_caveats(found)):
        say(line)


def _findings(name: str, source: Path | None, runs_dir: Path) -> Findings:
    """Returns what one study found in its store, or in the records that are named.

    Raises:
        StoreError: if it has no records.
    """
    from ablations.errors import StoreError
    from ablations.plan import load_study
    from ablations.session import Session

    session = Session(load_study(name), runs_dir=runs_dir, source=source)
    if not (records := session.records()):
        raise StoreError(
            "a study of the synthesis has no records",
            received=f"{name}, {session.store.path}",
            cure=f"Train it first: ablations run {name}; or name its records with --records",
        )
    return session.findings(records)
