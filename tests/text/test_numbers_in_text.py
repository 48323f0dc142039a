"""Only `ablations.text` turns numbers into words: nowhere else does a string format one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

ROOT = Path(__file__).parents[2] / "ablations"
MODULES = [path for path in sorted(ROOT.rglob("*.py")) if ROOT / "text" not in path.parents]

ALLOWED = {
    ("core/checks.py", "{value:g}"): "errors of the log, in `core`, which lies below `text`",
    ("core/checks.py", "{n:,}"): "errors of the log, in `core`, which lies below `text`",
    ("run/machine/hardware.py", "{GPU_SHARE * part:.2f}"): "an environment variable of XLA",
    ("vision/features/keys.py", "{a:.6g}"): "a part of a digest, which must not depend on rounding",
}
"""Numbers that are no results shown to a reader, each with its reason."""

NAME_OR_CODE = re.compile(r"0\d+[dx]?")
"""Zeros before a whole number: the name of a file, or the code of a character."""

OLD_STYLE = re.compile(r"%[-+ #0]*\d*(\.\d+)?[diufFeEgG%]")


def formats(node: ast.AST) -> str:
    """Returns how a node of a module writes a number, or nothing where it does not."""
    match node:
        case ast.FormattedValue(format_spec=ast.JoinedStr() as spec):
            if not NAME_OR_CODE.fullmatch(ast.unparse(spec)[2:-1]):
                return f"{{{ast.unparse(node.value)}:{ast.unparse(spec)[2:-1]}}}"
        case (
            ast.FormattedValue(value=ast.Call(func=ast.Name(id="round")))
            | ast.Call(func=ast.Name(id="str"), args=[ast.Call(func=ast.Name(id="round"))])
            | ast.Call(func=ast.Name(id="format"))
        ):
            return ast.unparse(node)
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod()):
            return text if OLD_STYLE.search(text) else ""
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
            return text if any(spec for _, _, spec, _ in Formatter().parse(text)) else ""
    return ""


def found_in(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if how := formats(node):
            yield node.lineno, how


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_outside_text_formats_a_number(path):
    place = path.relative_to(ROOT).as_posix()
    found = [
        f"ablations/{place}:{line}: {how}"
        for line, how in found_in(path.read_text(encoding="utf-8"))
        if (place, how) not in ALLOWED
    ]
    assert not found, "let a function of ablations.text write it"


def test_every_exception_is_needed():
    used = {
        (path.relative_to(ROOT).as_posix(), how)
        for path in MODULES
        for _, how in found_in(path.read_text(encoding="utf-8"))
    }
    assert not set(ALLOWED) - used


@pytest.mark.parametrize(
    "source",
    [
        "f'{x:.1f}'", "f'{x:.3g}'", "f'{x:,}'", "f'{x:.0%}'", "f'{x:.{n}f}'", "f'{x:6}'",
        "'%.2f' % x", "'%d of %d' % (a, b)", "'{:.2f}'.format(x)", "'{x:,}'.format(x=x)",
        "format(x, '.2f')", "f'{round(x, 2)}'", "str(round(x))",
    ],
)  # fmt: skip
def test_each_way_of_formatting_is_found(source):
    assert list(found_in(source))


@pytest.mark.parametrize(
    "source",
    ["f'{x}'", "f'{x!r}'", "f'{x:04}.npy'", "f'{x:04x}'", "x % 2", "round(x)", "'{a}'.format(a=1)"],
)
def test_what_is_no_format_of_a_number_is_allowed(source):
    assert not list(found_in(source))
