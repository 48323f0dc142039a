"""What changes the digest of a function, and what does not."""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablations.plan.source import Fingerprint, fingerprint

BODY = "def train(trial, log):\n    return {}\n"


def defined(source: str, name: str = "train", **names: object):
    """Executes source as a notebook does, whose cells have files that only linecache knows."""
    import linecache

    source = textwrap.dedent(source)
    file = f"<cell {abs(hash(source))}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {"__name__": "__main__", **names}
    exec(compile(source, file, "exec"), namespace)
    return namespace[name]


def digest(source: str, **names: object) -> str:
    found = fingerprint(defined(source, **names))
    assert not found.uncounted
    return found.digest


@pytest.mark.parametrize(
    "other",
    [
        BODY.format("1  # why"),
        'def train(trial, log):\n    """What it does."""\n    return 1\n',
        "def train(trial, log):\n\n    return (1)\n",
        "unused = 3\n" + BODY.format("1"),
        "trial = 3\n" + BODY.format("1"),
    ],
)
def test_comments_and_form_are_no_part_of_it(other):
    assert digest(other) == digest(BODY.format("1"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BODY.format("1"), BODY.format("2")),
        (
            "def train(trial, log, n=1):\n    return n\n",
            "def train(trial, log, n=2):\n    return n\n",
        ),
        ("N = 1\n" + BODY.format("N"), "N = 2\n" + BODY.format("N")),
        ("N = [1, {2}]\n" + BODY.format("N"), "N = [1, {3}]\n" + BODY.format("N")),
        ("N = {'a': 1}\n" + BODY.format("N"), "N = {'a': True}\n" + BODY.format("N")),
        (
            "def helper():\n    return 1\n" + BODY.format("helper()"),
            "def helper():\n    return 2\n" + BODY.format("helper()"),
        ),
        (
            "class A:\n    def f(self):\n        return 1\n" + BODY.format("A().f()"),
            "class A:\n    def f(self):\n        return 2\n" + BODY.format("A().f()"),
        ),
        (
            "class A:\n    n = 1\n" + BODY.format("[A.n for _ in range(2)]"),
            "class A:\n    n = 2\n" + BODY.format("[A.n for _ in range(2)]"),
        ),
        ("train = lambda trial, log: 1", "train = lambda trial, log: 2"),
        (
            "import math\n" + BODY.format("math.pi"),
            "import cmath as math\n" + BODY.format("math.pi"),
        ),
    ],
)
def test_code_and_what_it_uses_are_part_of_it(before, after):
    assert digest(before) != digest(after)
    assert digest(before) == digest(before)


def test_what_a_closure_holds_is_part_of_it():
    def made(n):
        return lambda trial, log: n

    assert fingerprint(made(1)) != fingerprint(made(2))
    assert fingerprint(made(1)) == fingerprint(made(1))
    assert fingerprint(functools.partial(made, 1)) != fingerprint(functools.partial(made, 2))


def test_arrays_and_frames_count_by_their_content():
    array, frame = np.arange(6.0), pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    source = BODY.format("X")
    assert digest(source, X=array) == digest(source, X=array.copy())
    assert digest(source, X=array) != digest(source, X=array.reshape(2, 3))
    assert digest(source, X=array) != digest(source, X=array.astype("f4"))
    assert digest(source, X=frame) == digest(source, X=frame.copy())
    assert digest(source, X=frame) != digest(source, X=frame.rename(columns={"a": "c"}))
    assert digest(source, X=frame) != digest(source, X=frame.replace("x", "z"))


def test_objects_count_by_their_attributes_and_estimators_by_their_parameters():
    linear = pytest.importorskip("sklearn.linear_model")
    source = BODY.format("X")
    one, other = linear.Ridge(alpha=1.0), linear.Ridge(alpha=2.0)
    assert digest(source, X=one) == digest(source, X=linear.Ridge(alpha=1.0))
    assert digest(source, X=one) != digest(source, X=other)
    cell = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n    n: int = 1\n"
    assert digest(cell + f"a = A()\n{source.replace('X', 'a.n')}") != digest(
        cell + f"a = A(2)\n{source.replace('X', 'a.n')}"
    )


def test_recursion_and_cycles_end():
    source = "def train(trial, log):\n    return train(N, log) if trial else other()\n"
    source += "def other():\n    return train(None, None)\nN = [1]\nN.append(N)\n"
    assert digest(source) == digest(source)
    assert digest(source) != digest(source.replace("[1]", "[2]"))


def test_what_cannot_be_read_is_named_and_what_can_be_imported_is_not():
    found = fingerprint(defined("import threading\nL = threading.Lock()\n" + BODY.format("L")))
    assert found.uncounted == ("L (lock) in train",)
    names = "import json, numpy as np\nfrom numpy import mean, exp\nfrom json import dumps\n"
    assert not fingerprint(
        defined(names + BODY.format("mean, exp, dumps, np, json, len"))
    ).uncounted


def test_a_training_function_that_cannot_be_read_itself_is_named():
    class Compiled:
        def __reduce__(self):
            return Compiled, ()

        def __call__(self, trial, log):
            pass

    assert fingerprint(Compiled()).uncounted == (
        "Compiled (" + Compiled.__qualname__ + ") in make_study",
    )


def test_a_module_that_is_not_installed_counts_by_its_file(tmp_path: Path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = "import own_helpers\n" + BODY.format("own_helpers.f()")

    def of(text: str) -> Fingerprint:
        (tmp_path / "own_helpers.py").write_text(text)
        sys.modules.pop("own_helpers", None)
        importlib.invalidate_caches()
        return fingerprint(defined(source))

    assert of("def f():\n    return 1\n") == of("def f():\n    return 1\n")
    assert of("def f():\n    return 1\n") != of("def f():\n    return 22\n")
    sys.modules.pop("own_helpers", None)


def test_every_process_finds_the_same(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "from ablations.plan.source import fingerprint\n"
        "S = {'a', 'b', 'c'}\n"
        "def train(trial, log):\n    return trial in {'x', 'y', 'z'} and S\n"
        "f = lambda t, l: t in {'x', 'y', 'z'}\n"
        "print(fingerprint(train).digest, fingerprint(f).digest)\n"
    )
    found = {
        subprocess.run(
            [sys.executable, script], env={**__import__("os").environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1
