"""The registry of metrics: what follows from an entry, and that names are written nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ablations import analyze_records, load_study, render_report
from ablations.core import metrics
from ablations.core.metrics import METRICS, depends_on_training, is_result, shown_in, unit_of
from ablations.core.record import Metric
from ablations.core.trial_log import TrialLog
from ablations.records.readers.jsonl import read_jsonl
from ablations.text.formatting import metric_name

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "ablations").rglob("*.py"))

OTHER_WORDS = {
    ("claims.py", "loss"): "a loss of accuracy, the opposite of a gain",
    ("summary.py", "parameters"): "the heading of a column",
    ("tables.py", "parameters"): "the heading of a column, and a fact of a layer",
    ("settings.py", "loss"): "the setting that chooses the loss",
}
"""Strings that are spelled as a metric and mean something else."""


def docstrings(tree: ast.AST) -> set[int]:
    """Returns which strings of a module explain and are no values: those that are statements."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def literals(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in skipped
        ):
            yield node.lineno, node.value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_of_metrics_are_only_in_the_registry(path):
    if path == ROOT / "ablations/core/metrics.py":
        return
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}"
        for line, text in literals(path)
        if text in METRICS and (path.name, text) not in OTHER_WORDS
    ]
    assert not found, "use the constants of ablations.core.metrics"


def test_every_exception_is_needed():
    used = {(path.name, text) for path in MODULES for _, text in literals(path)}
    assert not set(OTHER_WORDS) - used


@pytest.mark.parametrize("name", METRICS)
def test_every_entry_is_bound_to_a_constant_of_its_name(name):
    assert getattr(metrics, name.upper()) == name
    assert METRICS[name].name == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (metrics.TEST_ACCURACY, "test accuracy"),
        (metrics.BEST_VAL_ACCURACY, "best validation accuracy"),
        (metrics.FLOPS_PER_SECOND, "flops per second"),
        (metrics.FULL_FIT_SECONDS, "full fit time"),
        (metrics.P95_STEP_SECONDS, "p95 step time"),
        (metrics.PEAK_MEMORY_BYTES, "peak memory"),
        (metrics.ENERGY_JOULES, "energy joules"),
    ],
)
def test_a_metric_is_named_in_words_after_its_name(name, words):
    assert metric_name(name) == words


TAKEN = {"time", "speed", "memory", "energy"}
"""Parts of what a training takes: another number each time, and on each machine."""


@pytest.mark.parametrize("entry", METRICS.values(), ids=METRICS)
def test_what_a_training_takes_is_no_result(entry):
    assert is_result(entry.name, entry.unit) == (entry.part not in TAKEN)


@pytest.mark.parametrize("entry", METRICS.values(), ids=METRICS)
def test_a_network_that_did_not_train_changes_what_was_learned_and_nothing_else(entry):
    changed = depends_on_training(entry.name, entry.unit)
    assert changed == (entry.part in {"accuracy", "gap", "loss"})


def test_energy_does_not_depend_on_whether_a_network_trained():
    assert not depends_on_training(metrics.ENERGY_JOULES, "number")
    assert not depends_on_training(metrics.PEAK_FLOPS_SHARE, "fraction")
    assert not depends_on_training("inference_joules", "number")
    assert depends_on_training("recall", "fraction")


def test_a_metric_of_a_study_brings_its_own_unit_and_direction():
    log = TrialLog()
    log.metric("recall", 0.9, unit="fraction", better="higher")
    log.metric("top5_accuracy", 0.9)
    log.known(metrics.FIT_SECONDS, 12)
    assert log.contents().metrics == (
        Metric("recall", 0.9, "fraction", "higher"),
        Metric("top5_accuracy", 0.9, "number", "neither"),
        Metric("fit_seconds", 12.0, "seconds", "lower"),
    )
    assert unit_of("top5_accuracy") == "fraction"


def test_tables_show_metrics_in_the_order_of_the_registry():
    assert [entry.name for entry in shown_in("arm")] == [
        metrics.IMAGES_PER_SECOND,
        metrics.FIT_SECONDS,
        metrics.PEAK_MEMORY_BYTES,
    ]


@pytest.fixture
def example() -> Iterator[list[str]]:
    """The worked example of the documentation: an entry, which is taken out again, and its use."""
    text = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## A metric\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    yield re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    METRICS.pop("validation_seconds", None)
    vars(metrics).pop("VALIDATION_SECONDS", None)


def test_a_new_metric_reaches_the_table_that_its_entry_names(example, tmp_path):
    entry, use = example
    exec(entry, vars(metrics))
    log = TrialLog()
    exec(use, {"metrics": metrics, "log": log, "seconds": 7.25})
    study = load_study("quickstart")
    records = [
        replace(record, metrics=(*record.metrics, *log.contents().metrics))
        for record in read_jsonl(ROOT / "reports/sample/records.jsonl")
    ]
    page = render_report(analyze_records(study, records), tmp_path).read_text(encoding="utf-8")
    (table,) = re.findall(
        r"<table(?:(?!</table>).)*Each arm over its seeds.*?</table>", page, re.DOTALL
    )
    assert re.search(r"<th[^>]*>validation time</th>", table)
    assert table.count("7.2\u202fs") == len(study.arms)
    assert not is_result("validation_seconds")
