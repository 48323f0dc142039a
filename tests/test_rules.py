"""The rules of CONTRIBUTING.md that no linter checks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ablations"
MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({module.parent for module in MODULES})

MOST_LINES_OF_A_FUNCTION = 30
MOST_LINES_OF_A_MODULE = 400
MOST_MODULES = 14
MOST_ENTRIES = 24
REGISTRIES = {"report/sections"}
"""Folders of one entry a file; they may be larger."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(module: Path) -> Iterator[Function]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def lines_of(function: Function) -> int:
    """Counts from ``def`` to the end without the docstring, which may be as long as it needs."""
    first = function.body[0]
    docstring = ast.get_docstring(function) is not None
    described = (first.end_lineno or 0) - first.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - described


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_functions_are_short() -> None:
    long = {
        f"{named(module)}: {function.name}"
        for module in MODULES
        for function in functions(module)
        if lines_of(function) > MOST_LINES_OF_A_FUNCTION
    }
    assert not long


def test_modules_are_short() -> None:
    long = {
        named(module): count
        for module in MODULES
        if (count := len(module.read_text(encoding="utf-8").splitlines())) > MOST_LINES_OF_A_MODULE
    }
    assert not long


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_folders_are_small(folder: Path) -> None:
    modules = [module for module in folder.glob("*.py") if not module.name.startswith("__")]
    most = MOST_ENTRIES if named(folder) in REGISTRIES else MOST_MODULES
    assert len(modules) <= most


def test_each_module_has_a_subject() -> None:
    assert not [named(m) for m in MODULES if m.stem in ("utils", "util", "helpers", "misc")]


def test_lines_are_counted_without_the_docstring() -> None:
    source = 'def f(\n    a,\n):\n    """One.\n\n    Two.\n    """\n    return a\n'
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert lines_of(function) == 4
