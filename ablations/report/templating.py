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

_MARKS = re.compile(
    r"(?P<interval>\[[+−\d., \u202f]+\](?![(\[:]))"  # plain numbers are no link
    r"|[\\`*\[\]|~]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=#?\w+;)"
)
_ENTITIES = {"<": "&lt;", "&": "&amp;"}
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
        >>> escape_markdown("a|b <script> test_accuracy *x* [93.1, 96.8]")
        'a\\|b &lt;script> test_accuracy \\*x\\* [93.1, 96.8]'
    """
    flat = re.sub(r"[\t\r\n\f\v]+", " ", text)
    return _MARKS.sub(_escaped_mark, flat)


def _escaped_mark(found: re.Match[str]) -> str:
    return found["interval"] or _ENTITIES.get(found[0]) or f"\\{found[0]}"
