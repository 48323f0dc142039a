"""What notebooks call: a study made in Python, run and asked for its findings."""

from __future__ import annotations

import json
import os
import sys
import threading
import types
import warnings
from pathlib import Path

import pytest

import ablations
from ablations import Findings, InlineExecutor, analyze_records, make_study, read_records, run_study
from ablations.entry import find_entry, ship
from ablations.errors import StoreError, StudyError
from ablations.records.exports import write_jsonl
from ablations.records.origins import origin_of_report, require_own_report
from ablations.records.readers.jsonl import read_jsonl
from ablations.report.blocks import Code, Extras, walk
from ablations.report.comparison.page import make_page as page_of_comparison
from ablations.report.sections.settings import settings
from ablations.report.synthesis.page import make_page as page_of_synthesis

FACTORS = {"it": {"off": {"gain": 0.0}, "on": {"gain": 0.1}}}
LOCK = threading.Lock()


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(trial, log):
    log.epoch(val_accuracy=0.5)
    value = 0.5 + trial.settings["gain"] + 0.01 * trial.rng("order").random()
    log.metric("test_accuracy", value, unit="fraction", better="higher")


def of_notebook(source: str, name: str = "train"):
    """Returns a function that no module has, as those of a notebook's cells."""
    namespace = {"__name__": "__main__"}
    exec(source, namespace)
    return namespace[name]


CELL = """
def bonus():
    return 0.1

def train(trial, log):
    value = 0.5 + bonus() * trial.settings["gain"] + 0.01 * trial.rng("order").random()
    log.metric("test_accuracy", value, unit="fraction", better="higher")
"""


def made(**changes):
    keys = {"title": "Does it help?", "factors": FACTORS, "train": train, "seeds": 3}
    return make_study(**{**keys, **changes})


def test_a_function_of_a_notebook_trains_in_workers(capsys):
    study = made(train=of_notebook(CELL))
    findings = ablations.run(study, jobs=2)
    assert isinstance(findings, Findings)
    assert (findings.n_completed, findings.n_failed) == (6, 0)
    assert findings.effects[0].estimate == pytest.approx(0.01)
    assert "[6/6]" in capsys.readouterr().err
    inline = run_study(study, runs_dir="inline", jobs=0)
    assert {r.key: r.metrics[0].value for r in inline} == {
        r.key: r.metrics[0].value for r in read_records(study)
    }


def test_the_package_can_be_called_as_the_function(monkeypatch):
    assert callable(ablations.run)
    import ablations.run as package

    assert isinstance(package, types.ModuleType)
    assert package(made(), jobs=0).n_completed == 6
    assert ablations.run(made(), executor=InlineExecutor()).n_completed == 6


def test_only_what_is_missing_is_trained_and_a_changed_function_trains_again(capsys):
    ablations.run(made(), jobs=0)
    capsys.readouterr()
    ablations.run(made(), jobs=0)
    assert capsys.readouterr().err == ""
    ablations.run(made(seeds=4), jobs=0)
    assert capsys.readouterr().err.strip().startswith("2 trials to train")
    ablations.run(made(train=of_notebook(CELL)), jobs=0)
    assert capsys.readouterr().err.strip().startswith("6 trials to train")
    assert ablations.run(made(), jobs=0).n_completed == 6


def test_a_study_given_by_name_is_loaded(study_path, monkeypatch):
    assert (
        ablations.run(study_path, jobs=0).n_completed
        == len(ablations.load_study(study_path).arms) * 3
    )


