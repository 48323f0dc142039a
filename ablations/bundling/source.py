"""The code behind a study: the file of its training function and what that imports beside it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

from ablations.core.study import Study


def source_files(study: Study) -> dict[str, bytes]:
    """Returns the study file, what it names, and the code beside it, by paths in its folder.

    Code that is installed, such as ``ablations.vision``, is named by the list of packages instead.
    """
    folder = Path(study.folder or ".")
    modules = _modules(folder, study.entry.partition(":")[0])
    paths = dict.fromkeys(modules)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _modules(folder: Path, first: str) -> Iterator[Path]:
    """Yields the files of a module and of all that it imports from the same folder."""
    found: set[Path] = set()
    to_do = [first]
    while to_do:
        for path in _files_of(folder, to_do.pop()):
            if path not in found:
                found.add(path)
                to_do += _imported(path.read_bytes(), path.parent.relative_to(folder).parts)
                yield path


def _files_of(folder: Path, module: str) -> Iterator[Path]:
    """Yields the file of a module, and those of the packages that it lies in."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:depth])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                yield path


def unbundled(code: Mapping[str, bytes], folder: str) -> list[str]:
    """Returns what code imports that is neither part of it, nor of Python, nor installed.

    Args:
        code: Files by their paths.
        folder: That of the study in these paths.
    """
    own = {name.removeprefix(f"{folder}/").partition("/")[0].removesuffix(".py") for name in code}
    known = own | sys.stdlib_module_names | packages_distributions().keys()
    names = {
        name.partition(".")[0]
        for place, content in code.items()
        for name in _imported(content, ("",) * place.count("/"))
    }
    return sorted(names - known - {""})


def _imported(content: bytes, package: tuple[str, ...]) -> Iterator[str]:
    """Yields the modules that code may import: ``from a import b`` may name ``a.b``."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            yield base
            yield from (f"{base}.{name.name}" for name in node.names)
