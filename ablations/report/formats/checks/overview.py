"""Sets a decision as Markdown for GitHub and GitLab, within a number of bytes.

The verdict comes first, then what needs attention, then folded tables. Where there is no room for
all rows, the first ones stay and a line says how many are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ablations.core.findings import Findings
from ablations.report.words.answer import answer
from ablations.text.checks import GATE_SIGNS, Check, CheckKind, most_severe
from ablations.text.escaping import escape_comment, shortened
from ablations.text.formatting import counted, metric_name
from ablations.text.judged import Judged
from ablations.text.sentences import arm_cells, effect_cells

_TITLES: dict[CheckKind, tuple[str, str]] = {
    "gate": ("gate", "gates"),
    "past": ("comparison with the past", "comparisons with the past"),
    "history": ("comparison with the commits before", "comparisons with the commits before"),
}
"""What a table of each kind of checks is called; missing trials have none."""

_PARAGRAPH, _CELL = 1000, 200
"""Characters of a sentence and of a cell, whose names and messages may have any length."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines that are all shown, before and after rows of which as many are shown as there is room.

    ``what`` is what the rows are called.
    """

    head: str
    rows: tuple[str, ...] = ()
    tail: str = ""
    what: str = "row"

    def note(self, left_out: int) -> str:
        """Says how many rows there was no room for."""
        return f"\nand {counted(left_out, f'more {self.what}')}\n" if left_out else ""


def overview(judged: Judged, *, most_bytes: int, mark: str = "") -> str:
    """Returns the Markdown; ``mark`` is a first line by which the text is found again."""
    findings = judged.findings
    parts = [
        _opening(judged, mark),
        _open_checks(most_severe(judged.open_checks)),
        *(_check_table(kind, judged.of_kind(kind)) for kind in _TITLES),
        *((_arms(findings), _effects(findings)) if findings else ()),
    ]
    return _within([part for part in parts if part], most_bytes)


def _within(parts: Sequence[_Part], most_bytes: int) -> str:
    """Joins parts, with as many rows as there is room for; the first parts come first."""
    fixed = sum(_bytes(p.head + p.note(len(p.rows)) + p.tail) for p in parts)
    left, text = most_bytes - fixed, ""
    for part in parts:
        shown = 0
        while shown < len(part.rows) and _bytes(part.rows[shown]) <= left:
            left -= _bytes(part.rows[shown])
            shown += 1
        rows = "".join(part.rows[:shown])
        text += f"{part.head}{rows}{part.note(len(part.rows) - shown)}{part.tail}"
    return text


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def _opening(judged: Judged, mark: str) -> _Part:
    status, (alarm, sentences) = judged.status, _told(judged)
    lines = [
        *([mark] if mark else []),
        f"### {GATE_SIGNS[status]} {_paragraph(judged.study.title)}: {status}",
        "",
        *(f"- {GATE_SIGNS[own]} {_paragraph(line)}" for line, own in judged.headlines),
        "",
        *([f"**{_paragraph(alarm)}**", ""] if alarm else []),
        _paragraph(sentences),
        "",
    ]
    return _Part("\n".join(lines) + "\n")


def _told(judged: Judged) -> tuple[str, str]:
    """Returns what a reader must know first, if there is such a thing, and the other sentences.

    The answer of the study compares its arms; beside checks of each arm it says so.
    """
    notes = " ".join(judged.notes)
    if judged.findings is None:
        return "", notes
    answered = answer(judged.findings)
    between = judged.checks and judged.findings.n_completed
    if not judged.findings.study.factors:  # the second sentence counts the checks once more
        return answered.alarm or "", f"{answered.sentences[0]} {notes}".rstrip()
    title = "Between the arms: " if between else ""
    return answered.alarm or "", title + " ".join((*answered.sentences, *judged.notes))


def _open_checks(checks: Sequence[Check]) -> _Part | None:
    """Lists what needs attention, in sentences, the most severe first."""
    if not checks:
        return None
    rows = (f"- {GATE_SIGNS[check.status]} {_paragraph(check.text)}\n" for check in checks)
    return _Part("", tuple(rows), "\n", "check")


def _check_table(kind: CheckKind, checks: Sequence[Check]) -> _Part | None:
    """Folds a table of all checks of a kind."""
    rows = (
        (
            _signed(c),
            c.arm,
            c.rule,
            *([] if kind == "gate" else [c.then]),
            c.now,
            c.bounds,
            c.seeds,
        )
        for c in checks
    )
    columns = ["verdict", "arm", "what", "then", "now", "change", "seeds"]
    if kind == "gate":
        columns = ["verdict", "arm", "rule", "judged", "interval", "seeds"]
    return _folded(counted(len(checks), *_TITLES[kind]), columns, rows, what="row")


def _signed(check: Check) -> str:
    return f"{GATE_SIGNS[check.status]} {check.verdict}"


def _arms(findings: Findings) -> _Part | None:
    """Folds a table of all arms."""
    columns = ["arm", f"{metric_name(findings.metric.name)}, 95% interval", "seeds"]
    return _folded(counted(len(findings.arms), "arm"), columns, arm_cells(findings), what="arm")


def _effects(findings: Findings) -> _Part | None:
    """Folds a table of all effects, with the intervals that decide their verdicts."""
    columns = ["effect", "estimate, adjusted 95% interval", "seeds", "verdict"]
    return _folded(
        counted(len(findings.effects), "effect"), columns, effect_cells(findings), what="effect"
    )


def _folded(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, what: str
) -> _Part | None:
    """Makes a table that a reader opens by its title; none where it has no rows."""
    lines = tuple(_rows(rows))
    if not lines:
        return None
    head = f"<details><summary>{title}</summary>\n\n{_row(columns)}{'|---' * len(columns)}|\n"
    return _Part(head, lines, "\n</details>\n\n", what)


def _rows(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(escape_comment(shortened(cell, _CELL)) for cell in cells)} |\n"


def _paragraph(text: str) -> str:
    return escape_comment(shortened(text, _PARAGRAPH))
