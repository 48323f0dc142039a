"""Checksums of stored records, so that a flipped bit never counts as something measured."""

from __future__ import annotations

import json
import re
from hashlib import blake2b

_LAST = re.compile(r',"checksum":"([0-9a-f]{32})"}$')


def checksum(*parts: object) -> str:
    """Returns 32 hex digits for texts, numbers, rows of them, and bytes, in this order.

    Example:
        >>> checksum("a", ["b", 0.5]) == checksum("a", ("b", 0.5)) != checksum("ab", [0.5])
        True
    """
    found = blake2b(digest_size=16)
    for part in parts:
        raw = part if isinstance(part, bytes) else json.dumps(part, default=repr).encode()
        found.update(b"%d:" % len(raw))  # else the end of one part could pass to the next
        found.update(raw)
    return found.hexdigest()


def of_document(values: object) -> str:
    """Returns the checksum of JSON values, however they are laid out and ordered."""
    plain = json.loads(json.dumps(values))  # a key that is a number becomes text
    return checksum(json.dumps(plain, sort_keys=True))


def sealed(line: str) -> str:
    """Returns a line of JSON, an object, with the checksum of its text as the last entry."""
    return f'{line[:-1]},"checksum":"{checksum(line)}"}}'


def unsealed(line: str) -> str:
    """Returns the line that was `sealed`; a line without a checksum stays as it is.

    Raises:
        ValueError: if the checksum is that of another text.
    """
    if (found := _LAST.search(line)) is None:
        return line
    text = line[: found.start()] + "}"
    if checksum(text) != found[1]:
        raise ValueError("the checksum is that of another text: the line was changed since")
    return text
