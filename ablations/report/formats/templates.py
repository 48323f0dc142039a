"""How every format finds its templates and lets them walk sections and blocks."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment_of(finalize: Callable[[object], str]) -> Environment:
    """Returns an environment for the templates, in which a name that is unknown is an error.

    Args:
        finalize: Makes every value that a template prints safe for its format.
    """
    environment = Environment(
        loader=PackageLoader("ablations.templates", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment
