r"""Writes the tables of a paper in LaTeX: arms and effects, each with and without intervals.

``\input`` a file within a table. It needs the packages booktabs and siunitx, whose columns align
the numbers at their points. Its first lines are comments with a caption. Everything is escaped, so
that a name is never a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ablations.core.findings import Decision
from ablations.report.formats.papers.contents import Numbers, PaperTable, paper_tables
from ablations.text.escaping import escape_latex
from ablations.text.formatting import resolved, scale_for, sentence

_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?")

Columns = tuple[list[str], list[list[str]]]
"""The heads of columns, one of which may span two of them, and the cells of each."""


def latex(decision: Decision) -> dict[str, str | bytes]:
    """Returns a file for each table; one of no rows is left out."""
    return {name: text for own in paper_tables(decision) for name, text in _files(own)}


def _files(table: PaperTable) -> Iterator[tuple[str, str]]:
    yield f"{table.name}.tex", _set(table, table.caption, intervals=True)
    yield f"{table.name}-without-intervals.tex", _set(table, table.bare_caption, intervals=False)


def _set(table: PaperTable, caption: str, *, intervals: bool) -> str:
    """Sets a table; the numbers of a column are shown in one unit, which its heading names."""
    heads, columns = [], []
    for numbers in table.numbers:
        own_heads, own_columns = _numbers(table, numbers, intervals=intervals)
        heads += own_heads
        columns += own_columns
    columns.append([str(n) for n in table.seeds])
    words = [[escape_latex(word) for word in table.verdicts]] if table.verdicts else []
    texts = [[escape_latex(cell) for cell in cells] for cells in table.texts.values()]
    shown = [[cell or "{--}" for cell in cells] for cells in columns]  # a dash is no number
    kinds = ["l" for _ in texts] + [_aligned(own) for own in columns] + ["l" for _ in words]
    names = [*map(escape_latex, table.texts), *heads, _head("Seeds"), *("Verdict" for _ in words)]
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage{siunitx}.",
        rf"% \caption{{{escape_latex(caption)}}}",
        rf"\begin{{tabular}}{{{' '.join(kinds)}}}",
        r"\toprule",
        _line(names),
        r"\midrule",
        *map(_line, zip(*texts, *shown, *words, strict=True)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _numbers(table: PaperTable, numbers: Numbers, *, intervals: bool) -> Columns:
    """Returns a column of numbers, and two of the ends of their intervals."""
    scale = scale_for(table.unit, numbers.values, signed=numbers.signed)
    for ends in numbers.bounds:
        scale = resolved(scale, ends)
    unit = f" ({scale.suffix.strip()})" if scale.suffix.strip() else ""
    heads = [_head(numbers.head + unit)]
    columns = [[scale.bare(value) for value in numbers.values]]
    if intervals:
        heads.append(_head(sentence(numbers.interval), 2))
        columns += [[scale.bare(own and own[end]) for own in numbers.bounds] for end in (0, 1)]
    return heads, columns


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
