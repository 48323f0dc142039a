"""A look of the user's own: a folder of templates that change ours block by block, and a style.

A template of the folder takes the place of ours of the same name, and extends ours as
``ablations/NAME``. What is wrong in it is the user's to correct, so it ends as one line.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, TemplateError, TemplateNotFound, TemplateSyntaxError, nodes

from ablations.errors import StudyError, meant
from ablations.report.formats.policy import rules_of
from ablations.report.formats.templates import OURS

STYLE = "style.css"
"""The style sheet of a look, which follows ours on every page."""

_CURE = "Correct this line; docs/site.md says what a look can change"


def look_style(folder: Path) -> str:
    """Returns the style sheet of a look, empty if it has none.

    Raises:
        StudyError: if it is no text, or would end the element that it is in.
    """
    path = folder / STYLE
    if not path.is_file():
        return ""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{path} is no text", received=str(error), cure="Save it as UTF-8"
        ) from None
    if "</style" in text.lower():
        line = text[: text.lower().index("</style")].count("\n") + 1
        raise StudyError(
            f"{path}:{line}: a style sheet cannot hold this, as it would end there",
            received="</style",
            cure="Write it without the elements around it, or as <\\/style within a string",
        )
    return text


def check_look(environment: Environment, folder: Path) -> None:
    """Makes sure that each template of a look takes the place of one, and each block of a block.

    Otherwise a misspelt name would have no effect, and nobody would know why.

    Raises:
        StudyError: if one does not, or cannot be read, with its file and line.
    """
    if not folder.is_dir():
        raise StudyError(
            "there is no such folder of a look",
            received=str(folder),
            cure="Name a folder with templates or a style.css; docs/site.md says more",
        )
    pages = _pages(environment)
    for path in sorted(folder.rglob("*.j2")):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith("_"):
            continue
        if name not in pages:
            raise StudyError(
                f"{path} takes the place of no template",
                received=name,
                cure=f"{meant(name, pages)}Name it as one of ours ({', '.join(pages)}), or with _ "
                "in front if another one includes it",
            )
        _check_blocks(environment, name, path)


def _pages(environment: Environment) -> list[str]:
    """Returns the names of our templates that are pages of their own."""
    own = [name.removeprefix(f"{OURS}/") for name in environment.list_templates() if "/" in name]
    return sorted(name for name in own if name.endswith(".html.j2") and not name.startswith("_"))


def _check_blocks(environment: Environment, name: str, path: Path) -> None:
    tree = _parsed(environment, name, path)
    parents = [own.template.value for own in tree.find_all(nodes.Extends)
               if isinstance(own.template, nodes.Const)]  # fmt: skip
    if not parents:
        return  # a page of its own
    if name in parents:
        raise StudyError(
            f"{path}: a template cannot extend itself",
            received=name,
            cure=f'Extend ours: {{% extends "{OURS}/{name}" %}}',
        )
    there = set(_blocks(environment, str(parents[0])))
    for block in tree.body:
        if isinstance(block, nodes.Block) and block.name not in there:
            raise StudyError(
                f"{path}:{block.lineno}: {parents[0]} has no block of this name",
                received=block.name,
                cure=f"{meant(block.name, there)}It has {', '.join(sorted(there))}",
            )


def _parsed(environment: Environment, name: str, path: Path) -> nodes.Template:
    try:
        return environment.parse(path.read_text(encoding="utf-8"), name, str(path))
    except (TemplateSyntaxError, UnicodeDecodeError) as error:
        raise template_error(error, path.parent) or error from error


def _blocks(environment: Environment, name: str) -> Iterator[str]:
    """Yields the blocks of a template and of those that it extends."""
    source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    tree = environment.parse(source, name)
    yield from (own.name for own in tree.find_all(nodes.Block))
    for own in tree.find_all(nodes.Extends):
        if isinstance(own.template, nodes.Const):
            yield from _blocks(environment, str(own.template.value))


def template_error(error: Exception, folder: Path) -> StudyError | None:
    """Returns what a template of the look did wrong, with its file and line; else ``None``."""
    own = f"{folder}/"
    if isinstance(error, TemplateSyntaxError) and (error.filename or "").startswith(own):
        place = f"{error.filename}:{error.lineno}"
        return StudyError(f"{place}: this is no template", received=_said(error), cure=_CURE)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(own)
    ]
    if not frames:
        return None
    place = f"{frames[-1].filename}:{frames[-1].lineno}"
    return StudyError(f"{place}: this template cannot be set", received=_said(error), cure=_CURE)


def _said(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error}"
    text = error.message if isinstance(error, TemplateSyntaxError) else str(error)
    words = (text or "").rstrip(".")
    return words if isinstance(error, TemplateError) else f"{type(error).__name__}: {words}"


def require_allowed(page: str, template: Path) -> None:
    """Makes sure that the policy of a page allows all styles and scripts that a look put into it.

    A browser would leave them out, and only its console would say so.

    Args:
        page: As the template was set, before its own styles and scripts are allowed.
        template: The path that the template has, or would have, in the look.

    Raises:
        StudyError: if something is not allowed.
    """
    rules = rules_of(page)
    if not rules:
        return
    found = _Inline(rules)
    found.feed(page)
    if found.refused:
        raise StudyError(
            f"{template}: the policy of the page does not allow this",
            received=found.refused[0],
            cure="Write styles into style.css of the look, and leave scripts out",
        )


class _Inline(HTMLParser):
    """Finds what a policy that allows the styles and scripts of the head does not allow."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        super().__init__()
        self.rules = rules
        self.in_head = True
        self.refused: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes elements outside of the head, and attributes that are a style or a script."""
        self.in_head &= tag != "body"
        inline = {"style": tag == "style" and not self.in_head,
                  "script": tag == "script" and not self.in_head}  # fmt: skip
        for name, _ in attrs:
            inline["style"] |= name == "style"
            inline["script"] |= name.startswith("on")
        for kind, is_there in inline.items():
            if is_there and "'" not in self.rules.get(f"{kind}-src", ""):
                self.refused.append(self.get_starttag_text() or tag)
