"""Fenced blocks of shell and YAML in the documents: well-formed, and with commands that there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ablations.cli.app import app
from ablations.plan import builtin_names

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|bash|yaml|groovy)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(language, text, id=f"{path.name}:{number}")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
    for number, (language, text) in enumerate(BLOCK.findall(path.read_text(encoding="utf-8")))
]
SEPARATORS = {";", "&", "&&", "|", "||", ">", "(", ")"}


def shell_of(language: str, text: str) -> list[str]:
    """Returns the shell that a block has: itself, or what a job of YAML or Jenkins runs."""
    if language == "groovy":
        return re.findall(r"(?:\bsh|script:) '(.*?)'", text)
    if language == "yaml":
        return list(strings(yaml.safe_load(text)))
    return [text]


def strings(value: Any) -> Iterator[str]:
    """Yields each text in a document of YAML."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, str):
        yield value
    for own in inner:
        yield from strings(own)


def commands(shell: str) -> Iterator[list[str]]:
    """Yields the words of each simple command that begins with ``ablations``, after its name."""
    for line in shell.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in SEPARATORS:
                words.append(word)
                continue
            if "ablations" in words[:2]:  # after `until`, `exec` or nothing
                yield words[words.index("ablations") + 1 :]
            words = []


def parsed(words: list[str]) -> dict[str, Any]:
    """Returns the arguments of a command as the command line reads them; runs nothing.

    Raises:
        click.UsageError: if there is no such command, option or value.
    """
    command, name, rest = typer.main.get_command(app), "ablations", list(words)
    while hasattr(command, "commands"):
        name = rest.pop(0)
        assert name in command.commands, words
        command = command.commands[name]
    return dict(command.make_context(name, rest).params)


def studies_of(arguments: dict[str, Any]) -> Iterator[str]:
    """Yields the studies that arguments name."""
    found = arguments.get("study") or arguments.get("studies") or ()
    yield from [found] if isinstance(found, str) else map(str, found)


def test_there_are_blocks_with_commands() -> None:
    found = [c for b in BLOCKS for s in shell_of(*b.values) for c in commands(s)]
    assert len(found) >= 20
    assert ["run", "study.toml", "--shard", "1/2"] in found  # from within `until … ; do`
    assert len([words for words in found if words[0] == "gate"]) >= 3  # of YAML and Groovy, too


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_each_command_is_one_that_there_is_and_names_studies_that_may_be(
    language: str, text: str
) -> None:
    for words in (own for shell in shell_of(language, text) for own in commands(shell)):
        for study in studies_of(parsed(words)):
            assert study.endswith(".toml") or study in builtin_names(), words


@pytest.mark.parametrize(("language", "text"), [b for b in BLOCKS if b.values[0] in ("sh", "bash")])
def test_shell_is_well_formed(language: str, text: str) -> None:
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if shutil.which("shellcheck"):
        check = ["shellcheck", "--shell=bash", "--severity=warning", "-"]
        done = subprocess.run(check, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "wrong", ["run study.toml --shards 3", "shard study.toml --slrum", "trian"]
)
def test_a_command_that_is_not_there_would_be_found(wrong: str) -> None:
    with pytest.raises((AssertionError, typer.BadParameter.__base__)):
        parsed(wrong.split())
