"""Keeps text of records from being obeyed by a terminal."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All that moves a cursor or more, apart from tabs and new lines."""


def harmless(text: str) -> str:
    r"""Puts a replacement for each control character.

    Example:
        >>> harmless("\x1b[2J gone")
        '�[2J gone'
    """
    return _CONTROL.sub("\ufffd", text)
