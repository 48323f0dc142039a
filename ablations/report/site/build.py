"""Builds a static site from the reports that there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ablations.errors import StudyError
from ablations.report.formats.html import render_html
from ablations.report.publish.atomic import replaced
from ablations.report.publish.summaries import SITE_MARKER, FoundReport, find_reports
from ablations.report.site.addresses import addresses
from ablations.report.site.contents import Site, SiteStudy
from ablations.report.site.feed import feed
from ablations.report.site.listing import listing
from ablations.text.formatting import day, gate_count

Files = Mapping[str, str | bytes]
"""Files by their paths in the site."""

OF_A_STUDY: tuple[Callable[[SiteStudy, str | None], Files], ...] = ()
"""What each study has besides its report, made of it and the site's base URL.

Files lie below the study's place. They are kept while nothing of the study changed.
"""

OF_THE_SITE: tuple[Callable[[Site], Files], ...] = (feed, listing, addresses)
"""What the site has once, made again whenever anything changed."""

_HOME = '<nav class="home" aria-label="Site"><p><a href="{}index.html">← All studies</a></p></nav>'


@dataclass(frozen=True, slots=True)
class Card:
    """One study on the index of a site; ``place`` is the path of its folder there."""

    place: str
    title: str
    question: str
    answer: tuple[str, ...]
    date: str
    gates: tuple[tuple[str, str], ...]
    alt: str


def build_site(reports_dir: Path, out: Path) -> Path:
    """Builds an index and a copy of every report, with relative links only.

    Reports may lie in folders of their own below ``reports_dir``; the site keeps their paths. Only
    files that we wrote are copied.

    Args:
        reports_dir: Where `render_report` wrote its reports.
        out: Folder of the site. What an earlier build wrote there is replaced, all else stays.

    Returns:
        The path of the site's ``index.html``.

    Raises:
        StudyError: if there is no report, or ``out`` holds something else.
    """
    _require_apart(out, reports_dir)
    reports = find_reports(reports_dir)
    reports.sort(key=lambda report: report.place)
    reports.sort(key=lambda report: report.summary.finished_at or "", reverse=True)
    with replaced(out, SITE_MARKER) as fresh:
        for report in reports:
            _copy(report, fresh / report.place)
        _write_others(Site([SiteStudy(own.place, own, None) for own in reports]), fresh)
        index = render_html("index.html.j2", tuple(map(_card, reports)))
        (fresh / "index.html").write_text(index, encoding="utf-8")
        (fresh / ".nojekyll").touch()
        (fresh / SITE_MARKER).touch()
    return out / "index.html"


def _write_others(site: Site, folder: Path) -> None:
    files = {name: own for write in OF_THE_SITE for name, own in write(site).items()}
    for study in site.studies:
        for write in OF_A_STUDY:
            files |= write(study, site.base_url)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode(errors="replace") if isinstance(content, str) else content
        (folder / name).write_bytes(raw)


def _require_apart(out: Path, reports_dir: Path) -> None:
    """A site is swapped in as a folder, so it must not be one that others lie in."""
    for inside, what in ((Path.cwd(), "the current folder"), (reports_dir, "the reports")):
        if inside.resolve().is_relative_to(out.resolve()):
            raise StudyError(
                f"a site cannot take the place of a folder that holds {what}",
                received=str(out.resolve()),
                cure="Name a folder of its own, such as 'site'",
            )


def _copy(report: FoundReport, target: Path) -> None:
    report.copy(target, report.files)
    page = target / "index.html"
    home = _HOME.format("../" * len(Path(report.place).parts))
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<!-- home -->", home, 1), encoding="utf-8")


def _card(report: FoundReport) -> Card:
    summary = report.summary
    statuses = Counter(gate.status for gate in summary.gates)
    return Card(
        place=report.place,
        title=summary.title,
        question=summary.question,
        answer=tuple(summary.answer),
        date=day(summary.finished_at),
        gates=tuple((gate_count(n, status), status) for status, n in statuses.items()),
        alt=summary.picture,
    )
