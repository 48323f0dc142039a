from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import ablations
from ablations.cli.app import app
from ablations.errors import StudyError
from ablations.records.exports import write_jsonl

CLI = CliRunner()


def call(*arguments: object):
    return CLI.invoke(app, [str(argument) for argument in arguments])


def test_plan_lists_arms_and_what_is_to_do(study_path):
    shown = call("plan", study_path).stdout
    assert "Does a pay, and does b?" in shown
    assert "baseline  off  off      3     0      3" in shown
    assert "0 of 12 trials done; 'run' would train 12, time to go: unknown" in shown


def test_plan_shows_what_the_training_function_notes_about_the_data(study_path):
    (module,) = study_path.parent.glob("training_*.py")
    with module.open("a") as file:
        file.write("\n\ndef notes(settings, data_dir):\n    return ['epochs: 2', 'all is well']\n")
    shown = call("plan", study_path).stdout
    assert shown.count("note: epochs: 2\nnote: all is well\n\n") == 1
    planned = json.loads(call("plan", study_path, "--json").stdout)
    assert planned["notes"] == ["epochs: 2", "all is well"]


def test_from_plan_to_report_to_gate(study_path):
    planned = json.loads(call("plan", study_path, "--json").stdout)
    assert (planned["planned"], len(planned["to_do"]), planned["seconds_to_go"]) == (12, 12, None)
    done = call("run", study_path, "--jobs", 2, "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["completed"] == 12
    assert Path(document["report"]).is_file()
    assert Path(document["report"]).name == "index.html"
    assert "[12/12]" in done.stderr
    assert "12 of 12 trials done" in call("status", study_path).stdout
    verdict = call("gate", study_path, "--json")
    assert verdict.exit_code == 0
    gates = json.loads(verdict.stdout)["gates"]
    assert [gate["status"] for gate in gates] == ["passed", "passed"]
    assert "passed" in call("gate", study_path).stdout


SAMPLE = Path(__file__).parents[2] / "reports" / "sample" / "records.jsonl"


def test_power_says_that_seeds_which_are_only_asked_for_do_not_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = call("power", "quickstart", "--records", SAMPLE, "--seeds", "28")
    assert "the present seeds are 3 with results, and not the 28 asked for" in told.stdout


def test_power_tells_what_the_seeds_could_find_and_how_many_it_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = call("power", "quickstart", "--records", SAMPLE)
    assert told.exit_code == 0, told.stderr
    first, second, *rows = told.stdout.replace("\u202f", " ").splitlines()
    assert first.startswith("detectable: the smallest true effect that the present seeds would")
    assert second.startswith("as measured: so many seeds settle an effect on test accuracy against")
    assert rows[0].startswith("no effect: so many call a change without effect equivalent")
    assert re.split(r"\s{2,}", rows[2].strip()) == [
        "effect", "n", "detectable", "as measured", "more time", "no effect", "more time"
    ]  # fmt: skip
    assert any(row.startswith("augmentation ") and " pp / " in row for row in rows)
    (augmentation,) = (row for row in rows if row.startswith("augmentation  "))
    assert augmentation.split()[-4:] == ["decided", "none", "decided", "none"]
    document = json.loads(call("power", "quickstart", "--records", SAMPLE, "--json").stdout)
    assert (document["study"], document["metric"]) == ("quickstart", "test_accuracy")
    assert len(document["effects"]) >= 6
    for effect in document["effects"]:
        assert effect["powers"] == [0.8, 0.9]
        names = ("seeds", "seconds", "seeds_as_measured", "seconds_as_measured")
        planned = [] if effect["decided"] else [effect[name] for name in names]
        for pair in (effect["detectable"], *planned):
            assert all(isinstance(number, int | float) for number in pair)
            assert 0 <= pair[0] <= pair[1]


def test_power_of_a_study_that_has_not_run_is_unknown(study_path):
    told = call("power", study_path)
    assert told.exit_code == 0
    assert told.stdout.startswith(
        "unknown: no trial has completed yet, and two seeds with different"
    )
    document = json.loads(call("power", study_path, "--json").stdout)
    assert document["margin"] == 0
    for effect in document["effects"]:
        assert (effect["n"], effect["sd"]) == (0, None)
        assert effect["detectable"] == effect["seeds"] == effect["seconds"] == [None, None]


def test_power_without_a_margin_asks_for_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(ablations.__file__).parent / "studies" / "quickstart.toml").read_text()
    Path("mine.toml").write_text(text.replace("smallest_effect_that_matters", "# it was"))
    told = call("power", "mine.toml", "--records", SAMPLE)
    assert told.exit_code == 0, told.stderr
    assert (
        "no effect: unknown without a margin; set analysis.smallest_effect_that_matters"
        in told.stdout
    )
    assert "– / –" in told.stdout
    assert "above 10" not in told.stdout


