"""The pages of the reference name all that there is."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import typer

import ablations
from ablations.cli.app import app
from ablations.plan import study_schema
from ablations.vision import __doc__ as settings
from ablations.vision.recipe.settings import _READERS
from ablations.vision.recipe.words import WORDS

CONF = Path(__file__).parents[2] / "docs" / "conf.py"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dict(runpy.run_path(str(CONF))["_reference_pages"]())


def test_every_command_and_option_is_shown(pages):
    parts = dict(
        re.findall(
            r"^## ([^\n]+)\n\n```text\n(.*?)^```", pages["commands"], re.MULTILINE | re.DOTALL
        )
    )

    def check(group, *before):
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                check(command, *before, name)
                continue
            shown = parts.pop(" ".join((*before, name)))
            assert command.help.splitlines()[0].rstrip(".") in " ".join(shown.split())
            for own in command.params:
                words = own.opts if own.param_type_name == "option" else [own.metavar or own.name]
                for option in words:
                    assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown, re.IGNORECASE), (
                        name,
                        option,
                    )

    check(typer.main.get_command(app))
    assert not parts


def test_every_key_of_a_study_file_is_shown_in_its_table(pages):
    schema = study_schema()
    shown = re.split(r"^## ", pages["study-file"], flags=re.MULTILINE)[1:]
    rows = [set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) for part in shown]
    assert rows[0] == set(schema["properties"])
    for name, table in schema["$defs"].items():
        assert set(table.get("properties", ())) in [*rows, set()], name


def test_every_setting_and_every_word_of_layers_is_shown(pages):
    assert ".. automodule:: ablations.vision\n" in pages["settings"]
    table = settings.split("=\n")[2]  # between the second and the third line of the table
    named = re.findall(r"^(\w+\*?)  ", table, re.MULTILINE)
    assert named == [*_READERS, "build_*"]
    for name, word in WORDS.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*", pages["settings"], re.MULTILINE)
        assert all(f"`{value}`: " in row for value in word.parameters)


def test_every_public_name_is_shown(pages):
    assert sorted(re.findall(r"^## (\w+)$", pages["python"], re.MULTILINE)) == ablations.__all__
