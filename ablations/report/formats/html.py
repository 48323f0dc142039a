"""Sets pages as HTML: the report as one page, and the pages of a site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from ablations.report.blocks import Page, Prose
from ablations.report.figures.theme import DARK, LIGHT, SANS, css_variables
from ablations.report.formats.policy import sealed
from ablations.text.escaping import printable
from ablations.text.ordering import place

if TYPE_CHECKING:  # a site that has not changed sets no page
    from jinja2 import Environment

_THEME = {
    "light": Markup(f"{css_variables(LIGHT)}--sans:{SANS}"),  # noqa: S704 - our own colours
    "dark": Markup(css_variables(DARK)),  # noqa: S704 - our own colours
    "script": Markup((files("ablations.templates") / "page.min.js").read_text("utf-8").strip()),  # noqa: S704 - our own
}


def html(page: Page) -> dict[str, str | bytes]:
    """Returns the page of a report, with its contents and all of its sections."""
    return {"index.html": render_html("report.html.j2", page)}


def render_html(template: str, page: object) -> str:
    """Sets a page as HTML, in the look of the user's own if there is one.

    Raises:
        StudyError: if a template of that look cannot be used.
    """
    look = _look.get()
    environment = look.environment if look else _ours()
    try:
        text = environment.get_template(template).render(page=page, theme=_THEME)
    except Exception as error:
        from ablations.report.formats.look import template_error

        if look is None or (own := template_error(error, look.folder)) is None:
            raise
        raise own from error
    if look:
        from ablations.report.formats.look import require_allowed

        require_allowed(text, look.folder / template)
    return sealed(text)


@dataclass(frozen=True, slots=True)
class _Look:
    """A folder of the user's, and the environment that finds its templates before ours."""

    folder: Path
    environment: Environment


_look: ContextVar[_Look | None] = ContextVar("look", default=None)


@contextmanager
def looking(folder: Path | None) -> Iterator[None]:
    """Sets pages with the templates of a folder in the place of ours, as long as it lasts.

    Raises:
        StudyError: if one of them cannot be used.
    """
    if folder is None:
        yield
        return
    from ablations.report.formats.look import check_look

    look = _Look(folder, _environment(folder))
    check_look(look.environment, folder)
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)


def own_style() -> Markup:
    """Returns the style sheet of the user's look, which follows ours; empty if there is none."""
    look = _look.get()
    if look is None:
        return Markup()
    from ablations.report.formats.look import look_style

    return Markup(look_style(look.folder))  # noqa: S704 - the user's own, and it ends no element


@cache
def _ours() -> Environment:
    return _environment(None)


def _environment(look: Path | None) -> Environment:
    from ablations.report.formats.templates import environment_of

    environment = environment_of(_printable, look)
    environment.filters["answer"] = answer
    environment.filters["place"] = place
    return environment


def answer(page: Page) -> str:
    """Returns the answer to the study's question, which also describes the page."""
    texts = (b.text for b in page.opening if isinstance(b, Prose) and b.style == "answer")
    return " ".join(texts)


def _printable(value: object) -> Markup | str:
    return value if isinstance(value, Markup) else printable(str(value))
