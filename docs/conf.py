"""The documentation as web pages: ``tox -e docs`` builds them with Sphinx, into ``site/docs``.

The pages of the reference are made from the program itself: the texts of ``--help``, the schema of
study files, and the docstrings of the public names. Notebooks are shown with the output that they
are committed with.
"""

from __future__ import annotations

import base64
import inspect
import json
import os
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.testing import CliRunner

import ablations
from ablations.cli.app import app
from ablations.plan import study_schema
from ablations.report.figures.theme import DARK, LIGHT, SANS, css_variables
from ablations.vision.recipe.words import WORDS, Word

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "ablations"
release = ablations.__version__
html_title = "ablations"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["look", "runs", "reports", "*.ipynb"]
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["own.css", "figures.css"]
templates_path: list[str] = []
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
myst_heading_anchors = 3
# Reports lie beside the documentation on the project's site; `_adapt` gives their addresses.
myst_url_schemes = {"http": None, "https": None, "site": "{{path}}"}

HERE = Path(__file__).parent
_Schema = dict[str, Any]
OF_THE_PROJECT = ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")
"""Documents of the folder above that are pages of ``project/`` here."""
NOTEBOOKS = ("tutorial", "post-a")
"""Notebooks that are pages of ``notebooks/`` here."""


def setup(sphinx: Sphinx) -> None:
    """Makes pages before anything is read, and lets links lead to pages and not to files."""
    sphinx.connect("builder-inited", _write_pages)
    sphinx.connect("source-read", _adapt)
    sphinx.connect("html-page-context", _describe)
    sphinx.connect("build-finished", _complete)


