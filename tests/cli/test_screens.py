from __future__ import annotations

import re

import pytest
from rich.text import Text
from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.cli.screens import fitted, make_table, natural_width

CLI = CliRunner()


def call(*arguments: object, **env: str):
    return CLI.invoke(app, [str(argument) for argument in arguments], env=env)


def words(text: str) -> list[str]:
    return re.findall(r"[^\s:]+", text)


LONG = "a_level_whose_name_is_a_single_word_of_more_than_forty_characters"


@pytest.fixture
def long_names(edit):
    path = edit("[factors.a]\noff = {}\non =", f"[factors.augmentation]\noff = {{}}\n{LONG} =")
    path.write_text(path.read_text().replace('a = "on"', f'augmentation = "{LONG}"'))
    return path


@pytest.mark.parametrize("width", ["40", "80"])
def test_no_table_is_cut_off_on_a_narrow_terminal(long_names, width):
    call("run", long_names, "--no-report")
    for command in (("plan",), ("status",), ("gate",), ("gate", "--against", "runs")):
        first, *options = command
        wide = call(first, long_names, *options, COLUMNS="400").stdout
        narrow = call(first, long_names, *options, COLUMNS=width).stdout
        assert "…" not in narrow
        assert set(words(wide)) - {"arm", "effect"} <= set(words(narrow))
        assert LONG in narrow
        for name in ("augmentation", "to do") if first == "plan" else ():
            assert name in narrow


def test_the_built_in_studies_fit_forty_columns():
    for command in (("list",), ("plan", "quickstart")):
        shown = call(*command, COLUMNS="40").stdout
        assert "…" not in shown
        assert not [line for line in shown.splitlines()[5:-1] if len(line.rstrip()) > 40]
    assert "row 2\n  augmentation: off" in shown  # a dash would say that something is unknown
    assert "–" not in shown


def test_a_pipe_has_no_width_so_each_row_is_one_line(long_names):
    call("run", long_names, "--no-report")
    shown = call("gate", long_names).stdout
    rows = [line for line in shown.splitlines() if line.startswith(LONG)]
    assert len(rows) == 2
    assert all(row.rstrip().endswith("passed") for row in rows)


def test_only_the_flexible_column_is_broken():
    table = make_table("arm", "interval of the mean")
    table.add_row(Text("augmentation + transfer"), "[90.8, 93.2]%")
    assert natural_width(table) == 23 + 2 + 20
    assert fitted(table, 34) is table
    assert fitted(table, 33) is not table
    assert natural_width(make_table("[bold]", "n")) == 9


def test_the_gate_of_a_study_without_gates_says_that_nothing_was_judged(study_path):
    path = study_path
    path.write_text(path.read_text().split("[[gates]]")[0])
    call("run", path, "--no-report")
    silent = call("gate", path)
    assert silent.exit_code == 0
    assert (
        "nothing was judged: this study has no gates (--require-gates makes that an error)\n"
        in silent.stderr
    )
    failed = CLI.invoke(app, ["gate", str(path), "--require-gates"])
    assert str(failed.exception) == (
        "small: nothing was judged, as the study has no gates. Received: --require-gates. Add "
        "[[gates]] to the study file, or leave the option out."
    )
    path.write_text(f'{path.read_text()}\n[[gates]]\nmetric = "test_accuracy"\nat_least = 0.1\n')
    assert call("gate", path, "--require-gates").exit_code == 0


def test_a_gate_on_a_metric_that_nobody_reports_asks_after_its_name(edit):
    path = edit('metric = "test_accuracy"', 'metric = "test_acuracy"')
    call("run", path, "--no-report", "--go-on")
    told = call("gate", path)
    assert told.exit_code == 4
    assert told.stderr.startswith(
        "no trial reported 'test_acuracy', which a gate judges. Did you mean 'test_accuracy'? "
        "Reported are median_step_seconds,"
    )
