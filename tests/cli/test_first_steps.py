"""What a user meets first: an empty folder, the help of each command, and the shell's completion."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from ablations.cli.app import app

CODE = "import sys; from ablations.__main__ import run; sys.argv = ['ablations']; run()"
COMMANDS = sorted(typer.main.get_command(app).commands)


def ablations(folder, **environment):
    return subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_empty_folder_is_told_what_to_do_first(tmp_path):
    shown = ablations(tmp_path)
    assert shown.returncode == 2
    assert "To write one: ablations init." in shown.stderr
    assert "ablations run quickstart" in shown.stderr
    (tmp_path / "pyproject.toml").write_text("[project]")
    assert ablations(tmp_path).stderr == shown.stderr


def test_a_folder_with_a_study_is_told_what_to_do_with_it(tmp_path):
    assert CliRunner().invoke(app, ["init", str(tmp_path / "my study.toml")]).exit_code == 0
    shown = ablations(tmp_path).stderr
    assert "ablations init" not in shown
    assert "ablations plan 'my study.toml'" in shown


def test_the_first_sentences_of_the_commands_are_whole_on_a_narrow_terminal():
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout
    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_shows_an_example(command):
    shown = CliRunner().invoke(app, [command, "--help"]).stdout
    assert f"Example: ablations {command}" in " ".join(shown.split())


def test_the_shell_completes_study_files_and_built_in_studies(tmp_path):
    (tmp_path / "question.toml").write_text("")
    asked = {"_ABLATIONS_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    shown = ablations(tmp_path, COMP_WORDS="ablations plan qu", **asked).stdout
    assert shown.split() == ["question.toml", "quickstart"]