def _write_pages(_: Sphinx) -> None:
    pages = {f"reference/{name}": text for name, text in _reference_pages()}
    for name in OF_THE_PROJECT:
        text = (HERE.parent / f"{name}.md").read_text(encoding="utf-8")
        moved = re.sub(r"\]\((?!https?://|#)", "](../../", text).replace("](../../docs/", "](../")
        pages[f"project/{name}"] = moved
    pages |= {f"notebooks/{name}": _notebook(name) for name in NOTEBOOKS}
    files = {f"{name}.md": text for name, text in pages.items()} | {
        "_static/figures.css": _colours()
    }
    for name, text in files.items():
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _notebook(name: str) -> str:
    """Returns a notebook as a page: its text, its code, and the output that it was saved with."""
    cells = json.loads((HERE / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    lines: list[str] = []
    for place, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            # The page loads no picture from another host.
            lines += [re.sub(r"\[!\[(.*?)\]\(.*?\)\]", r"[\1]", source), ""]
            continue
        if "google.colab" in source:  # which readers of a page do not run
            continue
        lines += ["```python", source, "```", ""]
        for number, output in enumerate(cell["outputs"]):
            lines += [*_output(output, f"{name}-{place}-{number}"), ""]
    return _with_owner("\n".join(lines))


def _output(output: dict[str, Any], name: str) -> list[str]:
    """Returns what a cell has given: a figure, HTML, or text."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "image/png" in data:
        path = HERE / "notebooks" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base64.b64decode("".join(data["image/png"])))
        return [f"![The figure that this cell draws]({name}.png)"]
    if "text/html" in data:
        return ["```{raw} html", "".join(data["text/html"]), "```"]
    return ["```text", "".join(data["text/plain"]), "```"]


def _with_owner(text: str) -> str:
    """Names the owner of the repository that is published, whom its workflows know."""
    return text.replace("/OWNER/", f"/{os.environ.get('GITHUB_REPOSITORY_OWNER', 'OWNER')}/")


def _adapt(_: Sphinx, name: str, source: list[str]) -> None:
    """Points links to reports at those of the site, and links to documents above at their pages."""
    up = "../" * name.count("/")
    text = re.sub(
        r"^!\[(.*?)\]\((?:\.\./)+reports/(.+)/figures/(.+)\.svg\)$",
        _figure,
        source[0],
        flags=re.MULTILINE,
    )
    text = re.sub(r"\]\((?:\.\./)+reports/([^)]*)\)", lambda link: _link_report(link, up), text)
    for other in OF_THE_PROJECT:
        text = text.replace(f"]({up}../{other}.md", f"]({up}project/{other}.md")
    for notebook in NOTEBOOKS:
        text = text.replace(f"]({up}{notebook}.ipynb)", f"]({up}notebooks/{notebook}.md)")
    if name == "adr/README":
        text += "\n```{toctree}\n:glob:\n0*\n```\n"
    source[0] = text


def _link_report(link: re.Match[str], up: str) -> str:
    """Returns the address on the site of a report, or of the index for a folder of several."""
    place = Path(link[1])
    return f"](site:{up}../{place.parent if place.suffix else '.'}/index.html)"


def _figure(picture: re.Match[str]) -> str:
    """Returns a figure of a report as its page has it: wide, and narrow for a phone."""
    page = (HERE.parent / "reports" / picture[2] / "index.html").read_text(encoding="utf-8")
    after = page[page.index(f'<a href="#figure-{picture[3]}">') :]
    both = after[after.index("<svg") : after.index("</svg>", after.index("</svg>") + 1) + 6]
    own = f"{Path(picture[2]).name}-{picture[3]}-"
    # Ids are unique on a page, and a page of the documentation has figures of several reports.
    both = re.sub(r'( id="| href="#|url\(#)', rf"\g<1>{own}", both)
    both = re.sub(r' data-says="[^"]*"', "", both)
    return f'```{{raw}} html\n<div class="figure">\n{both}\n</div>\n```'


def _colours() -> str:
    """Returns the colours of the reports' figures, for light pages and for dark ones."""
    light, dark = css_variables(LIGHT), css_variables(DARK)
    return (
        f"body{{{light}}}\n"
        f"@media (prefers-color-scheme:dark){{body:not([data-theme=light]){{{dark}}}}}\n"
        f"body[data-theme=dark]{{{dark}}}\n"
        f".figure svg{{font-family:{SANS}}}\n"  # in which the figures were laid out
    )


def _describe(_: Sphinx, _name: str, _template: str, page: _Schema, _tree: object) -> None:
    """Tells search engines what a page is about, by its first paragraph."""
    found = re.search(r"<p>(.*?)</p>", page.get("body", ""), re.DOTALL)
    words = _one_line(re.sub(r"<[^>]*>", "", found[1] if found else "")).replace('"', "&quot;")
    about = textwrap.shorten(words, 200, placeholder=" …") or f"The documentation of {project}"
    page["metatags"] = page.get("metatags", "") + f'<meta name="description" content="{about}">'


NEEDED = {
    r'(<p class="caption" role="heading")(?! aria)': r'\1 aria-level="2"',
    r'(<aside class="sidebar-drawer")(?! aria)': r'\1 aria-label="Site"',
    r'(<aside class="toc-drawer[^"]*")(?! aria)': r'\1 aria-label="Page"',
    r"(<pre)(?=>)": r'\1 tabindex="0"',
    r"<th( class=[^>]*)?>(<p></p>)?</th>": r"<td\1></td>",
    r'(?<!</h1>)(?=<div id="search-results">)': "<h1>Search</h1>",
    r'(<div class="table-wrapper[^"]*")(?! tabindex)': r'\1 tabindex="0"',
}
"""What theme and pandas leave out: levels of headings, names of landmarks, the keyboard's way to
what scrolls sideways, cells that are no headings, and a title."""


def _complete(sphinx: Sphinx, error: Exception | None) -> None:
    """Adds to each page what readers with a keyboard or a screen reader need."""
    if error is not None or sphinx.builder.format != "html":
        return
    for path in Path(sphinx.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for left_out, complete in NEEDED.items():
            text = re.sub(left_out, complete, text)
        path.write_text(text, encoding="utf-8")


def _reference_pages() -> Iterator[tuple[str, str]]:
    yield "commands", _commands()
    yield "study-file", _keys()
    yield "settings", _settings()
    yield "python", _names()


def _commands() -> str:
    """Returns what ``--help`` says of each command."""
    lines = ["# Commands", "", "What `ablations COMMAND --help` says.", ""]
    for words in _command_words(typer.main.get_command(app)):
        called = CliRunner().invoke(
            app, [*words, "--help"], prog_name="ablations", env={"COLUMNS": "90"}
        )
        lines += [f"## {' '.join(words)}", "", "```text", called.output.strip(), "```", ""]
    return "\n".join(lines)


def _command_words(group: Any, *before: str) -> Iterator[tuple[str, ...]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _command_words(command, *before, name)
        else:
            yield (*before, name)


def _keys() -> str:
    """Returns the keys of a study file, table by table."""
    schema = study_schema()
    lines = ["# Study file", "", "Every key of a study file. `ablations init` writes one with "
             "comments, and `ablations schema` prints all of this for editors.", ""]  # fmt: skip
    for title, table in (("At the top", schema), *_tables(schema, schema["$defs"])):
        lines += [f"## {title}", "", _one_line(table.get("description", "")), ""]
        lines += ["| key | meaning | value | default |", "|---|---|---|---|"]
        lines += [_row(key, own, table, schema) for key, own in table["properties"].items()]
        lines += [""]
    return "\n".join(lines)


def _tables(table: _Schema, defined: _Schema, *before: str) -> Iterator[tuple[str, _Schema]]:
    """Yields the tables within a table as TOML calls them, in their order."""
    for key, own in table["properties"].items():
        for part in (own, *own.get("anyOf", ())):
            (named,) = part.get("patternProperties", {"": None}).values()
            path = (*before, key, "NAME") if named else (*before, key)
            held = named or part.get("items", part)
            name = held.get("$ref", "").rpartition("/")[2]
            if name:
                address = ".".join(path)
                yield (f"[[{address}]]" if "items" in part else f"[{address}]"), defined[name]
                yield from _tables(defined[name], defined, *path)


def _row(key: str, own: _Schema, table: _Schema, schema: _Schema) -> str:
    default = "needed" if key in table.get("required", ()) else own.get("default")
    if isinstance(default, dict) or default in (None, "", []):
        default = ""
    named = schema["$defs"].get(own.get("$ref", "").rpartition("/")[2], {})
    meaning = _one_line((own | named)["description"])
    return f"| `{key}` | {meaning} | {_kind(own)} | {default} |"


def _kind(own: _Schema) -> str:
    """Says in words which values a key takes."""
    if "anyOf" in own:
        kinds = (_kind(part) for part in own["anyOf"] if part.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in own or "const" in own:
        return ", ".join(f"`{value}`" for value in own.get("enum", [own.get("const")]))
    if own.get("type") == "array":
        return f"list of {_kind(own['items'])}s" if "items" in own else "list"
    kind = "table" if "$ref" in own else own.get("type", "any value")
    return {"string": "text", "object": "table", "boolean": "true or false",
            "integer": "whole number"}.get(kind, kind)  # fmt: skip


def _settings() -> str:
    """Returns the settings of the built-in training function, and all words of its layers."""
    rows = (
        f"| `{name}` | {word.layer or word.example} | {_values(word)} | `{word.example}` |"
        for name, word in WORDS.items()
    )
    return "\n".join(
        ["# Settings", "", "```{eval-rst}", ".. automodule:: ablations.vision", "```", "",
         "## Words of layers", "", "```{eval-rst}", ".. automodule:: ablations.vision.recipe.words",
         "```", "", "| word | Keras layer | values in their order | example |", "|---|---|---|---|",
         *rows, ""]
    )  # fmt: skip


def _values(word: Word) -> str:
    """Says which values a word takes, each by its name and what it must be."""
    named = (f"`{name}`: {kind.description}" for name, kind in word.parameters.items())
    return "; ".join(named)


def _names() -> str:
    """Returns a page with the public names, functions first."""
    # From their modules, as `ablations.run` is also a package.
    homes = ablations._homes()
    names = {name: getattr(import_module(homes[name]), name) for name in ablations.__all__}
    functions = [name for name, own in names.items() if inspect.isfunction(own)]
    lines = ["# Python", "", "What `import ablations` gives.", ""]
    for name in [*functions, *(name for name in names if name not in functions)]:
        room = inspect.ismodule(names[name])
        kind = "function" if name in functions else "module" if room else "class"
        options = [] if kind == "function" else [":members:"]
        home = names[name].__name__ if room else f"{names[name].__module__}.{name}"
        lines += [f"## {name}", "", "```{eval-rst}", f".. auto{kind}:: {home}"]
        lines += [*(f"   {option}" for option in options), "```", ""]
    lines += ["## Hooks of a training function", "", "```{eval-rst}"]
    return "\n".join([*lines, ".. automodule:: ablations.entry", "```", ""])


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())
