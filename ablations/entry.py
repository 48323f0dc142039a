"""Finds a training function by its name, with its optional hooks in the same module.

A study names its training function as ``module:function``. The same module may also define

- ``check_settings(settings)``: raises `StudyError` if an arm's settings make no sense;
- ``fingerprint_data(settings, data_dir)``: returns a short text that changes when the data do;
- ``notes(settings, data_dir)``: returns lines that ``plan`` shows: what was found out about the
  data that a reader would not expect;
- ``identity(settings)``: returns those settings of an arm that decide what it computes, without
  such as it does not use; two trials with equal ones, seed and data are the same trial;
- ``describe(trial, log)``: shows through ``log.exhibit`` what an arm and its data look like,
  without training; called once for the first seed of each arm;
- ``joins_seeds(settings, gpus)``: says whether all seeds of an arm train faster together, given
  the number of GPUs, and ``train_together(trials, logs)``: trains them, and returns for each trial
  the `DivergedError` that ended it, or ``None``;
- ``prepare_data(settings, data_dir, report)``: fetches what trials need, before any of them starts,
  and calls ``report(done_bytes, total_bytes)`` as it goes.

A study made in Python gives its training function itself (`give`). Its name is then
``function@version``, under which this process finds it, and others once it has been sent to them
(`ship`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import cache, wraps
from pathlib import Path
from typing import Any

from ablations.core.design import Settings
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.errors import AblationsError, DivergedError, StudyError, meant

Train = Callable[[Trial, TrialLog], None]
TrainTogether = Callable[[Sequence[Trial], Sequence[TrialLog]], Sequence[DivergedError | None]]
ReportBytes = Callable[[int, int], None]

GIVEN = "@"
"""What is between a function that was given and its version, and in no name of a module."""

WITHOUT = "ABLATIONS_WITHOUT"
"""The variable with the shortcuts that training functions leave out; ``all`` means each."""


@contextmanager
def without_shortcuts(plain: bool) -> Iterator[None]:
    """Has training functions leave out their shortcuts within the block, if ``plain``.

    They read it from the environment, so that it reaches what they start; it is set only here.
    """
    before = os.environ.get(WITHOUT)
    if plain:
        os.environ[WITHOUT] = "all"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(WITHOUT, None)
        else:
            os.environ[WITHOUT] = before


def describe_nothing(_trial: Trial, _log: TrialLog) -> None:
    """Stands for a missing ``describe``; callers compare with it, to start no worker."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A training function and its hooks; what stands for a missing hook does nothing."""

    train: Train
    describe: Train = describe_nothing
    train_together: TrainTogether | None = None
    joins_seeds: Callable[[Settings, int], bool] = lambda _settings, _gpus: False
    check_settings: Callable[[Settings], None] = lambda _settings: None
    fingerprint_data: Callable[[Settings, str | None], str] = lambda _settings, _data_dir: ""
    identity: Callable[[Settings], Settings] = lambda settings: settings
    prepare_data: Callable[[Settings, str | None, ReportBytes], None] = lambda *_: None
    notes: Callable[[Settings, str | None], Sequence[str]] = lambda *_: ()
    require_unchanged: Callable[[], None] = lambda: None
    """Raises `StudyError` if a function that was given would now compute something else."""
    code: str = ""
    """A digest of `code_files` as they were imported, without comments; empty if there are none."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A training function that was given, as cloudpickle writes it; ``digest`` is of these bytes.

    Only processes that we start ourselves receive it, from the one that was given the function.
    """

    name: str
    pickled: bytes = field(repr=False)
    digest: str

    def receive(self) -> None:
        """Has this process find the function by its name, or why it cannot be read here."""
        import pickle

        try:
            train = pickle.loads(self.pickled)  # noqa: S301 - of the process that started this one
        except Exception as error:  # what somebody's function needs may raise anything
            _given[self.name] = StudyError(
                f"the training function {self.name} cannot be read in a worker process",
                received=f"{type(error).__name__}: {error}",
                cure="Import and make what it needs within the function",
            )
        else:
            give(self.name, train)


_given: dict[str, Entry | StudyError] = {}
"""The training functions that were given to this process, by name, and why some are missing."""

