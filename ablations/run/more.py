"""Trials that are found while others run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ablations.core.study import Trial

More = Callable[[], Sequence[Trial]]
"""Says which trials come after those that have ended; none ends the run."""


def no_more() -> Sequence[Trial]:
    """Ends a run with the trials that it was given."""
    return ()
