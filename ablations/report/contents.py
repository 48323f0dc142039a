"""The order of a report's sections, which its contents and its body both follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ablations.report.views import ReportPage, SectionView


def contents(page: ReportPage) -> tuple[SectionView, ...]:
    """Returns the sections that a report has, in the order in which they are set."""
    return tuple(section for found in _SECTIONS for section in found(page))


def _section(
    kind: str, title: str, shown: Callable[[ReportPage], object]
) -> Callable[[ReportPage], Iterable[SectionView]]:
    return lambda page: [SectionView(kind, kind, title)] if shown(page) else []


def _data(page: ReportPage) -> Iterator[SectionView]:
    if page.story:
        yield SectionView("data", "data", page.story.data_title)


def _chapters(page: ReportPage) -> Iterator[SectionView]:
    for view in page.story.chapters if page.story else ():
        yield SectionView("chapter", view.anchor, view.title, view)


def _score(page: ReportPage) -> Iterator[SectionView]:
    if page.story:
        yield SectionView("score", "score", page.story.score_title)


def _seeds(page: ReportPage) -> Iterator[SectionView]:
    if page.seeds:
        yield SectionView("seeds", "seeds", page.seeds.headline)


def _has_models(page: ReportPage) -> bool:
    return bool(page.arm_exhibits or (not page.story and (page.exhibits or page.left_out)))


_SECTIONS: tuple[Callable[[ReportPage], Iterable[SectionView]], ...] = (
    _section("failures", "Failures", lambda page: page.failure_table),
    _section("untrained", "Networks that did not train", lambda page: page.untrained),
    _data,
    _chapters,
    _score,
    _section("published", "Published against reproduced", lambda page: page.published),
    _section("summary", "Summary", lambda page: page.story),
    _section("survives", "What survives", lambda page: page.survivals),
    _section("effects", "Effects", lambda page: page.effect_table),
    _section("interactions", "Interactions", lambda page: page.figures.interactions),
    _section("arms", "All arms", lambda _: True),
    _seeds,
    _section("gates", "Gates", lambda page: page.gate_tables),
    _section("curves", "Learning curves", lambda page: page.figures.curves),
    _section("cost", "Time and cost", lambda page: page.figures.steps or page.figures.cost),
    _section("models", "Data and models", _has_models),
    _section("settings", "Settings", lambda _: True),
    _section("again", "Do it again", lambda _: True),
)
