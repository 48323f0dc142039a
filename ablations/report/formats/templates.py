"""How every format finds its templates and lets them walk sections and blocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
)

OURS = "ablations"
"""What stands, with a slash, before the name of a template that is ours whatever the look."""


def environment_of(finalize: Callable[[object], str], look: Path | None = None) -> Environment:
    """Returns an environment for the templates, in which a name that is unknown is an error.

    Args:
        finalize: Makes every value that a template prints safe for its format.
        look: A folder whose templates take the place of ours.
    """
    ours = PackageLoader("ablations.templates", "")
    own = [FileSystemLoader(look)] if look else []
    environment = Environment(
        loader=ChoiceLoader([*own, PrefixLoader({OURS: ours}), ours]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment
