"""What trackers take is read back by the tools themselves, or checked by their published schemas."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ablations.core.findings import Decision
from ablations.errors import StudyError
from ablations.report.formats.trackers.asv import asv
from ablations.report.formats.trackers.bencher import bencher
from ablations.report.formats.trackers.github_action_benchmark import github_action_benchmark
from ablations.report.formats.trackers.lnt import lnt
from ablations.report.formats.trackers.model_index import model_index
from ablations.report.formats.trackers.pytest_benchmark import pytest_benchmark
from ablations.report.writing import write_formats


def read(files, name: str) -> Any:
    return json.loads(files[name])


def test_pytest_benchmark_compares_two_runs(decision, make, decide, tmp_path: Path):
    pytest.importorskip("pytest_benchmark", reason="needs the package pytest-benchmark")
    for name, one in (("a", decision), ("b", decide(make(noise=0.01)))):
        write_formats(one, ["pytest-benchmark"], tmp_path / name)
    files = [str(tmp_path / name / "pytest-benchmark.json") for name in ("a", "b")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", *files, "--group-by", "group",
         "--columns", "mean,stddev,rounds,outliers,iqr"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "benchmark 'fit_seconds': 16 tests" in done.stdout
    assert "test_accuracy" not in done.stdout


def test_the_statistics_are_those_that_pytest_benchmark_computes(decision):
    stats = pytest.importorskip("pytest_benchmark.stats", reason="needs pytest-benchmark")
    for bench in read(pytest_benchmark(decision), "pytest-benchmark.json")["benchmarks"]:
        own = bench["stats"]
        theirs = stats.Stats()
        for value in own["data"]:
            theirs.update(value)
        for field in ("min", "max", "mean", "stddev", "median", "rounds", "ops", "total"):
            assert own[field] == pytest.approx(getattr(theirs, field)), field
        assert own["stddev_outliers"] == theirs.stddev_outliers


def test_github_action_benchmark_has_what_its_tools_require(hostile):
    files = github_action_benchmark(hostile)
    assert {name: len(read(files, name)) for name in files} == {
        "smaller-is-better.json": 28,
        "bigger-is-better.json": 8,
    }
    for name in files:
        for entry in read(files, name):
            assert set(entry) <= {"name", "unit", "value", "range", "extra"}
            assert isinstance(entry["value"], float)
            assert "\n" not in entry["name"]


def test_bencher_metric_format_matches_its_schema(hostile):
    """The schema is ``https://bencher.dev/bmf.json``: three numbers, of which the first is required."""
    found = read(bencher(hostile), "bencher.json")
    assert len(found) == 4
    for name, measures in found.items():
        assert 0 < len(name) <= 1024
        for measure, values in measures.items():
            assert 0 < len(measure) <= 64
            assert set(values) in ({"value"}, {"value", "lower_value", "upper_value"})
            assert all(isinstance(value, float) for value in values.values())
            if len(values) == 3:
                assert values["lower_value"] <= values["value"] <= values["upper_value"]


def test_lnt_has_a_report_of_version_2_and_a_schema_that_names_its_metrics(hostile):
    files = lnt(hostile)
    report, schema = read(files, "lnt.json"), yaml.safe_load(str(files["lnt-schema.yaml"]))
    assert report["format_version"] == schema["format_version"] == "2"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", report["run"]["end_time"])
    order = [field["name"] for field in schema["run_fields"] if field.get("order")]
    assert report["run"][order[0]]
    known = {metric["name"] for metric in schema["metrics"]}
    bigger = {metric["name"] for metric in schema["metrics"] if metric["bigger_is_better"]}
    assert bigger == {"test_accuracy", "images_per_second"}
    for test in report["tests"]:
        assert set(test) - {"name"} <= known
        assert len(test["name"]) <= 256
        assert len(test["test_accuracy"]) == 3
    assert len({test["name"] for test in report["tests"]}) == 4


def test_a_model_card_is_read_by_hugging_face(hostile):
    hub = pytest.importorskip("huggingface_hub", reason="needs the package huggingface-hub")
    from huggingface_hub.repocard_data import model_index_to_eval_results

    card = hub.ModelCard(str(model_index(hostile)["model-index.md"]), ignore_metadata_errors=False)
    content = yaml.safe_load(str(model_index(hostile)["model-index.md"]).split("---\n")[1])
    assert len(card.data.eval_results) >= 4
    models = [model_index_to_eval_results([entry]) for entry in content["model-index"]]
    assert len(models) == 4
    for arm, (_, results) in zip(hostile.findings.arms, models, strict=True):
        assert {result.task_type for result in results} == {"image-classification"}
        accuracy = next(result for result in results if result.metric_type == "accuracy")
        assert accuracy.metric_value == arm.mean("test_accuracy")
        assert accuracy.dataset_name == "cats-vs-dogs"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def of_commit(decision: Decision, commit: str) -> Decision:
    facts = {**decision.findings.environments[0][0], "commit": commit}
    return replace(decision, findings=replace(decision.findings, environments=((facts, 24),)))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    for message in ("one", "two"):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", message)
    monkeypatch.chdir(tmp_path)
    return tmp_path


CONFIGURATION = {
    "version": 1,
    "project": "small",
    "repo": ".",
    "branches": ["main"],
    "results_dir": "asv-results",
    "html_dir": "html",
    "environment_type": "virtualenv",
}


@pytest.mark.slow
def test_asv_publishes_both_commits_with_accuracy_as_error(decision, make, decide, repository):
    pytest.importorskip("asv", reason="needs the package asv")
    worse = decide(make(gains={}))
    for one, revision in ((decision, "HEAD~1"), (worse, "HEAD")):
        commit = git(repository, "rev-parse", "--short=12", revision)
        write_formats(of_commit(one, commit), ["asv"], repository)
    (repository / "asv.conf.json").write_text(json.dumps(CONFIGURATION))
    done = subprocess.run(
        [sys.executable, "-m", "asv", "publish", "--no-pull"],
        cwd=repository, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    index = json.loads((repository / "html" / "index.json").read_text())
    name = "cats_or_dogs.track_test_accuracy_error"
    assert index["benchmarks"][name]["params"] == [[arm.arm.name for arm in decision.findings.arms]]
    assert not [name for name in index["benchmarks"] if "images_per_second" in name]
    (graph,) = (repository / "html" / "graphs").rglob(f"branch-main/**/{name}.json")
    points = json.loads(graph.read_text())
    assert len(points) == 2
    for (_, values), one in zip(points, (decision, worse), strict=True):
        errors = [1 - (arm.mean("test_accuracy") or 0) for arm in one.findings.arms]
        assert values == pytest.approx(errors)


@pytest.mark.parametrize(
    ("commit", "said"),
    [
        (
            "1234567890ab with changes",
            "asv shows results by commit, so all trials must be of one commit without changes. "
            "Received: 1234567890ab with changes. Commit the changes and train again, or use "
            "another format.",
        ),
        (
            "1234567890ab",
            "asv needs the full hash of the commit, which git does not find in this folder. "
            "Received: 1234567890ab. Write this format in the repository that the trials were "
            "trained in.",
        ),
    ],
)
def test_asv_refuses_what_belongs_to_no_commit(decision, repository, commit, said):
    with pytest.raises(StudyError) as caught:
        asv(of_commit(decision, commit))
    assert str(caught.value) == said
