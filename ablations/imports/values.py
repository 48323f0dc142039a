"""What a recorded text stands for: tools write numbers and truth values as text."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Hashable

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_TRUTH = {"true": True, "false": False}


def plain(value: object) -> object:
    """Returns a recorded value as the number or truth value that its text stands for.

    Example:
        >>> plain("0.10"), plain("True"), plain(" adam "), plain("nan"), plain("1e3")
        (0.1, True, 'adam', 'nan', 1000.0)
    """
    if value is None:
        return "None"
    if not isinstance(value, str):
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value
    text = unicodedata.normalize("NFC", value.strip())
    if text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    if not _NUMBER.fullmatch(text) or len(text) > 30:
        return text
    number = float(text)
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    return number if abs(number) < float("inf") else text


def same(value: object) -> Hashable:
    """Returns what equal values have in common: "0.1" and 0.10 are equal, 1 and true are not.

    Example:
        >>> same("0.1") == same(0.10), same(1) == same(True), same([1, 2]) == same([1, 3])
        (True, False, False)
    """
    found = plain(value)
    if isinstance(found, bool):
        return "truth", found
    if isinstance(found, int | float):
        return "number", found
    if isinstance(found, str):
        return "text", found
    return "other", json.dumps(found, sort_keys=True, default=str)


def shown(value: object) -> str:
    """Returns a value as messages show it.

    Example:
        >>> shown(True), shown(0.1), shown("adam")
        ('true', '0.1', 'adam')
    """
    found = plain(value)
    if isinstance(found, str):
        return found
    return json.dumps(found, ensure_ascii=False, default=str)
