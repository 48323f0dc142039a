"""Whatever a training function reports ends as a record of its own trial, and as nothing else."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ablations import load_study, run_study
from ablations.core.design import Arm
from ablations.core.record import Exhibit, Metric, Table
from ablations.core.study import Trial
from ablations.core.trial_log import MOST_EPOCHS, MOST_NAMES, TrialLog
from ablations.entry import Entry
from ablations.plan import plan_trials
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import read_jsonl
from ablations.records.sqlite.store import Store
from ablations.run.execute import execute
from ablations.run.executors import Work
from ablations.run.runner import run_trials

TRIAL = Trial("s", "m:train", Arm((("a", "on"),)), 1, {"epochs": 2}, "d")


def executed(trial, train):
    (record,) = execute((trial,), Entry(train), lambda *_: None)
    return record


PNG = b"\x89PNG\r\n\x1a\n"


class Odd:
    """Raises whatever it is asked."""

    def __float__(self):
        raise ZeroDivisionError

    __str__ = __repr__ = __len__ = __iter__ = __array__ = __bool__ = __eq__ = __float__

    def __hash__(self):
        return 1


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=5),
    st.sampled_from(["\ud800", "x" * 300, "", " ", "a\nb", "[/red]", "0.5", "fraction", "loss"]),
)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(2**63) - 1, 2**64]),
    st.floats(),
    st.complex_numbers(),
    st.binary(max_size=5),
    TEXTS,
    st.lists(st.floats(), max_size=3),
    st.lists(st.lists(st.integers(-1, 2), max_size=2), max_size=3),
    st.sets(st.integers(), max_size=2),
    st.dictionaries(TEXTS, st.integers(), max_size=2),
    st.builds(Odd),
    st.sampled_from(
        [np.float32(0.5), np.int64(3), np.complex64(1j), np.str_("0.5"), np.bytes_(b"")]
    ),
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)),
)
TABLES = st.one_of(
    ANYTHING,
    st.builds(
        Table,
        st.one_of(ANYTHING, st.just(("a", "b"))),
        st.one_of(
            ANYTHING, st.just(((1, 2),)), st.lists(st.tuples(ANYTHING, ANYTHING), max_size=2)
        ),
    ),
)
EXHIBITS = st.one_of(
    ANYTHING,
    st.builds(
        Exhibit,
        st.one_of(ANYTHING, st.just("x")),
        st.one_of(ANYTHING, st.just("X")),
        caption=st.one_of(st.just(""), ANYTHING),
        table=st.one_of(st.none(), TABLES),
        image_png=st.one_of(st.none(), ANYTHING, st.just(PNG)),
        chart=st.one_of(st.just("none"), st.just("histogram"), ANYTHING),
    ),
)
CALLS = st.one_of(
    st.tuples(st.just("metric"), ANYTHING, ANYTHING, ANYTHING, ANYTHING),
    st.tuples(st.just("metric"), TEXTS, st.floats(), st.just("seconds"), st.just("lower")),
    st.tuples(st.just("epoch"), st.dictionaries(TEXTS, ANYTHING, max_size=2)),
    st.tuples(st.just("epoch"), st.dictionaries(TEXTS, st.floats(), max_size=2)),
    st.tuples(st.just("steps"), ANYTHING),
    st.tuples(st.just("predictions"), ANYTHING, ANYTHING, ANYTHING, ANYTHING),
    st.tuples(st.just("predictions"), TEXTS, st.just([0, 1]), ANYTHING, TEXTS),
    st.tuples(st.just("exhibit"), EXHIBITS),
    st.tuples(st.just("environment"), st.dictionaries(TEXTS, ANYTHING, max_size=2)),
    st.tuples(st.just("reach in"), st.sampled_from(["_metrics", "_epochs", "_steps"]), ANYTHING),
    st.tuples(st.just("slip in"), ANYTHING, ANYTHING, ANYTHING),
)


def report(log: TrialLog, call: tuple) -> None:
    kind, *values = call
    if kind == "metric":
        log.metric(values[0], values[1], unit=values[2], better=values[3])
    elif kind in ("epoch", "environment"):
        getattr(log, kind)(**values[0])
    elif kind == "predictions":
        log.predictions(*values[:3], examples=values[3])
    elif kind == "reach in":
        setattr(log, *values)
    elif kind == "slip in":
        log._metrics["m"] = Metric(*values)
        log._environment["e"] = values[0]
    else:
        getattr(log, kind)(*values)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of Hypothesis's own strategies
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CALLS, min_size=1, max_size=4), st.booleans())
def test_whatever_is_reported_comes_back_from_the_store(tmp_path_factory, calls, catches):
    """A fuzz of every method of a log, with and without a training function that goes on."""

    def train(_trial, log):
        for call in calls:
            try:
                report(log, call)
            except Exception:
                if not catches:
                    raise

    record = executed(TRIAL, train)
    folder = tmp_path_factory.mktemp("fuzz")
    store = Store(folder / "records.sqlite")
    store.append(record)
    write_jsonl(store.records(), folder / "records.jsonl")
    for again in (*store.records(), *read_jsonl(folder / "records.jsonl")):
        assert (again.status, again.message) == (record.status, record.message)
        assert [m.name for m in again.metrics] == [m.name for m in record.metrics]
        assert [len(s) for s in again.steps] == [len(s) for s in record.steps]
        assert len(again.exhibits) == len(record.exhibits)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("log.metric(None, 0.5)", "TypeError: log.metric: the name must be text. Received: None."),
        ("log.metric('m', '0.5')", "TypeError: metric 'm': the value must be a number. Received: '0.5'."),
        ("log.metric('m', 1j)", "TypeError: metric 'm': the value must be a number. Received: 1j."),
        ("log.metric('m', 10**400)", "ValueError: metric 'm': the value is too large for a number."),
        ("log.metric('m', 1, unit='0.5')", "ValueError: metric 'm': the unit must be one of fraction, seconds"),
        ("log.metric('m', 1, better=None)", "ValueError: metric 'm': better must be one of higher, lower"),
        ("log.metric('\\ud800', 1)", "ValueError: log.metric: the name holds a lone surrogate."),
        ("log.metric('a\\nb', 1)", "ValueError: log.metric: the name holds a control character."),
        ("log.metric('', 1)", "ValueError: log.metric: the name is blank. Received: ''."),
        ("log.metric('x' * 201, 1)", "ValueError: log.metric: the name may have 200 characters at most."),
        ("[log.metric(f'm{i}', i) for i in range(10**6)]", "ValueError: log.metric: a trial may report 1,000"),
        ("log.epoch(**{f'm{i}': i for i in range(10**6)})", "ValueError: epoch 1: an epoch may have 1,000"),
        ("log.epoch(loss='low')", "TypeError: epoch 1: 'loss' must be a number. Received: 'low'."),
        ("log.epoch(**{'a\\nb': 1})", "ValueError: epoch 1: the name of a metric holds a control character"),
        ("log.steps([-0.1])", "ValueError: log.steps: the seconds must be finite and at least 0. Received: -0.1."),
        ("log.steps([[0.1]])", "ValueError: log.steps: the seconds must be a list. Received: an array of shape"),
        ("log.steps({0.1})", "TypeError: log.steps: the seconds must be an array of numbers. Received: {0.1}."),
        ("log.steps(['0.1'])", "TypeError: log.steps: the seconds must be an array of numbers."),
        ("log.predictions('v', [[0], [1]], [[0.5, 0.5]] * 2)", "ValueError: predictions('v'): labels must be (example,)"),
        ("log.predictions('v', [0.5], [[0.5, 0.5]])", "ValueError: predictions('v'): labels must be whole numbers"),
        ("log.predictions('v', [0], [[2.5, -1.0]])", "ValueError: predictions('v'): probabilities must be of 0 to 1"),
        ("log.predictions('v', [0], [[0.5], [1, 2]])", "ValueError: predictions('v'): probabilities must be an array"),
        ("log.environment(gpu={1})", "TypeError: log.environment: gpu must be text. Received: {1}."),
        ("log.exhibit('t')", "TypeError: log.exhibit takes an ablations.Exhibit. Received: 't'."),
        ("log.exhibit(Exhibit('t', 'T', table=Table(('a',), ((1, 2),))))", "ValueError: exhibit 't' has rows of another"),
        ("log.exhibit(Exhibit('t', 'T', image_png=b'GIF'))", "ValueError: exhibit 't': the picture is no PNG"),
    ],
)  # fmt: skip
def test_what_no_record_can_hold_fails_its_own_trial_and_says_where(study_path, line, message):
    (module,) = study_path.parent.glob("training_*.py")
    text = module.read_text()
    module.write_text(text.replace("    draw =", f"    if seed == 1:\n        {line}\n    draw ="))
    records = run_study(load_study(study_path), jobs=0)
    failed = [record for record in records if not record.completed]
    assert {(r.seed, r.reason) for r in failed} == {(1, "raised")}
    assert all(record.message.startswith(message) for record in failed), failed[0].message
    number = 1 + module.read_text().splitlines().index(f"        {line}")
    assert all(record.message.endswith(f"({module.name}, line {number})") for record in failed)
    assert len(records) == 12


def test_numbers_of_every_kind_are_numbers():
    log = TrialLog()
    for i, value in enumerate((1, True, np.float32(0.5), np.int8(3), np.array([2.0]), np.array(1))):
        log.metric(f"m{i}", value)
    log.epoch(loss=np.float16(0.5), accuracy=np.array(1))
    assert [m.value for m in log.contents().metrics] == [1.0, 1.0, 0.5, 3.0, 2.0, 1.0]
    assert all(type(m.value) is float for m in log.contents().metrics)
    assert log.contents().epochs == ({"loss": 0.5, "accuracy": 1.0},)


def test_what_was_reported_stays_when_the_arrays_change():
    log, seconds, labels = TrialLog(), np.array([0.5]), np.array([0])
    outputs = np.array([[0.5, 0.5]], np.float32)
    log.steps(seconds)
    log.predictions("test", labels, outputs)
    seconds[0], labels[0], outputs[0, 0] = 9, 1, 0
    contents = log.contents()
    assert contents.steps[0].tolist() == [0.5]
    assert contents.predictions[0].labels.tolist() == [0]
    assert contents.predictions[0].probabilities.tolist() == [[0.5, 0.5]]


def test_a_cell_that_is_not_a_number_is_unknown():
    log = TrialLog()
    log.exhibit(Exhibit("t", "T", table=Table(["a"], [[math.nan], [np.float32(0.5)], ["x"]])))
    (exhibit,) = log.contents().exhibits
    assert exhibit.table == Table(("a",), ((None,), (0.5,), ("x",)))


def test_a_million_calls_are_one_record():
    log = TrialLog()
    for number in range(10**6):
        log.metric("m", number)
    assert log.contents().metrics == (Metric("m", 999_999.0),)
    log._epochs = [{}] * MOST_EPOCHS
    with pytest.raises(ValueError, match=r"log.epoch: a trial may report 100,000 at most\."):
        log.epoch(loss=1.0)
    log._metrics = {str(number): Metric("x", 1.0) for number in range(MOST_NAMES)}
    log.metric("5", 0.5)  # a name that is known takes no room


def test_an_error_may_say_anything():
    def train(_trial, log):
        raise type("Odd", (Exception,), {"__str__": lambda _self: "x\ud800" * 10**6})

    record = executed(TRIAL, train)
    assert record.message.startswith("Odd: x\\ud800x")
    assert "(test_trial_log.py, line " in record.message
    assert len(record.message) < 5_000


def test_energy_is_kept_beside_as_many_metrics_as_there_may_be(monkeypatch):
    energy = SimpleNamespace(counters=dict, spent=lambda _before, _seconds: 5.0)
    monkeypatch.setattr("ablations.run.execute.energy", energy)

    def train(_trial, log):
        for number in range(MOST_NAMES):
            log.metric(f"m{number}", number)

    record = executed(TRIAL, train)
    assert record.completed
    assert Metric("energy_joules", 5.0, better="lower") in record.metrics
    assert replace(record).metrics[-1].name == "peak_memory_bytes"


@pytest.mark.parametrize("kind", [GeneratorExit, asyncio.CancelledError, SystemExit, MemoryError])
def test_whatever_is_raised_fails_the_trial(kind):
    def train(_trial, log):
        raise kind("it")

    record = executed(TRIAL, train)
    assert record.message.startswith(f"{kind.__name__}: it (test_trial_log.py, line ")


class Forged:
    """An executor whose records nobody has checked."""

    def __init__(self, **values):
        self.values = values

    def run(self, work, observer):
        for trial in work.trials:
            record = executed(trial, lambda _, log: log.metric("m", 1.0))
            yield trial, replace(record, **self.values) if trial.seed == 1 else record


@pytest.mark.parametrize(
    "values",
    [
        {"metrics": (Metric(None, 0.5),)},
        {"metrics": (Metric("m", 1j),)},
        {"seconds": math.nan},
        {"message": "\ud800"},
        {"epochs": ({"loss": "low"},)},
        {"environment": {"gpu": {1}}},
        {"steps": ([0.1],)},
    ],
)
def test_a_record_that_the_file_cannot_hold_fails_its_trial_and_no_other(study, tmp_path, values):
    store = Store(tmp_path / "records.sqlite")
    run_trials(Work(plan_trials(study)), Forged(**values), store)
    records = store.records()
    assert len(records) == 12
    assert {(r.seed, r.reason) for r in records if not r.completed} == {(1, "raised")}
    assert all("cannot be stored" in r.message for r in records if not r.completed)
