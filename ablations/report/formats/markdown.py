"""Sets a report, and a post of a blog, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from ablations.report.blocks import Page
from ablations.report.formats.templates import environment_of
from ablations.text.escaping import escape_entities, escape_markdown, fence, quote_yaml


def markdown(page: Page) -> dict[str, str | bytes]:
    """Returns the page as one Markdown file of its name."""
    return {f"{page.name}.md": render_markdown("report.md.j2", page)}


def render_markdown(template: str, page: object) -> str:
    """Sets a page as Markdown, with one blank line at most between two paragraphs."""
    text = _environment().get_template(template).render(page=page)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _environment() -> Environment:
    # Autoescaping trusts what `finalize` returns, so Markdown's own escaping takes its place.
    environment = environment_of(_escaped)
    filters: dict[str, Callable[..., str]]
    filters = {"entities": escape_entities, "fence": fence, "quoted": quote_yaml, "verbatim": str}
    environment.filters |= {name: _trusted(own) for name, own in filters.items()}
    return environment


def _trusted(escape: Callable[..., str]) -> Callable[..., Markup]:
    return lambda *given: Markup(escape(*given))  # noqa: S704 - each has escaped it in its own way


def _escaped(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape_markdown(str(value)))  # noqa: S704 - escaped here
