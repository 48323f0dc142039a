"""What a function computes, as a short text: its code, and what it uses of the code around it.

A study made in Python names its trials by this digest, so that trials of a changed function are
other trials. Counted are the source without comments and docstrings, default values, and what the
function refers to outside of itself: other functions and classes of the notebook or of modules that
are not installed, and values whose content can be read, such as numbers, texts and arrays. What an
installed package computes is no part of it, nor are values whose content cannot be read: these are
named.
"""

from __future__ import annotations

import ast
import dataclasses
import dis
import enum
import functools
import hashlib
import inspect
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ablations.entry import without_docstrings

DIGITS = 12
"""Hex digits of a digest."""

_PLAIN = (type(None), bool, int, float, complex, str, bytes, Path, range, slice, np.generic)
_INSTALLED = tuple(
    Path(sysconfig.get_path(kind)).resolve()
    for kind in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OURS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The digest of a function, and the names of values whose content is no part of it."""

    digest: str
    uncounted: tuple[str, ...]


def fingerprint(function: Callable[..., Any]) -> Fingerprint:
    """Returns what a function computes, as far as that can be read.

    Example:
        >>> def double(x):
        ...     return 2 * x
        >>> fingerprint(double).uncounted
        ()
    """
    reader = _Reader()
    word = getattr(function, "__name__", type(function).__name__)
    read = reader.named("make_study", {word: function})
    return Fingerprint(_digest(read)[:DIGITS], tuple(reader.uncounted))


class _UnreadableError(Exception):
    """The content of a value cannot be read."""


@dataclass(slots=True)
class _Reader:
    """Reads values once each.

    ``digests`` has what was read by its id, with the value, as an id is that of one object only
    while this lives; ``open`` are the ids of those that are being read, outermost first.
    ``uncounted`` names the values that cannot be read.
    """

    uncounted: list[str] = field(default_factory=list)
    digests: dict[int, tuple[str, object]] = field(default_factory=dict)
    open: list[int] = field(default_factory=list)

    def read(self, value: Any) -> str:
        """Returns a digest of a value.

        Raises:
            _UnreadableError: if its content cannot be read.
        """
        if isinstance(value, _PLAIN):
            return _digest((type(value).__name__, repr(value)))
        if id(value) in self.open:  # the distance says which of those around it this is
            return f"cycle {len(self.open) - self.open.index(id(value))}"
        if id(value) not in self.digests:
            self.open.append(id(value))
            try:
                self.digests[id(value)] = _digest(self._content(value)), value
            finally:
                self.open.pop()
        return self.digests[id(value)][0]

    def _content(self, value: Any) -> object:
        if (imported := _importable(value)) is not None:
            return imported
        for kinds, read in _READERS:
            if isinstance(value, kinds):
                return read(self, value)
        return self._object(value)

    def _many(self, values: Any) -> object:
        return type(values).__name__, [self.read(value) for value in values]

    def _set(self, values: Any) -> object:
        return type(values).__name__, sorted(self.read(value) for value in values)

    def _mapping(self, values: Any) -> object:
        pairs = [(self.read(key), self.read(value)) for key, value in values.items()]
        return type(values).__name__, pairs

    def _array(self, array: Any) -> object:
        if array.dtype.hasobject:
            return "array", array.shape, self.read(array.tolist())
        data = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        return "array", array.shape, array.dtype.str, data

    def _module(self, module: ModuleType) -> object:
        path = _own_file(module.__name__)
        content = path.read_bytes() if path else b""
        return "module", module.__name__, hashlib.sha256(content).hexdigest()

    def _bound(self, method: MethodType) -> object:
        return "method", self.read(method.__func__), self.read(method.__self__)

    def _partial(self, own: functools.partial[Any]) -> object:
        return "partial", self.read(own.func), self.read(own.args), self.read(own.keywords)

    def _wrapped(self, own: Any) -> object:
        return type(own).__name__, self.read(own.__func__)

    def _property(self, own: property) -> object:
        return "property", [self.read(part) for part in (own.fget, own.fset)]

    def _enum(self, own: enum.Enum) -> object:
        return type(own).__qualname__, own.name, self.read(own.value)

    def _function(self, function: FunctionType) -> object:
        own = _is_own(function.__module__)
        names = dict(self._used(function)) if own else {}
        names |= dict(_closed_over(function))
        defaults = self.read(function.__defaults__), self.read(function.__kwdefaults__)
        code = _code(function.__code__) if own else (function.__module__, function.__qualname__)
        return "function", code, defaults, self.named(function.__name__, names)

    def _used(self, function: FunctionType) -> Iterator[tuple[str, object]]:
        """Yields the names outside of a function that its code asks for, as far as they exist."""
        known = function.__globals__
        for name in sorted(_global_names(function.__code__)):
            if name in known:
                yield name, known[name]

    def _class(self, kind: type) -> object:
        if not _is_own(kind.__module__):  # one that an installed function has made
            return "class", kind.__module__, kind.__qualname__
        own = dict(_class_attributes(kind))
        bases = [self.read(base) for base in kind.__bases__]
        return "class", kind.__qualname__, bases, self.named(kind.__name__, own)

    def _object(self, value: object) -> object:
        """Reads an object by its attributes, where these are all that it holds."""
        kind = type(value)
        frame = sys.modules.get("pandas")
        if frame and isinstance(value, frame.DataFrame | frame.Series):
            return kind.__name__, self._frame(value, frame)
        if hasattr(value, "get_params") and not isinstance(value, type):  # of scikit-learn
            return self.read(kind), self.read(value.get_params(deep=False))
        if (
            kind.__reduce_ex__ is not object.__reduce_ex__
            or kind.__reduce__ is not object.__reduce__
        ):
            raise _UnreadableError
        if not any(_is_own(one.__module__) for one in kind.__mro__) and not _is_ours(kind):
            raise _UnreadableError
        return self.read(kind), self.read(_attributes(value))

    def _frame(self, value: Any, pandas: Any) -> object:
        try:
            rows = pandas.util.hash_pandas_object(value).to_numpy()
        except TypeError as error:  # of cells that have no hash
            raise _UnreadableError from error
        names = value.columns if value.ndim == 2 else [value.name]
        return self._array(rows), [repr(name) for name in names]

    def named(self, owner: str, values: Mapping[str, object]) -> list[tuple[str, str]]:
        """Reads values by name, and notes the names of those that cannot be read."""
        found = []
        for name, value in values.items():
            try:
                found.append((name, self.read(value)))
            except (_UnreadableError, RecursionError):
                kind = type(value).__qualname__
                self.uncounted.append(f"{name} ({kind}) in {owner}")
                found.append((name, f"unread {kind}"))
        return found


_OF_ANY_CLASS = frozenset(
    {"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__firstlineno__"}
    | {"__static_attributes__", "__annotate_func__", "__annotations_cache__", "__classcell__"}
    | {"__dataclass_fields__", "__dataclass_params__", "__match_args__", "_abc_impl"}
)
"""Attributes that say nothing of what a class computes, or that follow from others."""

_Read = Callable[[_Reader, Any], object]
_READERS: tuple[tuple[Any, _Read], ...] = (
    ((list, tuple), _Reader._many),
    ((set, frozenset), _Reader._set),
    ((dict,), _Reader._mapping),
    ((np.ndarray,), _Reader._array),
    ((ModuleType,), _Reader._module),
    ((MethodType,), _Reader._bound),
    ((functools.partial,), _Reader._partial),
    ((staticmethod, classmethod), _Reader._wrapped),
    ((property,), _Reader._property),
    ((FunctionType,), _Reader._function),
    ((enum.Enum,), _Reader._enum),
    ((type,), _Reader._class),
)


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode(errors="surrogatepass")).hexdigest()


def _importable(value: Any) -> tuple[str, str, str] | None:
    """Returns the name of what an installed module or Python itself has."""
    if isinstance(value, np.ufunc):
        return "import", "numpy", value.__name__
    home, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(home, str) or not isinstance(name, str) or _is_own(home):
        return None
    found: object = sys.modules.get(home)
    for part in name.split("."):
        found = getattr(found, part, None)
    return ("import", home, name) if found is value else None


def _class_attributes(kind: type) -> Iterator[tuple[str, object]]:
    """Yields what was written into a class; of a data class its defaults and no method of it."""
    for name, value in vars(kind).items():
        code = getattr(value, "__code__", None)
        made = code is not None and code.co_filename == "<string>"
        slot = inspect.isdatadescriptor(value) and not isinstance(value, property)
        if name not in _OF_ANY_CLASS and not made and not slot:
            yield name, value
    if dataclasses.is_dataclass(kind):
        for own in dataclasses.fields(kind):
            given = (own.default, own.default_factory)
            yield f"field {own.name}", [one for one in given if one is not dataclasses.MISSING]


def _attributes(value: object) -> dict[str, object]:
    slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()))
    held = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return {**held, **getattr(value, "__dict__", {})}


def _closed_over(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # it has no value yet
            continue


def _global_names(code: CodeType) -> set[str]:
    """Returns the global names that code and the functions within it ask for."""
    asked = {"LOAD_GLOBAL", "LOAD_NAME"}
    found = {str(line.argval) for line in dis.get_instructions(code) if line.opname in asked}
    inner = (_global_names(part) for part in code.co_consts if isinstance(part, CodeType))
    return found.union(*inner)


def _code(code: CodeType) -> object:
    """Returns the source without comments and docstrings, or where there is none, the bytecode."""
    try:
        if code.co_name == "<lambda>":  # whose line may hold other code as well
            return _bytecode(code)
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        return _bytecode(code)
    return ast.unparse(without_docstrings(tree))


def _bytecode(code: CodeType) -> object:
    """Returns what is executed, which each version of Python writes in another way."""
    values = [
        _bytecode(value)
        if isinstance(value, CodeType)
        else sorted(map(repr, value))
        if isinstance(value, frozenset)
        else repr(value)
        for value in code.co_consts
    ]
    return sys.version_info[:2], code.co_code.hex(), code.co_names, code.co_varnames, values


def _is_own(module_name: str | None) -> bool:
    """Whether code is the user's: of a notebook, a script, or a module that is not installed."""
    return module_name == "__main__" or _own_file(module_name or "") is not None


def _is_ours(kind: type) -> bool:
    """Whether a class is one of this package, whose values hold what the user gave them."""
    return kind.__module__.partition(".")[0] == __name__.partition(".")[0]


def _own_file(module_name: str) -> Path | None:
    """Returns the file of a module that is not installed."""
    name = getattr(sys.modules.get(module_name), "__file__", None)
    if module_name == "__main__" or not name:
        return None
    path = Path(name).resolve()
    installed = any(path.is_relative_to(folder) for folder in (*_INSTALLED, _OURS))
    return path if path.is_file() and not installed else None
