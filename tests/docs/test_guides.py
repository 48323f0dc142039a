"""The how-to guides are done as they are written: their files, their commands and what these print."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations import InlineExecutor
from ablations.cli.app import app
from ablations.errors import AblationsError
from ablations.report.figures import drawings
from ablations.run.executors import choosing

ROOT = Path(__file__).parents[2]
GUIDES = ("own-data", "own-model", "little-time", "papers")
QUICKER = {
    "ablations run": "ablations run --jobs 1 --no-report",
    "residual.toml": "residual.toml --seeds 1",
}
"""What is issued in place of a command: each arm once shows as well that all of them train."""
LONG = {"ablations plan quickstart --measure": "trains Keras for half a minute"}
"""Commands that are not issued here, with the reason."""


def stand_in(trial, log):
    """Trains nothing, where another guide trains Keras already."""
    log.metric("test_accuracy", 0.5, unit="fraction", better="higher")


def blocks(guide: str) -> list[tuple[str, str]]:
    """Returns the language and the text of each code block, in their order."""
    text = (ROOT / "docs" / f"{guide}.md").read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Yields each command of a console with what it prints."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def said_by(command: str) -> tuple[str, int]:
    """Runs a command as it is written; ``ablations`` in this process, which is quicker."""
    for written, quicker in QUICKER.items():
        command = command.replace(written, quicker)
    words = shlex.split(command)
    if words[0] == "ablations":
        called = CliRunner().invoke(app, words[1:])
        if isinstance(called.exception, AblationsError):
            return f"{called.output}\nablations: {called.exception}", 2
        return called.output, called.exit_code
    if words[0] == "python":
        command = shlex.join([sys.executable, *words[1:]])
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode


def as_printed(written: str, printed: str) -> bool:
    """Whether a page shows what a command prints; ``…`` stands for anything, a space for any."""
    printed = printed.replace("\u202f", " ").replace("\u00a0", " ")
    lines = [line.strip() for line in written.strip().splitlines()]
    lines = [line for line in lines if not line.startswith("report: ")]
    pattern = [
        re.escape(f"{line}\n").replace("…", ".*?") if line != "…" else "(.*\n)?" for line in lines
    ]
    found = "".join(f"{line.strip()}\n" for line in printed.strip().splitlines())
    return re.fullmatch("".join(pattern), found, flags=re.DOTALL) is not None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Keras about itself
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_is_true(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    Path("reports/posts").symlink_to(ROOT / "reports" / "posts")
    executor = InlineExecutor(stand_in if guide == "own-data" else None)
    monkeypatch.setattr(drawings, "draw_at", lambda *_: '<svg width="1" viewBox="0 0 1 1"></svg>')
    monkeypatch.setattr(choosing, "LocalExecutor", lambda _: executor)
    for language, text in blocks(guide):
        if named := re.match(r"# ([\w-]+\.(?:py|toml))\n", text):
            Path(named[1]).write_text(text, encoding="utf-8")
        assert named or language in ("console", "latex")
        for command, printed in commands(text) if language == "console" else ():
            if command in LONG:
                continue
            said, code = said_by(command)
            assert as_printed(printed, said), (command, said)
            assert code == (2 if "ablations: " in printed else 0), (command, said)
