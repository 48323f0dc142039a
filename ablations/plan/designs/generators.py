"""The generators of two-level fractions that confound least."""

from __future__ import annotations

LEAST_ABERRATION = {
    (3, 1): "ab",
    (4, 1): "abc",
    (5, 1): "abcd",
    (5, 2): "ab ac",
    (6, 1): "abcde",
    (6, 2): "abc bcd",
    (6, 3): "ab ac bc",
    (7, 1): "abcdef",
    (7, 2): "abcd abde",
    (7, 3): "abc bcd acd",
    (7, 4): "ab ac bc abc",
    (8, 2): "abcd abef",
    (8, 3): "abc abd bcde",
    (8, 4): "bcd acd abc abd",
    (9, 2): "acdfg bcefg",
    (9, 3): "abcd acef cdef",
    (9, 4): "bcde acde abde abce",
    (9, 5): "abc bcd acd abd abcd",
    (10, 3): "abcd abef aceg",
    (10, 4): "bcdf acdf abde abce",
    (10, 5): "abcd abce abde acde bcde",
    (10, 6): "abc bcd acd abd abcd ab",
    (11, 5): "cde abcd abf bdef adef",
    (11, 6): "abc bcd cde acd ade bde",
    (11, 7): "abc bcd acd abd abcd ab ac",
}
"""Generators by (factors, halvings). Source: Montgomery (2017), "Design and Analysis of
Experiments", 9th ed., table 8.14, after Box, Hunter and Hunter."""