def test_power_says_why_a_number_of_seeds_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(ablations.__file__).parent / "studies" / "quickstart.toml").read_text()
    margin = re.search(r"smallest_effect_that_matters = (\S+)", text)[0]
    Path("mine.toml").write_text(text.replace(margin, "smallest_effect_that_matters = 1e-5"))
    told = call("power", "mine.toml", "--records", SAMPLE)
    assert told.exit_code == 0, told.stderr
    assert "A dash in place of a number of seeds: it is above 10\u202f000, as" in told.stdout


@pytest.mark.parametrize(("bar", "code"), [(0.6, 0), (0.95, 1), (0.72, 3)])
def test_the_gates_exit_code_is_the_verdict(edit, bar, code):
    path = edit("at_least = 0.6", f"at_least = {bar}")
    call("run", path, "--no-report")
    assert call("gate", path).exit_code == code


def test_the_gate_of_a_study_that_has_not_run_is_not_passed(study_path):
    verdict = call("gate", study_path)
    assert verdict.exit_code == 4
    assert "12 trials not trained yet" in verdict.stderr


def test_failed_trials_end_with_code_4_and_are_named(edit):
    path = edit("on = { a = 0.1 }", "on = { a = 0.1, raise_at = 1 }")
    done = call("run", path, "--no-report")
    assert done.exit_code == 4
    assert "10 of 12 trials done, 2 failed; 'run' would train 2" in done.stderr
    shown = call("status", path).stdout
    assert shown.count("failed (raised)") == 2
    assert "ValueError: no such layer" in shown


def test_a_metric_that_nobody_reports_is_told_at_once(edit):
    path = edit("[design]", '[analysis]\nmetric = "accuracy"\n\n[design]')
    done = call("run", path, "--no-report", "--go-on")
    assert (
        "no trial reported 'accuracy', which the study is about. Did you mean 'test_accuracy'? "
        "Reported are" in done.stderr
    )


def test_status_points_to_records_of_other_settings(trained):
    trained.write_text(trained.read_text().replace("epochs = 2", "epochs = 1"))
    shown = call("status", trained).stdout
    assert "0 of 12 trials done" in shown
    assert "12 more records belong to other settings" in shown


def test_export_writes_what_the_ending_says_and_reports_come_from_it(trained, tmp_path):
    study_path = trained
    shutil.rmtree("reports")
    for name in ("r.jsonl", "r.csv", "r.parquet"):
        assert call("export", study_path, "--to", tmp_path / name).exit_code == 0
    assert (
        len(pd.read_csv(tmp_path / "r.csv")) == len(pd.read_parquet(tmp_path / "r.parquet")) == 12
    )
    arguments = ("--records", tmp_path / "r.jsonl", "--runs-dir", tmp_path / "none")
    assert call("gate", study_path, *arguments).exit_code == 0
    assert call("report", study_path, *arguments).exit_code == 0
    assert Path("reports/small/index.html").is_file()
    kept = (tmp_path / "r.jsonl").read_bytes()
    with pytest.raises(FileNotFoundError, match=r"there is no such folder: '[^']*/nowhere'"):
        write_jsonl([], tmp_path / "nowhere" / "r.jsonl")
    empty = ("export", study_path, "--to", tmp_path / "r.jsonl", "--set", "epochs=5")
    assert "there is nothing to export" in str(call(*empty).exception)
    assert (tmp_path / "r.jsonl").read_bytes() == kept
    with pytest.raises(StudyError, match=r"export can write .jsonl, .csv and .parquet files only"):
        CLI.invoke(app, ["export", str(study_path), "--to", "r.xls"], catch_exceptions=False)


