"""Says in which settings runs differ, so that they are not compared."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.findings import Unlike
from ablations.text.formatting import listing, setting


def otherwise(unlike: Sequence[Unlike]) -> str:
    """Says in which settings ours differ from what was published: ``epochs 2 instead of 20``."""
    return listing([_otherwise(one) for one in unlike])


def _otherwise(one: Unlike) -> str:
    name = one.name.replace("_", " ")
    if any(isinstance(value, list | tuple | dict) for value in (one.published, one.ours)):
        return f"other {name}"
    ours, published = ("none" if v is None else setting(v) for v in (one.ours, one.published))
    return f"{name} {ours} instead of {published}"
