"""Reads words back as numbers, so that a reader can sort a column of any units."""

from __future__ import annotations

import re
from datetime import datetime

from ablations.text.formatting import MINUS, THIN

_NUMBER = re.compile(rf"([-{MINUS}]?)(\d[\d{THIN}]*(?:\.\d+)?)(?:×10([⁻⁰¹²³⁴-⁹]+))?")
_UNITS = {
    "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0,
    "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "GiB": 2.0**30,
    **{f"{prefix}FLOP": 10.0**power for prefix, power in
       {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15}.items()},
}  # fmt: skip
"""What a unit is in the smallest one of its kind."""

_UNIT = re.compile(rf"[ {THIN}]?({'|'.join(sorted(_UNITS, key=len, reverse=True))})\b")
_LAST = re.compile(rf"[\d\])][ {THIN}]?({'|'.join(_UNITS)})$")
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_DAY = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}")


def place(cell: str, *, numeric: bool) -> str:
    """Returns where a cell stands in the order of its column; empty where its own words say so.

    Words of numbers say it themselves where no unit or power of ten makes them larger or smaller:
    the first number in them counts, which of an interval is the lower end.

    Args:
        cell: The words.
        numeric: Whether its column holds numbers; if not, only days have a place.

    Example:
        >>> place("4.1\u202fms", numeric=True), place("2\u202fmin 5\u202fs", numeric=True)
        ('0.0041', '125')
        >>> place("95.4%", numeric=True), place("3 May 2026", numeric=False)
        ('', '739739')
    """
    if not numeric:
        return _day(cell)
    found = _NUMBER.search(cell)
    if found is None:
        return ""
    after = cell[found.end(2 if found[3] is None else 3) :]
    unit = _UNIT.match(after) or _LAST.search(cell)
    if unit is None and found[3] is None:
        return ""
    value = _value(found) * (_UNITS[unit[1]] if unit else 1.0)
    if unit and (more := _NUMBER.match(after[unit.end() :].lstrip(" "))):
        rest = after[unit.end() :].lstrip(" ")[more.end() :]
        value += _value(more) * _UNITS.get(rest.strip(THIN + " "), 0.0) if rest else 0.0
    return f"{-value if found[1] else value:.6g}"


def _value(found: re.Match[str]) -> float:
    power = (found[3] or "").translate(_RAISED)
    return float(f"{found[2].replace(THIN, '')}e{power or 0}")


def _day(cell: str) -> str:
    if not _DAY.fullmatch(cell):
        return ""
    try:
        return str(datetime.strptime(cell, "%d %B %Y").toordinal())  # noqa: DTZ007 - only a day
    except ValueError:
        return ""
