"""The commands on several studies: a report on all of them, or a site with a page for each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablations.cli.options import AsJson, ReportsDir, RunsDir, Source, complete_studies
from ablations.cli.terminal.printing import note, print_json, say

if TYPE_CHECKING:
    from ablations.report.writing import Combined

StudyNames = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY...",
        help="Two or more study files or built-in names.",
        autocompletion=complete_studies,
    ),
]
StateNames = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY|SOURCE...",
        help="Two or more: study files, built-in names, or records of another state of the study "
        "before them (a .jsonl file, a records.sqlite, its folder, REVISION:PATH in git).",
        autocompletion=complete_studies,
    ),
]

SiteSources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...",
        help="Folders of reports or histories, study files, built-in names, or record files.  "
        "[default: reports and history, as far as they exist]",
        autocompletion=complete_studies,
        show_default=False,
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
    from ablations.analyze.compare.synthesis import synthesize as combined
    from ablations.report.words.synthesis import pooled_headline
    from ablations.states import read_study
    from ablations.text.synthesis import pooled_sentences, synthesis_caveats

    found = combined([read_study(name, source=source, runs_dir=runs_dir) for name in studies])
    headline = f"{pooled_headline(found)}."
    _show(
        found,
        (headline, *pooled_sentences(found), *synthesis_caveats(found)),
        reports_dir=reports_dir,
        as_json=as_json,
    )


def compare(
    names: StateNames,
    source: Source = None,
    runs_dir: RunsDir = Path("runs"),
    reports_dir: ReportsDir = Path("reports"),
    as_json: AsJson = False,
) -> None:
    """Show studies, or states of one, side by side in one report.

    The others are compared with the first. --records names where the records of the studies lie: a
    folder with STUDY.jsonl for each, or one file.
    """
    from ablations.analyze.compare.side_by_side import compare as compared
    from ablations.states import read_states
    from ablations.text.side_by_side import comparison_caveats, comparison_sentences

    found = compared(read_states(names, source=source, runs_dir=runs_dir))
    _show(
        found,
        (*comparison_sentences(found), *comparison_caveats(found)),
        reports_dir=reports_dir,
        as_json=as_json,
    )


LookFolder = Annotated[
    Path | None,
    typer.Option(
        "--look",
        metavar="FOLDER",
        help="Templates and a style.css of your own that change ours; docs/site.md.",
        file_okay=False,
    ),
]


def site(
    sources: SiteSources = None,
    *,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the site.", file_okay=False)
    ] = Path("site"),
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Where the site will be served."),
    ] = None,
    look: LookFolder = None,
    runs_dir: RunsDir = Path("runs"),
    jekyll: Annotated[
        bool,
        typer.Option("--jekyll", help="Write reports as posts into a Jekyll blog instead."),
    ] = False,
) -> None:
    """Build a static site of reports and of histories over commits.

    What did not change since the last build is not written again.
    """
    from ablations.sites import make_posts, make_site

    if jekyll and (base_url or look):
        own = "--base-url" if base_url else "--look"
        raise typer.BadParameter(f"{own} is for a site; a blog has its own, see its _config.yml")
    if jekyll:
        for path in make_posts(sources or (), out):
            say(str(path))
    else:
        page = make_site(sources or (), out, runs_dir=runs_dir, base_url=base_url, look=look)
        say(str(page))


def _show(found: Combined, lines: Iterable[str], *, reports_dir: Path, as_json: bool) -> None:
    """Renders the report, and prints its summary or what it says first."""
    from ablations.reporting import render_report

    page = render_report(found, reports_dir)
    note(f"report: {page}")
    if as_json:
        print_json(json.loads((page.parent / "report.json").read_text(encoding="utf-8")))
        return
    for line in lines:
        say(line)
