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
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.testing import CliRunner

import ablations
from ablations.cli.app import app
from ablations.plan import study_schema
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
html_css_files = ["own.css"]
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


def _write_pages(_: Sphinx) -> None:
    pages = {f"reference/{name}": text for name, text in _reference_pages()}
    for name in OF_THE_PROJECT:
        text = (HERE.parent / f"{name}.md").read_text(encoding="utf-8")
        moved = re.sub(r"\]\((?!https?://|#)", "](../../", text).replace("](../../docs/", "](../")
        pages[f"project/{name}"] = moved
    pages |= {f"notebooks/{name}": _notebook(name) for name in NOTEBOOKS}
    for name, text in pages.items():
        path = HERE / f"{name}.md"
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
        r"\]\((?:\.\./)+reports/([^)]*)\)", lambda link: _link_report(link, up), source[0]
    )
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
    if place.suffix == ".svg":
        return link[0]
    return f"](site:{up}../{place.parent if place.suffix else '.'}/index.html)"


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
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())
