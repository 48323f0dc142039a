"""Fixtures that real tools wrote, and the same trials recorded by this project."""

from __future__ import annotations

import importlib.util
import lzma
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

collect_ignore_glob = ["written/*"]  # scripts for other Pythons

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a fixture into the current folder under the name that its tool gives it."""
    monkeypatch.chdir(tmp_path)

    def unpack(fixture: str, name: str = "") -> Path:
        if fixture.endswith(".tar.xz"):
            with tarfile.open(FIXTURES / fixture) as archive:
                archive.extractall(tmp_path, filter="data")
            return tmp_path / name
        target = tmp_path / (name or fixture.removesuffix(".xz"))
        target.write_bytes(lzma.decompress((FIXTURES / fixture).read_bytes()))
        return target

    return unpack


@pytest.fixture
def written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs the script that logs the made trials with a real tool, where this is installed.

    ``ABLATIONS_TOOLS_PYTHON`` may name a Python in which the tools are installed.
    """
    monkeypatch.chdir(tmp_path)

    def write(tool: str, *arguments: str, needs: str = "") -> None:
        needed = [tool, *([needs] if needs else [])]
        # A folder of the name of a tool is no tool.
        here = all((found := importlib.util.find_spec(name)) and found.origin for name in needed)
        python = sys.executable if here else os.environ.get("ABLATIONS_TOOLS_PYTHON")
        asked = f"import importlib.util as i; exit(not all(map(i.find_spec, {needed})))"
        if not python or (
            not here and subprocess.run([python, "-c", asked], check=False).returncode
        ):
            pytest.skip(
                f"{tool} is not installed; ABLATIONS_TOOLS_PYTHON may name a Python with it"
            )
        script = HERE / "written" / f"with_{tool}.py"
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [python, str(script), *arguments], capture_output=True, check=False, env=clean
        )
        assert done.returncode == 0, done.stderr.decode()

    return write
