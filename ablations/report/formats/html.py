"""The only place that knows Jinja2: pages in, HTML and Markdown out."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ablations.report.figures.theme import DARK, LIGHT, SANS, css_variables
from ablations.report.views import IndexPage, PostPage, ReportPage
from ablations.text.escaping import (
    escape_entities,
    escape_markdown,
    fence,
    printable,
    quote_yaml,
)

Page = ReportPage | IndexPage | PostPage

_THEME = {
    "light": f"{css_variables(LIGHT)}--sans:{SANS}",
    "dark": css_variables(DARK),
}


def render_html(template: str, page: Page) -> str:
    """Sets a page as HTML."""
    return _html().get_template(template).render(page=page, theme=_SAFE_THEME)


def render_markdown(template: str, page: Page) -> str:
    """Sets a page as Markdown, with one blank line at most between two paragraphs."""
    text = _markdown().get_template(template).render(page=page)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


_SAFE_THEME = {name: Markup(css) for name, css in _THEME.items()}  # noqa: S704 - our own colours


@cache
def _html() -> Environment:
    return Environment(
        loader=PackageLoader("ablations.templates", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _markdown() -> Environment:
    # Autoescaping trusts what `finalize` returns, so Markdown's own escaping takes its place.
    environment = Environment(
        loader=PackageLoader("ablations.templates", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_escaped,
        keep_trailing_newline=True,
        trim_blocks=False,
    )
    filters: dict[str, Callable[..., str]]
    filters = {"entities": escape_entities, "fence": fence, "quoted": quote_yaml, "verbatim": str}
    environment.filters |= {name: _trusted(own) for name, own in filters.items()}
    return environment


def _trusted(escape: Callable[..., str]) -> Callable[..., Markup]:
    return lambda *given: Markup(escape(*given))  # noqa: S704 - each has escaped it in its own way


def _escaped(value: Any) -> Any:
    return value if isinstance(value, Markup) else Markup(escape_markdown(str(value)))  # noqa: S704 - escaped here


def _printable(value: Any) -> Any:
    return value if isinstance(value, Markup) else printable(str(value))
