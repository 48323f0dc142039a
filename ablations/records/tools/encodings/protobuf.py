"""Reads messages of Protocol Buffers, field by field, without their description.

The encoding: https://protobuf.dev/programming-guides/encoding/. What is cut short raises
``ValueError``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

Value = int | bytes
"""A whole number, or the bytes of a text, a message, an array or a floating-point number."""


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Yields the fields of a message with their numbers, in their order.

    Example:
        >>> [*fields(bytes([8, 150, 1, 18, 2, 104, 105]))]
        [(1, 150), (2, b'hi')]
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind not in _SIZES and kind != 2:
            raise ValueError(f"a field of kind {kind}")
        size, at = (_SIZES[kind], at) if kind in _SIZES else _varint(message, at)
        if at + size > len(message):
            raise ValueError("a message that is cut short")
        yield number, message[at : at + size]
        at += size


_SIZES = {1: 8, 5: 4}


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number that is cut short")


def last(message: bytes) -> Mapping[int, Value]:
    """Returns the last value of each field, which counts for a field that occurs once."""
    return dict(fields(message))


def text(value: Value | None) -> str:
    """Returns the text of a field; nothing where it is missing."""
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def whole(value: Value | None) -> int:
    """Returns the signed whole number of a field; 0 where it is missing."""
    if not isinstance(value, int):
        return 0
    return value - (1 << 64) if value >= 1 << 63 else value


def floats(value: Value, form: str) -> tuple[float, ...]:
    """Returns packed numbers in one of the forms of `struct`, such as ``f`` or ``d``."""
    if not isinstance(value, bytes):
        return (float(whole(value)),)
    size = struct.calcsize(f"<{form}")
    return struct.unpack(f"<{len(value) // size}{form}", value[: len(value) // size * size])
