r"""Writes the tables of a paper in LaTeX: arms and effects, each with and without intervals.

``\input`` a file within a table. It needs the packages booktabs and siunitx, whose columns align
the numbers at their points. Everything is escaped, so that a name is never a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ablations.core.estimates import ends
from ablations.core.findings import Decision, Findings
from ablations.text.escaping import escape_latex
from ablations.text.formatting import Scale, metric_name, scale_for, sentence
from ablations.text.naming import arm_label, effect_label
from ablations.text.sentences import decisive

Ends = tuple[float, float] | None
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?")


@dataclass(frozen=True, slots=True)
class _Row:
    """A name, a number with the ends of its interval, its seeds, and a last word."""

    name: str
    value: float | None
    bounds: Ends
    n: int
    word: str = ""


def latex(decision: Decision) -> dict[str, str | bytes]:
    """Returns a file for each table; one of no rows is left out."""
    arms, effects = _arms(decision.findings), _effects(decision.findings)
    return {**_files("arms", arms), **(_files("effects", effects) if effects[1] else {})}


Content = tuple[list[str], list[_Row], Scale]
"""The headings of name, number, interval and last word; the rows; and how numbers are shown."""


def _arms(findings: Findings) -> Content:
    found = [(arm.arm, arm.summaries.get(findings.metric.name)) for arm in findings.arms]
    rows = [
        _Row(arm_label(findings.study, arm), s.mean, ends(s.interval), s.n)
        if s
        else _Row(arm_label(findings.study, arm), None, None, 0)
        for arm, s in found
    ]
    scale = scale_for(findings.metric.unit, [row.value for row in rows])
    return ["Arm", metric_name(findings.metric.name), "95% interval", ""], rows, scale


def _effects(findings: Findings) -> Content:
    rows = [
        _Row(effect_label(findings, e), e.estimate, ends(decisive(e)), e.n, e.verdict)
        for e in findings.effects
    ]
    scale = scale_for(findings.metric.unit, [row.value for row in rows], signed=True)
    return ["Effect", "change", "adjusted 95% interval", "Verdict"], rows, scale


def _files(name: str, content: Content) -> dict[str, str | bytes]:
    return {
        f"{name}.tex": _table(content, intervals=True),
        f"{name}-without-intervals.tex": _table(content, intervals=False),
    }


def _table(content: Content, *, intervals: bool) -> str:
    """Sets a table; numbers are shown in one unit, which the headings name."""
    (name, value, bounds, word), rows, scale = content
    unit = f" ({scale.suffix.strip()})" if scale.suffix.strip() else ""
    columns = [[scale.bare(row.value) for row in rows]]
    if intervals:
        columns += [[scale.bare(row.bounds and row.bounds[end]) for row in rows] for end in (0, 1)]
    columns.append([str(row.n) for row in rows])
    heads = [_head(sentence(value) + unit), *([_head(sentence(bounds), 2)] if intervals else [])]
    heads = [escape_latex(name), *heads, _head("Seeds"), *([escape_latex(word)] if word else [])]
    kinds = ["l", *(_aligned(column) for column in columns), *(["l"] if word else [])]
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage{siunitx}.",
        rf"\begin{{tabular}}{{{' '.join(kinds)}}}",
        r"\toprule",
        _line(heads),
        r"\midrule",
        *(_line(cells) for cells in _cells(rows, columns, word=bool(word))),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _cells(
    rows: Sequence[_Row], columns: Sequence[Sequence[str]], *, word: bool
) -> Iterable[list[str]]:
    """Yields the cells of each row; what is unknown is a dash, which is no number."""
    for place, row in enumerate(rows):
        numbers = [column[place] or "{--}" for column in columns]
        yield [escape_latex(row.name), *numbers, *([escape_latex(row.word)] if word else [])]


def _head(words: str, columns: int = 1) -> str:
    text = escape_latex(words)
    return f"{{{text}}}" if columns == 1 else rf"\multicolumn{{{columns}}}{{c}}{{{text}}}"


def _line(cells: Iterable[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _aligned(column: Sequence[str]) -> str:
    """Returns a column of siunitx that is as wide as its widest number."""
    parts = [found.groups() for cell in column if (found := _NUMBER.fullmatch(cell))]
    minus = "-" if any(sign for sign, *_ in parts) else ""
    whole = max((len(digits) for _, digits, *_ in parts), default=1)
    behind = max((len(digits or "") for _, _, digits, _ in parts), default=0)
    power = max((len(digits.lstrip("+")) for *_, digits in parts if digits), default=0)
    exponent = f"e{power}" if power else ""
    return f"S[table-format={minus}{whole}.{behind}{exponent}]"
