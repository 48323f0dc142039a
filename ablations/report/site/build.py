"""Builds a static site of studies, and writes only what changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ablations.report.publish.atomic import replaced
from ablations.report.publish.summaries import SITE_MARKER, FoundReport, read_summary
from ablations.report.site.addresses import INDEX, addresses
from ablations.report.site.around import surrounded
from ablations.report.site.cards import index
from ablations.report.site.contents import Site, SiteStudy, Source
from ablations.report.site.feed import feed
from ablations.report.site.histories.pages import NUMBERS, history_from, history_pages
from ablations.report.site.kept import Earlier, State, Target
from ablations.report.site.listing import listing
from ablations.report.site.previews import site_preview, study_preview
from ablations.report.site.search import search

Files = Mapping[str, str | bytes]
"""Files by their paths in the site."""

OF_A_STUDY: tuple[Callable[[SiteStudy, str | None], Files], ...] = (history_pages, study_preview)
"""What each study has besides its report, made of it and the site's base URL.

Files lie below the study's place. They are kept while nothing of the study changed.
"""

OF_THE_SITE: tuple[Callable[[Site], Files], ...] = (
    index,
    feed,
    listing,
    search,
    addresses,
    site_preview,
)
"""What the site has once, made again whenever anything changed."""


def build_site(
    sources: Sequence[Source], earlier: Earlier, state: State, *, base_url: str | None = None
) -> None:
    """Builds an index, and of every study its report and its history, with relative links only.

    The site is built beside the earlier one and swapped in. What did not change is not written: a
    study whose sources have the digest of the earlier build is not even read.

    Args:
        sources: The studies, each with an address of its own.
        earlier: What is there. What an earlier build wrote is replaced, all else stays.
        state: What the site is built from.
        base_url: Where it will be served, without a slash at its end.

    Raises:
        StudyError: if the folder holds something else, or a file of ours was changed.
    """
    with replaced(earlier.folder, SITE_MARKER) as fresh:
        target = Target(fresh, earlier)
        studies = [_study(source, target, state, base_url) for source in sources]
        studies.sort(key=lambda study: study.place)
        studies.sort(key=lambda study: study.changed_at or "", reverse=True)
        site = Site(tuple(studies), base_url)
        for write in OF_THE_SITE:
            _write(write(site), target, None, base_url)
        target.write(".nojekyll", b"")
        state.note(fresh)


def _study(source: Source, target: Target, state: State, base_url: str | None) -> SiteStudy:
    """Writes the files of a study, and returns what the rest of the site needs of it."""
    if kept := target.earlier.files(source.place, state):
        found = _kept(source, target.earlier.folder)
        if found is not None:
            for name in kept:
                target.keep(name)
            return found
    report = source.report() if source.report else None
    if report is not None:
        report = replace(report, place=source.place)
    study = SiteStudy(source.place, report, source.history() if source.history else None)
    for files in (_of_report(report), *(write(study, base_url) for write in OF_A_STUDY)):
        _write(files, target, study, base_url)
    return study


def _of_report(report: FoundReport | None) -> Files:
    """Returns the files of a report, its page as text."""
    if report is None:
        return {}
    files = {f"{report.place}/{name}": (report.folder / name).read_bytes() for name in report.files}
    page = f"{report.place}/{INDEX}"
    return {**files, page: files[page].decode(errors="replace")} if page in files else files


def _write(files: Files, target: Target, study: SiteStudy | None, base_url: str | None) -> None:
    for name, content in surrounded(files, study, base_url).items():
        target.write(name, content)


def _kept(source: Source, folder: Path) -> SiteStudy | None:
    """Reads a study from the earlier site, if that still can be read."""
    own = folder / source.place
    summary = read_summary(own) if source.report else None
    path = own / "history" / NUMBERS
    history = history_from(path.read_bytes()) if source.history and path.is_file() else None
    if (source.report and summary is None) or (source.history and history is None):
        return None
    report = FoundReport(own, source.place, summary) if summary else None
    return SiteStudy(source.place, report, history)
