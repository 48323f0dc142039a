"""Checks single values that a training function reports, where it reports them.

Each function returns the value in the form that records hold, or raises ``TypeError`` or
``ValueError`` with a line that says which value, what it should be, and what was received.
"""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Collection
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

LONGEST_NAME = 200
"""Characters of a name; longer ones fit no table and no path."""

LONGEST_TEXT = 1_000_000
"""Characters of a text such as a caption."""

LARGEST_BYTES = 500_000_000
"""Bytes of one array or picture; SQLite holds a value of at most a thousand million."""

_LARGEST_INTEGER = 2**62

_PNG = b"\x89PNG\r\n\x1a\n"

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 80

Text = TypeVar("Text", bound=str)


def complaint(problem: str, received: object) -> str:
    """Writes what is wrong and, shortened, what was received."""
    return f"{problem}. Received: {_SHOWN.repr(received)}."


def plain(value: float) -> str:
    """Writes a number in an error as one would type it, with six digits at most.

    Example:
        >>> plain(95.0), plain(0.5)
        ('95', '0.5')
    """
    return f"{value:g}"


def grouped(n: int) -> str:
    """Writes a limit in an error, with commas between thousands."""
    return f"{n:,}"


def text(place: str, value: object, *, longest: int = LONGEST_TEXT) -> str:
    """Returns plain text that UTF-8 can hold.

    Raises:
        TypeError: if it is not text.
        ValueError: if it is too long, or holds half of a surrogate pair.
    """
    if not isinstance(value, str):
        raise TypeError(complaint(f"{place} must be text", value))
    if len(value) > longest:
        raise ValueError(
            complaint(f"{place} may have {grouped(longest)} characters at most", value)
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(complaint(f"{place} holds a lone surrogate", value)) from error
    return str(value)  # also of a subclass, which need not cross to another process


def name(place: str, value: object) -> str:
    """Returns text that can name something: not blank, not long, without control characters."""
    plain = text(place, value, longest=LONGEST_NAME)
    if not plain.strip():
        raise ValueError(complaint(f"{place} is blank", value))
    if any(unicodedata.category(character) == "Cc" for character in plain):
        raise ValueError(complaint(f"{place} holds a control character", value))
    return plain


def choice(place: str, value: object, allowed: Collection[Text]) -> Text:
    """Returns one of the words that are allowed."""
    for word in allowed:
        if isinstance(value, str) and value == word:
            return word
    raise ValueError(complaint(f"{place} must be one of {', '.join(allowed)}", value))


def number(place: str, value: object) -> float:
    """Returns a real number, which need not be finite, of Python, NumPy or a framework.

    Text such as ``"0.5"`` is more likely a mistake than a number.
    """
    plain: Any = value
    if isinstance(value, np.ndarray) and value.size == 1:
        plain = value.item()
    if isinstance(plain, str | bytes | bytearray | complex | np.complexfloating):
        raise TypeError(complaint(f"{place} must be a number", value))
    try:
        return float(plain)
    except OverflowError as error:
        raise ValueError(complaint(f"{place} is too large for a number", value)) from error
    except (TypeError, ValueError) as error:
        raise TypeError(complaint(f"{place} must be a number", value)) from error


def durations(place: str, seconds: ArrayLike) -> NDArray[np.float64]:
    """Returns finite durations of at least 0, shape (step,), as a copy."""
    found = _numbers(place, seconds, kinds="iuf").astype(np.float64)
    if found.ndim != 1:
        raise ValueError(f"{place} must be a list. Received: an array of shape {found.shape}.")
    wrong = found[~(np.isfinite(found) & (found >= 0))]
    if wrong.size:
        raise ValueError(complaint(f"{place} must be finite and at least 0", wrong[0].item()))
    return found


def classes(place: str, labels: ArrayLike) -> NDArray[np.int64]:
    """Returns class numbers from 0 in the shape that they have; a copy."""
    found = _numbers(place, labels, kinds="biuf")
    wrong = found[~((found >= 0) & (found <= _LARGEST_INTEGER) & (found == np.floor(found)))]
    if wrong.size:
        raise ValueError(complaint(f"{place} must be whole numbers from 0", wrong[0].item()))
    return found.astype(np.int64)


def probabilities(place: str, values: ArrayLike) -> NDArray[np.float32]:
    """Returns numbers of 0 to 1, or not finite ones, in the shape that they have; a copy."""
    found = _numbers(place, values, kinds="biuf")
    with np.errstate(over="ignore"):  # beyond the range of 32 bits becomes infinite
        found = found.astype(np.float32)
    wrong = found[np.isfinite(found) & ((found < -1e-3) | (found > 1 + 1e-3))]
    if wrong.size:
        cure = "the outputs of a softmax, not the numbers before it"
        raise ValueError(complaint(f"{place} must be of 0 to 1: {cure}", wrong[0].item()))
    return found


def _numbers(place: str, values: ArrayLike, *, kinds: str) -> NDArray[Any]:
    try:
        found = np.asarray(values)
    except (TypeError, ValueError) as error:  # such as rows of unlike lengths
        raise type(error)(complaint(f"{place} must be an array of numbers", values)) from error
    if found.dtype.kind not in kinds and found.size:
        raise TypeError(complaint(f"{place} must be an array of numbers", values))
    if found.nbytes > LARGEST_BYTES:
        raise ValueError(
            f"{place} may have {grouped(LARGEST_BYTES)} bytes at most. "
            f"Received: {grouped(found.nbytes)} bytes."
        )
    return found if found.size else np.zeros(found.shape)


def png(place: str, picture: object) -> bytes:
    """Returns the bytes of a PNG picture."""
    if not isinstance(picture, bytes | bytearray | memoryview):
        raise TypeError(complaint(f"{place}: the picture must be bytes of a PNG", picture))
    found = bytes(picture)
    if not found.startswith(_PNG) or len(found) > LARGEST_BYTES:
        raise ValueError(complaint(f"{place}: the picture is no PNG of a usual size", found[:8]))
    return found
