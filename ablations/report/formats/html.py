"""Sets pages as HTML: the report as one page, and the pages of a site."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from ablations.report.blocks import Page, Prose
from ablations.report.figures.theme import DARK, LIGHT, SANS, css_variables
from ablations.text.escaping import printable

if TYPE_CHECKING:  # a site that has not changed sets no page
    from jinja2 import Environment

_THEME = {
    "light": Markup(f"{css_variables(LIGHT)}--sans:{SANS}"),  # noqa: S704 - our own colours
    "dark": Markup(css_variables(DARK)),  # noqa: S704 - our own colours
}


def html(page: Page) -> dict[str, str | bytes]:
    """Returns the page of a report, with its contents and all of its sections."""
    return {"index.html": render_html("report.html.j2", page)}


def render_html(template: str, page: object) -> str:
    """Sets a page as HTML."""
    return _environment().get_template(template).render(page=page, theme=_THEME)


@cache
def _environment() -> Environment:
    from ablations.report.formats.templates import environment_of

    environment = environment_of(_printable)
    environment.filters["answer"] = answer
    return environment


def answer(page: Page) -> str:
    """Returns the answer to the study's question, which also describes the page."""
    texts = (b.text for b in page.opening if isinstance(b, Prose) and b.style == "answer")
    return " ".join(texts)


def _printable(value: object) -> Markup | str:
    return value if isinstance(value, Markup) else printable(str(value))