_ARGUMENTS = {
    "describe": ("trial", "log"),
    "train_together": ("trials", "logs"),
    "check_settings": ("settings",),
    "fingerprint_data": ("settings", "data_dir"),
    "identity": ("settings",),
    "joins_seeds": ("settings", "gpus"),
    "notes": ("settings", "data_dir"),
    "prepare_data": ("settings", "data_dir", "report"),
}
"""What each hook is called with."""


def find_entry(name: str, folder: str | None = None) -> Entry:
    """Imports ``module:function`` and returns it with its hooks.

    Args:
        name: The entry as a study file gives it.
        folder: Where the study file lies; modules beside it can be imported.

    Raises:
        StudyError: if the name has another form, or cannot be imported or called.
    """
    found = _given.get(name)
    if isinstance(found, StudyError):
        raise found
    if found is not None:
        return found
    _require_importable(name)
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise StudyError(
            "trial.run must have the form 'module:function'",
            received=name,
            cure="Write for example 'ablations.vision:train'",
        )
    if folder is not None:
        _prefer(Path(folder), module_name)
    train = _attribute(name, module_name, function_name)
    _require_arguments(f"trial.run: '{name}'", train, ("trial", "log"))
    code = _code_digest(module_name, Path(folder)) if folder is not None else ""
    return Entry(train, **_hooks(module_name), code=code)


def code_files(module: str, folder: Path) -> dict[str, bytes]:
    """Returns the files of a module in a folder and of all that it imports from there.

    They are named by their paths in the folder; an installed module has none.
    """
    found = _modules(folder, module)
    return {path.relative_to(folder).as_posix(): content for path, content in found}


@cache  # as this process has imported them, whatever becomes of the files
def _code_digest(module: str, folder: Path) -> str:
    found = {path: _bare(content) for path, content in sorted(code_files(module, folder).items())}
    return hashlib.sha256(repr(found).encode()).hexdigest()[:12] if found else ""


def _bare(content: bytes) -> str:
    """Returns code without comments and docstrings, which compute nothing."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return repr(content)
    return ast.unparse(without_docstrings(tree))


def without_docstrings(tree: ast.Module) -> ast.Module:
    """Removes the docstrings of a module, its classes and its functions; returns it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            described = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[1:] or [ast.Pass()] if described else node.body
    return tree


def give(name: str, train: Train, require_unchanged: Callable[[], None] = lambda: None) -> None:
    """Has this process find a training function by a name, with the hooks of its own module.

    Args:
        name: As a study made in Python calls it.
        train: The function, or any other object that is called with ``(trial, log)``.
        require_unchanged: Raises if the function has come to compute something else.

    Raises:
        StudyError: if it cannot be called with these arguments.
    """
    _require_arguments(f"the function '{name.partition(GIVEN)[0]}'", train, ("trial", "log"))
    home = getattr(train, "__module__", None) or ""
    # A notebook's own names may be those of hooks by chance, and do not reach other processes.
    hooks = _hooks(home) if home in sys.modules and home != "__main__" else {}
    _given[name] = replace(Entry(train, **hooks), require_unchanged=require_unchanged)


def ship(name: str) -> Shipped | None:
    """Returns a function that was given, for other processes; ``None`` where a module has it.

    Raises:
        StudyError: if it cannot be sent, with the reason.
    """
    if name not in _given:
        return None
    import cloudpickle

    train = find_entry(name).train
    try:
        pickled = cloudpickle.dumps(train)
    except Exception as error:  # what a function refers to may raise anything
        raise StudyError(
            f"the training function {name} cannot be sent to worker processes",
            received=f"{type(error).__name__}: {error}",
            cure="Make what it needs within the function",
        ) from error
    return Shipped(name, pickled, hashlib.sha256(pickled).hexdigest()[:16])


def _require_importable(name: str) -> None:
    """Raises `StudyError` for a function that was given to another process."""
    if GIVEN in name:
        raise StudyError(
            "this study was made in Python, and its training function is not known here",
            received=name,
            cure="Make the study again in this process, with ablations.make_study",
        )


