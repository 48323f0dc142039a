"""Says of several studies what limits a page about all of them."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.several import Member
from ablations.text.formatting import counted, listing

MOST = 6
"""The most names in one sentence."""


def shortened(names: Sequence[str]) -> str:
    """Joins names as a sentence does, the first ones of many."""
    more = len(names) - MOST
    return listing([*names[:MOST], f"{more} more"] if more > 1 else names)


def missing_caveat(members: Sequence[Member]) -> str:
    """Says where trials have no result; nothing where all have one."""
    lacking = [
        f"{own.name} ({own.n_planned - own.n_completed} of {counted(own.n_planned, 'trial')})"
        for own in members
        if own.n_completed < own.n_planned
    ]
    return f"Trials are missing or failed: {listing(lacking)}." if lacking else ""


def adaptive_caveat(members: Sequence[Member]) -> str:
    """Says which studies chose their number of seeds by the results."""
    names = [own.name for own in members if own.study.adaptive]
    if not names:
        return ""
    return (
        f"Seeds were added while effects were undecided in {listing(names)}. Effects of such "
        "studies tend to come out a little too large."
    )
