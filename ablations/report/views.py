"""What the templates are given: words and drawings, ready to be set. One page, one value."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and whether its cells are numbers."""

    name: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class TableView:
    """A table in words; the first column heads its rows.

    ``name`` is the table's id on the page, and that of its rows with their number behind it, where
    sentences link to them.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure with its headline, its two drawings, its file, and the numbers behind it.

    ``csv`` is the path of those numbers, ``data`` the name that they go by.
    """

    name: str
    headline: str
    reading: str
    alt: str
    wide: Markup
    narrow: Markup
    file: str
    data: str
    csv: str
    table: TableView


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a report; those without data are missing."""

    arms: FigureView | None
    effects: FigureView | None
    interactions: FigureView | None
    curves: FigureView | None
    steps: FigureView | None
    cost: FigureView | None


@dataclass(frozen=True, slots=True)
class ExhibitView:
    """A table, picture or chart that the training function showed; ``image`` is a path.

    ``name`` tells it from all others of the report.
    """

    name: str
    title: str
    caption: str
    table: TableView | None
    image: str
    alt: str
    chart: FigureView | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """A sentence written by a rule, and where the rows stand that it was computed from.

    ``anchor`` is an address on the page or a file beside it, ``source`` names it.
    """

    text: str
    anchor: str
    source: str


@dataclass(frozen=True, slots=True)
class ArmStory:
    """What a chapter tells of one arm. ``log`` is the epoch log of one seed, line by line."""

    label: str
    facts: str
    exhibits: tuple[ExhibitView, ...]
    history: FigureView | None
    observations: tuple[Observation, ...]
    tail: TableView | None
    log_title: str
    log: str


@dataclass(frozen=True, slots=True)
class ChapterView:
    """A numbered part of the report about some of the arms."""

    anchor: str
    title: str
    arms: tuple[ArmStory, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A study told in chapters: data, arms, score and summary."""

    data_title: str
    data: tuple[Observation, ...]
    chapters: tuple[ChapterView, ...]
    score_title: str
    score: tuple[Observation, ...]
    score_table: TableView | None
    summary: tuple[Observation, ...]
    summary_table: TableView


@dataclass(frozen=True, slots=True)
class Comparisons:
    """What a published text says, beside what the records say."""

    headline: str
    figure: FigureView | None
    observations: tuple[Observation, ...]
    table: TableView
    sources: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A few sentences under a headline of their own, with the tables that they speak of."""

    name: str
    headline: str
    text: tuple[str, ...]
    tables: tuple[TableView, ...]


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section of the report: what kind it is, its address, and its title in the contents."""

    kind: str
    anchor: str
    title: str
    chapter: ChapterView | None = None


@dataclass(frozen=True, slots=True)
class ReportPage:
    """All that ``report.html.j2`` and ``report.md.j2`` set: the same words in both."""

    slug: str
    title: str
    question: str
    facts: tuple[str, ...]
    answer: tuple[str, str]
    alarm: str
    caveats: tuple[str, ...]
    figures: Figures
    arm_table: TableView
    effect_table: TableView | None
    fraction: Passage | None
    simple: Passage | None
    shares: FigureView | None
    opinions: Passage | None
    noise: Passage | None
    seeds: Passage | None
    warmup_table: TableView | None
    cost_table: TableView | None
    cost_reading: str
    target_table: TableView | None
    target_reading: str
    gate_headline: str
    gate_errors: str
    gate_scope: str
    gate_tables: tuple[TableView, ...]
    failure_headline: str
    failure_table: TableView | None
    untrained: Passage | None
    exhibits: tuple[ExhibitView, ...]
    arm_exhibits: tuple[tuple[str, tuple[ExhibitView, ...]], ...]
    left_out: str
    story: Story | None
    published: Comparisons | None
    survivals: Comparisons | None
    level_table: TableView
    shared_table: TableView
    environment_table: TableView | None
    data: tuple[str, ...]
    commands: tuple[str, ...]
    reading: tuple[tuple[str, str], ...]
    contents: tuple[SectionView, ...] = ()


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


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The first page of a site."""

    title: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class PostPage:
    """A post of a Jekyll blog around a report's Markdown."""

    title: str
    checksum: str
    body: str