def test_what_cannot_be_sent_trains_in_this_process_and_says_why():
    given = of_notebook(CELL.replace("bonus() *", "0 * len(str(LOCK)) +"))
    given.__globals__["LOCK"] = LOCK
    with pytest.warns(UserWarning, match="no part of the identity"):
        study = made(train=given)
    with pytest.warns(UserWarning, match="in this process") as caught:
        assert ablations.run(study).n_completed == 6
    assert str(caught[0].message) == (
        "The trials are trained in this process, as the training function cannot be sent to "
        "workers (TypeError: cannot pickle '_thread.lock' object). Make what it needs within the "
        "function, to train in workers."
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ablations.run(study, runs_dir="other", jobs=0)


def test_a_function_that_changed_since_is_refused_until_the_study_is_made_again():
    given = of_notebook(CELL)
    study = made(train=given)
    before = study.entry
    exec(CELL.replace("return 0.1", "return 0.2"), given.__globals__)
    with pytest.raises(StudyError) as caught:
        ablations.run(study, jobs=0)
    again = made(train=given)
    assert str(caught.value) == (
        "the training function, or what it uses, has changed since the study was made. Received: "
        f"{before}, and now {again.entry.partition('@')[2]}. Make the study again, so that its "
        "trials are those of the present function."
    )
    assert ablations.run(again, jobs=0).n_completed == 6


def test_records_can_be_read_elsewhere_where_the_study_is_made_again():
    study = made()
    records = run_study(study, jobs=0)
    write_jsonl(records, Path("records.jsonl"))
    found = read_jsonl(Path("records.jsonl"))
    assert analyze_records(made(), found).n_completed == 6
    assert len(read_records(made(), source="records.jsonl")) == 6


def test_a_study_that_another_process_made_is_said_to_be_unknown():
    with pytest.raises(StudyError) as caught:
        find_entry("train@0123456789ab")
    assert str(caught.value) == (
        "this study was made in Python, and its training function is not known here. Received: "
        "train@0123456789ab. Make the study again in this process, with ablations.make_study."
    )
    assert ship("ablations.vision:train") is None


def test_a_store_or_report_of_a_study_file_is_not_taken_over(study_path):
    loaded = ablations.load_study(study_path)
    run_study(loaded, jobs=0)
    study = made(name=loaded.slug)
    with pytest.raises(StoreError) as caught:
        ablations.run(study, jobs=0)
    assert str(caught.value) == (
        f"runs/{loaded.slug} holds the records of another study. Received: made in Python: "
        f"{loaded.slug}, and there records of {loaded.slug}.toml. Give make_study another name=, or "
        "name another folder with runs_dir=."
    )
    ablations.run(study, runs_dir="other", jobs=0)  # the second cure
    with pytest.raises(StoreError, match="holds the records of another study"):
        run_study(loaded, runs_dir="other", jobs=0)
    report = Path("reports", loaded.slug, "report.json")
    report.parent.mkdir(parents=True)
    report.write_text(json.dumps({"origin": origin_of_report(loaded, Path("reports"))}))
    require_own_report(loaded, Path("reports"))
    with pytest.raises(StudyError, match="is the report of another study"):
        require_own_report(study, Path("reports"))
    report.write_text(json.dumps({"origin": origin_of_report(study, Path("reports"))}))
    require_own_report(made(name=loaded.slug), Path("reports"))


def test_the_report_says_how_to_run_it_again():
    *_, again = settings(ablations.run(made(), jobs=0), Extras())
    (code,) = again.blocks
    assert "ablations.make_study" in code.text
    assert ".toml" not in code.text


def test_what_a_function_that_cannot_be_read_in_a_worker_needs_is_said(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text(
        "import os\nif os.environ.get('ONLY') != str(os.getpid()):\n    raise ImportError('not here')\n"
        "def train(trial, log):\n    log.metric('test_accuracy', 0.5)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ONLY", str(os.getpid()))
    module = __import__("only_here")
    findings = ablations.run(made(train=module.train, seeds=1), jobs=1)
    del sys.modules["only_here"]
    for failure in findings.failures:
        assert failure.message == (
            f"the training function {findings.study.entry} cannot be read in a worker process. "
            "Received: ImportError: not here. Import and make what it needs within the function."
        )


def test_pages_of_several_studies_name_no_file_of_one_made_in_python():
    def varied(trial, log):
        value = 0.5 + trial.settings["gain"] * trial.rng("order").random()
        log.metric("test_accuracy", value, unit="fraction", better="higher")

    studies = (made(name=name, version=name, train=varied) for name in ("one", "other"))
    one, other = (ablations.run(study, jobs=0) for study in studies)
    side_by_side = page_of_comparison(ablations.compare({"one": one, "other": other}))
    together = page_of_synthesis(ablations.synthesize([one, other]))
    texts = [
        b.text
        for page in (side_by_side, together)
        for b in walk(page.sections)
        if isinstance(b, Code)
    ]
    assert texts == [
        "ablations.render_report(ablations.compare({'one': …, 'other': …}))",
        "ablations.render_report(ablations.synthesize([…]))",
    ]


def test_a_function_that_never_asks_for_its_seed_is_warned_of():
    source = CELL.replace('trial.rng("order").random()', "0.3")
    study = made(train=of_notebook(source))
    said = r"^The training function of 6 trials never asked for trial.seed or trial.rng, so seeds only "
    with pytest.warns(UserWarning, match=said):
        ablations.run(study, executor=InlineExecutor())
    asks = made(train=of_notebook(CELL), name="asks")  # the cure: it draws from trial.rng
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ablations.run(asks, executor=InlineExecutor())