def test_init_writes_a_study_that_plans(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("init").exit_code == 0
    assert "12 trials" in call("plan", "study.toml").stdout


def test_list_and_schema_answer(study_path):
    assert "quickstart" in call("list").stdout
    assert json.loads(call("list", "--json").stdout)["quickstart"]
    assert json.loads(call("schema").stdout)["title"] == "StudyFile"


def test_the_site_holds_the_reports_there_are(trained):
    assert call("site", "-o", "site").exit_code == 0
    assert Path("site/index.html").is_file()
    assert Path("site/.nojekyll").is_file()
    Path("blog/_posts").mkdir(parents=True)
    blog = call("site", "--jekyll", "-o", "blog")
    assert blog.exit_code == 0
    assert len(list(Path("blog/_posts").glob("*-small.md"))) == 1
    assert (
        call("site", "--jekyll", "-o", "blog", "--base-url", "https://example.org").exit_code == 2
    )


def test_a_site_is_built_of_the_sources_that_are_named(study_path):
    call("run", study_path, "--no-report")
    refused = str(call("site").exception)
    assert "nothing to build a site from. Received: no folder reports and no folder hist" in refused
    done = call("site", "small.toml", "-o", "out", "--base-url", "https://example.org/x")
    assert (done.exit_code, done.stdout) == (0, "out/index.html\n")
    assert "https://example.org/x/small/index.html" in Path("out/sitemap.xml").read_text()


def _process(*arguments: str, **options):
    return subprocess.run(
        [sys.executable, "-m", "ablations", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [(("pln",), "'plan'"), (("plan", "quickstart", "--seds", "1"), "--seeds")],
)
def test_a_misspelt_command_or_option_is_asked_about(written, meant):
    done = _process(*written)
    assert done.returncode == 2
    assert meant in done.stderr


def test_what_a_user_gets_wrong_is_one_line_and_code_2(study_path):
    done = _process("plan", "nothing-of-this-name")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("ablations: there is no such study file")
    assert _process("plan").returncode == 2
    assert _process("run", str(study_path), "--jobs", "0").returncode == 2


def test_status_gate_and_report_import_no_framework(trained):
    code = (
        "import sys, runpy\n"
        "for command in ('plan', 'status', 'gate', 'report'):\n"
        "    sys.argv = ['ablations', command, 'small.toml']\n"
        "    try:\n        runpy.run_module('ablations', run_name='__main__')\n"
        "    except SystemExit as end:\n        assert end.code == 0, (command, end.code)\n"
        "    loaded = {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)\n"
        "    assert not loaded, (command, loaded)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_help_and_version_load_nothing_that_computes():
    code = (
        "import sys, ablations.cli.app; "
        "print(sorted({'numpy', 'pandas', 'scipy', 'pydantic', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_public_names_are_sorted_and_all_there():
    assert ablations.__all__ == sorted(ablations.__all__)
    assert all(getattr(ablations, name) is not None for name in ablations.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = ablations.nothing


def test_the_source_folder_is_a_whole_package():
    package = Path(ablations.__file__).parent
    assert (package / "templates" / "style.css").is_file()
    assert (package / "studies" / "quickstart.toml").is_file()


def test_a_notebook_gets_frames_and_findings(study):
    records = ablations.run_study(study, jobs=0)
    frames = ablations.to_frames(records)
    assert len(frames.trials) == 12
    assert len(frames.epochs) == 24
    assert len(frames.steps) == 72
    findings = ablations.analyze_records(study, ablations.read_records(study))
    assert findings.n_completed == 12
    effects = {effect.changes[0].factor: effect.estimate for effect in findings.effects[:2]}
    assert effects == pytest.approx({"a": 0.1, "b": 0.05})
    assert "<table" in findings._repr_html_()
    assert ablations.render_report(findings).is_file()


def test_a_look_is_on_every_page_of_a_site_and_its_errors_are_one_line(study_path):
    call("run", study_path, "--jobs", 1)
    look = Path("look")
    look.mkdir()
    (look / "style.css").write_text("h1{color:teal}")
    (look / "index.html.j2").write_text(
        '{% extends "ablations/index.html.j2" %}{% block title %}Our lab{% endblock %}'
    )
    assert call("site", "--look", "look").exit_code == 0
    pages = [page.read_text() for page in Path("site").rglob("*.html")]
    assert len(pages) == 3
    assert all("<style>\nh1{color:teal}\n</style>\n</head>" in page for page in pages)
    assert "<title>Our lab</title>" in Path("site/index.html").read_text()
    (look / "style.css").write_text("h1{color:red}")
    assert call("site", "--look", "look").exit_code == 0
    assert "color:red" in Path("site/small/index.html").read_text()
    (look / "index.html.j2").write_text("{{ nothing }}")
    refused = subprocess.run(
        [sys.executable, "-m", "ablations", "site", "--look", "look"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert refused.stderr == (
        "ablations: look/index.html.j2:1: this template cannot be set. Received: 'nothing' is "
        "undefined. Correct this line; docs/site.md says what a look can change.\n"
    )
    assert "<title>Our lab</title>" in Path("site/index.html").read_text()
    assert call("site").exit_code == 0
    assert "color:red" not in Path("site/small/index.html").read_text()
