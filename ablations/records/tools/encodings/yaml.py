"""Reads the plain values of YAML files: all that tools write of parameters.

Lists, and objects of Python, stay text: nothing of a file is ever run.
"""

from __future__ import annotations

import json
import re

_LINE = re.compile(r"""( *)("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#'"-][^:]*?):(?: +(.*))?""")


def values_of(text: str) -> dict[str, str]:
    r"""Returns the values of a document by their keys; keys within others have a dot.

    Example:
        >>> values_of("lr: 0.1\nmodel:\n  base: 'none'\nname: \"\\u00e4\"\n")
        {'lr': '0.1', 'model.base': 'none', 'name': 'ä'}
    """
    found: dict[str, str] = {}
    open_keys: list[tuple[int, str]] = []
    for line in text.splitlines():
        if not (parts := _LINE.fullmatch(line.rstrip())):
            continue
        depth, name, value = len(parts[1]), _plain(parts[2]), parts[3]
        open_keys = [(own, key) for own, key in open_keys if own < depth]
        if value is None:
            open_keys.append((depth, name))
        else:
            found[".".join([*(key for _, key in open_keys), name])] = _plain(value)
    return found


def _plain(text: str) -> str:
    if text.startswith("'") and text.endswith("'") and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text.startswith('"') and text.endswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text