def _hooks(module_name: str) -> dict[str, Any]:
    """Returns the hooks of a module that has been imported."""
    hooks = {}
    for hook, arguments in _ARGUMENTS.items():
        found = getattr(sys.modules[module_name], hook, None)
        if callable(found):
            _require_arguments(f"'{hook}' beside the training function", found, arguments)
            trains = hook in ("describe", "train_together")
            hooks[hook] = found if trains else _one_line_errors(hook, found)
    return hooks


def _require_arguments(place: str, function: Callable[..., Any], names: Sequence[str]) -> None:
    """Raises `StudyError` unless a function can be called with these arguments, and then runs."""
    other = ", or give it another name" if place.startswith("'") else ""
    word = getattr(function, "__name__", "train").strip("<>").replace("lambda", "train")
    cure = f"Define it as def {word}({', '.join(names)}){other}"
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        kind = "a coroutine" if inspect.iscoroutinefunction(function) else "a generator"
        raise StudyError(f"{place} would not run when it is called", received=kind, cure=cure)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a function that is written in C
        return
    try:
        signature.bind(*names)
    except TypeError as error:
        raise StudyError(
            f"{place} cannot be called with ({', '.join(names)})",
            received=f"({', '.join(map(str, signature.parameters.values()))})",
            cure=cure,
        ) from error


def _prefer(folder: Path, module_name: str) -> None:
    """Puts a folder first on the path, and forgets a module of the same name from another folder.

    Two studies in two folders may both have a ``train.py``, and each must get its own.
    """
    sys.path[:] = [str(folder), *(path for path in sys.path if path != str(folder))]
    beside = folder / f"{module_name}.py"
    loaded = getattr(sys.modules.get(module_name), "__file__", None)
    if loaded and beside.is_file() and Path(loaded) != beside:
        del sys.modules[module_name]


def _one_line_errors(name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the hook, which then raises whatever it raises as an error of one line."""

    @wraps(hook)
    def call(*arguments: object) -> object:
        try:
            return hook(*arguments)
        except (AblationsError, OSError):
            raise
        except ImportError as error:
            raise StudyError(
                f"'{name}' beside the training function needs what is not installed",
                received=f"{type(error).__name__}: {error}",
                cure="Install it into this Python environment",
            ) from error
        except Exception as error:  # somebody else's function may raise anything
            raise StudyError(
                f"'{name}' beside the training function failed",
                received=f"{type(error).__name__}: {error}",
                cure="Correct it, or have it raise a StudyError that says what is wrong",
            ) from error

    return call


def _attribute(name: str, module_name: str, function_name: str) -> Train:
    try:
        with redirect_stdout(sys.stderr):  # what a module prints is no part of our answer
            module = importlib.import_module(module_name)
            function: Train | None = getattr(module, function_name, None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # importing somebody's module may raise anything, or exit
        raise StudyError(
            f"trial.run: entry '{name}' cannot be imported",
            received=f"{type(error).__name__}: {error}",
            cure="Name a module beside the study file or an installed one",
        ) from error
    if function is None:
        functions = [key for key, value in vars(module).items() if callable(value)]
        raise StudyError(
            f"trial.run: module '{module_name}' has no function '{function_name}'",
            received=name,
            cure=f"{meant(function_name, functions)}Name a function that takes (trial, log)",
        )
    if not callable(function):
        raise StudyError(
            f"trial.run: entry '{name}' is not a function",
            received=type(function).__name__,
            cure="Name a function that takes (trial, log)",
        )
    return function


def _modules(folder: Path, first: str) -> Iterator[tuple[Path, bytes]]:
    """Yields the files of a module and of all that it imports from the same folder, each once."""
    found: set[Path] = set()
    to_do = [first]
    while to_do:
        for path in _files_of(folder, to_do.pop()):
            if path not in found:
                found.add(path)
                content = path.read_bytes()
                to_do += imported_modules(content, path.parent.relative_to(folder).parts)
                yield path, content


def _files_of(folder: Path, module: str) -> Iterator[Path]:
    """Yields the file of a module, and those of the packages that it lies in."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:depth])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                yield path


def imported_modules(content: bytes, package: tuple[str, ...]) -> Iterator[str]:
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
