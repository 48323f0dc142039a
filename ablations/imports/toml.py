"""Writes values as TOML; the standard library only reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def text(value: str) -> str:
    r"""Returns a text in quotes.

    Example:
        >>> print(text('say "é"\n'))
        "say \"é\"\n"
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(name: str) -> str:
    """Returns a key, in quotes where it needs them.

    Example:
        >>> print(key("test_acc"), key("test/acc"))
        test_acc "test/acc"
    """
    return name if _BARE.fullmatch(name) else text(name)


def value(found: object) -> str:
    """Returns any value of a setting; nothing, which TOML lacks, as the text ``None``.

    Example:
        >>> print(value({"a": [1, True, 0.5], "b": None}))
        { a = [1, true, 0.5], b = "None" }
    """
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, int | float):
        return repr(found)
    if isinstance(found, list | tuple):
        return f"[{', '.join(map(value, found))}]"
    if isinstance(found, Mapping):
        pairs = ", ".join(f"{key(str(k))} = {value(own)}" for k, own in found.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return text(str(found))
