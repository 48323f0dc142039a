"""Checksums of stored records, so that a flipped bit never counts as something measured."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import get_args

from ablations.core.record import Training
from ablations.core.training import RULE

_ENCODE = json.JSONEncoder(default=repr, check_circular=False).encode
"""What ``json.dumps(value, default=repr)`` returns, without making an encoder each time."""

_WORDS: dict[str, Training] = {word: word for word in get_args(Training)}

_LAST = re.compile(r',"checksum":"([0-9a-f]{32})"}$')


def checksum(*parts: object) -> str:
    """Returns 32 hex digits for texts, numbers, rows of them, and bytes, in this order.

    Example:
        >>> checksum("a", ["b", 0.5]) == checksum("a", ("b", 0.5)) != checksum("ab", [0.5])
        True
    """
    texts = [part if isinstance(part, bytes) else _text(part).encode() for part in parts]
    # Without its length the end of one part could pass to the next.
    sized = b"".join([b"%d:%s" % (len(raw), raw) for raw in texts])
    return blake2b(sized, digest_size=16).hexdigest()


def _text(part: object) -> str:
    return str(part) if type(part) is int else _ENCODE(part)  # what the encoder gives, but slower


def judged(training: Training, body: str) -> str:
    """Returns how a store notes whether a network trained, for the body with this checksum."""
    seal = blake2b(f"{RULE} {training} {body}".encode(), digest_size=8)
    return f"{training} {seal.hexdigest()}"


def judgement(noted: str, body: str) -> Training | None:
    """Returns what `judged` noted; ``None`` if it is of another body, or by another rule."""
    found = _WORDS.get(noted.partition(" ")[0])
    return found if found is not None and noted == judged(found, body) else None


def of_document(values: object) -> str:
    """Returns the checksum of JSON values, whose keys are texts, in any order and layout."""
    return checksum(json.dumps(values, sort_keys=True))


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
