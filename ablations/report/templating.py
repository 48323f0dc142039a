"""The only place that knows Jinja2: pages in, HTML and Markdown out."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ablations.report.palette import DARK, LIGHT, SANS, css_variables
from ablations.report.views import IndexPage, PostPage, ReportPage

Page = ReportPage | IndexPage | PostPage

_MARKS = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")
_THEME = {
    "light": f"{css_variables(LIGHT)}--wash:#f4f5f6;--shade:#1d1f2126;--vermillion-text:#b54a00;--sans:{SANS}",
    "dark": f"{css_variables(DARK)}--wash:#1e2226;--shade:#00000080;--vermillion-text:#ff8a4c",
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
    environment.filters["verbatim"] = Markup
    environment.filters["quoted"] = lambda text: Markup(json.dumps(text, ensure_ascii=False))  # noqa: S704 - a quoted YAML string
    return environment


def _escaped(value: Any) -> Any:
    return value if isinstance(value, Markup) else Markup(escape_markdown(str(value)))  # noqa: S704 - escaped here


def escape_markdown(text: str) -> str:
    r"""Makes text mean itself in Markdown: no markup, no HTML, no second line.

    Example:
        >>> escape_markdown("a|b <script> test_accuracy *x*")
        'a\\|b &lt;script&gt; test_accuracy \\*x\\*'
    """
    flat = " ".join(text.split()) if any(mark in text for mark in "\n\r\t") else text
    entities = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(lambda mark: f"\\{mark[0]}", entities)
