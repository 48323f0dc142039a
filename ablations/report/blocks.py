"""What a report is made of: sections of blocks, which every output format sets in its own way.

Sections read findings and use no format; formats set these blocks and use no section. Numbers are
already written as text here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from markupsafe import Markup

from ablations.core.findings import Findings
from ablations.core.record import RunRecord
from ablations.text.formatting import count

Style = Literal["plain", "muted", "question", "answer", "alarm"]
ListStyle = Literal["facts", "notes", "observations"]


@dataclass(frozen=True, slots=True)
class DataFile:
    """Numbers at full precision beside a report; ``text`` is the content of ``data/NAME.csv``.

    ``link`` names it where a table links to it; a figure always links to its own.
    """

    name: str
    text: str
    link: str = ""

    @property
    def path(self) -> str:
        """Where the file lies in the folder of the report."""
        return f"data/{self.name}.csv"


@dataclass(frozen=True, slots=True)
class Link:
    """An address on the page, such as ``#arm-2``, or a file beside it, and its name."""

    address: str
    words: str


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph after a bold ``lead``; links lead to the rows with its numbers."""

    text: str
    lead: str = ""
    links: tuple[Link, ...] = ()
    style: Style = "plain"


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences; ``label`` names it for those who do not see it."""

    lines: tuple[Prose, ...]
    label: str = ""
    style: ListStyle = "observations"


@dataclass(frozen=True, slots=True)
class Facts:
    """Terms, each with what it means."""

    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and whether its cells are numbers."""

    name: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table in words; the first column heads its rows.

    ``name`` is the table's id on the page, and that of its rows with their number behind it, where
    sentences link to them. ``data`` are the files with its numbers. The caption is not shown where
    a heading just above is the same (``titled``). Rows after the first ``shown`` fold away.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    name: str = ""
    data: tuple[DataFile, ...] = ()
    titled: bool = False
    shown: int = 30

    @property
    def first(self) -> tuple[tuple[str, ...], ...]:
        """The rows that are shown."""
        return self.rows[: self.shown]

    @property
    def rest(self) -> tuple[tuple[str, ...], ...]:
        """The rows that a reader opens."""
        return self.rows[self.shown :]

    @property
    def rest_title(self) -> str:
        """Says which rows a reader opens."""
        return f"Rows {count(self.shown + 1)} to {count(len(self.rows))}"


class Chart(Protocol):
    """What a figure shows; ``notes`` say where an axis does not show all numbers as usual."""

    @property
    def notes(self) -> str: ...  # noqa: D102 - as above

    def figure(self, width: int) -> Any:
        """Draws the chart at a width in CSS pixels, as a figure of Matplotlib."""
        ...


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its headline, how to read it, and the numbers behind it as file and table.

    ``wide`` and ``narrow`` are its drawings for a page and a phone, ``svg`` is the one for
    a file of its own. ``chart`` draws it for other uses.
    """

    name: str
    headline: str
    reading: str
    alt: str
    wide: Markup
    narrow: Markup
    svg: str
    data: DataFile
    table: Table
    chart: Chart

    @property
    def path(self) -> str:
        """Where the drawing lies in the folder of the report."""
        return f"figures/{self.name}.svg"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, and the path of its file in the folder of the report."""

    path: str
    alt: str
    png: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Code:
    """Lines that are set as they are: commands (``console``) or a log (``text``)."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks that a reader opens by their title; a ``quiet`` one has many like it beside it."""

    title: str
    blocks: tuple[Block, ...]
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading.

    ``title`` names the section in the contents, and above it unless ``heading`` does. A section
    within a section has a heading one level below, and no entry in the contents.
    """

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    heading: str = ""

    @property
    def words(self) -> str:
        """The heading above the section."""
        return self.heading or self.title


Block = Prose | Items | Facts | Table | Figure | Image | Code | Fold | Section


@dataclass(frozen=True, slots=True)
class Extras:
    """What a report is made from besides its findings.

    ``records`` are those behind the findings, for the step times of epoch logs; ``samples`` says
    whether pictures that show examples of the data are shown.
    """

    records: Sequence[RunRecord] = ()
    samples: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """A page before any format has set it.

    ``name`` is that of its folder and Markdown file. ``opening`` comes before the contents.
    ``numbers`` links to the file with all numbers of the page.
    """

    name: str
    title: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]
    numbers: Link


@dataclass(frozen=True, slots=True)
class Report(Page):
    """The page of a study; ``origin`` is the path of the study."""

    findings: Findings
    origin: Mapping[str, Any]


def prose(texts: Iterable[str], *, style: Style = "plain") -> tuple[Prose, ...]:
    """Makes a paragraph of each text that is not empty."""
    return tuple(Prose(text, style=style) for text in texts if text)


def linked(text: str, address: str, words: str) -> Prose:
    """Makes a sentence written by a rule, with the address of the rows that it rests on."""
    return Prose(text, links=(Link(address, words),))


def present(*blocks: Block | None) -> tuple[Block, ...]:
    """Leaves out the blocks that there is nothing to show in."""
    return tuple(block for block in blocks if block is not None)


def walk(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yields blocks in their order, and after each those within it."""
    for block in blocks:
        yield block
        if isinstance(block, Fold | Section):
            yield from walk(block.blocks)
