from __future__ import annotations

import csv
import io
from dataclasses import replace

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ablations.analyze.frames import to_frames
from ablations.core.design import Arm, Factor, Level
from ablations.core.record import Metric, RunRecord
from ablations.core.study import Study, Trial
from ablations.plan.designs import Wanted, lay_out
from ablations.report import data_files as frames
from ablations.text.sheets import FIXED, factor_columns, inert, metric_columns, to_csv

NASTY = ("=HYPERLINK(1)", "+cmd", "-1..1", "@SUM(A1)", "\tx", "\rx", "\nx", "'=1", "''=1", "＝1")


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers():
    frame = pd.DataFrame({"=head": list(NASTY), "n": -1.5, "text": "-2e-3", "none": None})
    rows = list(csv.reader(io.StringIO(to_csv(frame), newline="")))
    assert rows[0] == ["'=head", "n", "text", "none"]
    for row, text in zip(rows[1:], NASTY, strict=True):
        assert row == ["'" + text.replace("\r", "\n"), "-1.5", "-2e-3", ""]


@given(st.lists(st.text(alphabet="'=+-@\t\r\nab1.", max_size=6), min_size=1))
def test_the_documented_way_back_gives_the_texts_as_they_were(texts):
    written = pd.Series([inert(text) for text in texts], dtype=object)
    back = written.replace(r"^'(?='*[=+@\t\n＝＋－＠-])", "", regex=True)
    assert back.tolist() == [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]


@given(
    st.lists(st.sampled_from([*sorted(FIXED), "factor_seed", "metric_seed", "x"]), unique=True),
    st.lists(st.sampled_from([*sorted(FIXED), "factor_seed", "metric_seed", "x"]), unique=True),
)
def test_no_two_columns_share_a_name(factors, metrics):
    by_factor = factor_columns(factors)
    by_metric = metric_columns(metrics, by_factor.values())
    columns = [*by_factor.values(), *by_metric.values()]
    assert len({*columns, *FIXED}) == len(factors) + len(metrics) + len(FIXED)


def _study(names: tuple[str, ...]) -> tuple[Study, list[Trial]]:
    factors = tuple(Factor(name, (Level("off", {}), Level("on", {name: 1}))) for name in names)
    listed = [dict.fromkeys(names, level) for level in ("off", "on")]
    design = lay_out(Wanted("arms", factors, arms=listed))
    study = Study("s", "t", "q", "m:f", {}, factors, design, (0, 1))
    trials = [
        Trial("s", "m:f", a, s, study.arm_settings(a), "d") for s in (0, 1) for a in study.arms
    ]
    return study, trials


def _record(trial: Trial) -> RunRecord:
    return RunRecord(
        trial.key, "s", "m:f", trial.arm, trial.seed, trial.settings, "d", "completed",
        "2026-01-01T00:00:00+00:00", 9.0,
        metrics=(Metric("test_accuracy", 0.5 + trial.seed / 10, "fraction", "higher"),
                 Metric("seconds", 3.0), Metric("n", 4.0)),
        epochs=({"seed": 1.0, "value": 2.0},),
    )  # fmt: skip


def test_factors_and_metrics_with_the_names_of_fixed_columns_keep_their_own():
    from ablations.analyze.analysis import analyze

    names = ("seed", "metric", "n", "seconds", "epoch", "unit", "percentile", "status",
             "trained", "n_untrained", "trained_mean")  # fmt: skip
    study, trials = _study(names)
    records = [_record(trial) for trial in trials]
    findings = analyze(study, records, planned=trials)
    tables = {
        "trials": frames.trials_frame(findings),
        "arms": frames.arms_frame(findings),
        "curves": frames.curves_frame(findings),
        "all trials": to_frames(records).trials,
        "all epochs": to_frames(records).epochs,
    }
    for name, table in tables.items():
        assert len(set(table.columns)) == len(table.columns), name
        for factor in names:
            assert set(table[f"factor_{factor}"]) == {"off", "on"}, (name, factor)
        if name != "arms":
            assert set(table["seed"]) == {0, 1}, name
    assert set(tables["trials"]["seconds"]) == {9.0}
    assert set(tables["trials"]["metric_seconds"]) == {3.0}
    assert set(tables["all trials"]["metric_n"]) == {4.0}
    assert set(tables["curves"]["metric"]) == {"seed", "value"}
    assert "test_accuracy" in set(tables["arms"]["metric"])


def test_tables_with_equal_headings_are_written():
    frame = pd.DataFrame([["=1", 2], ["x", 3]], columns=["a", "a"])
    assert to_csv(frame) == "a,a\n'=1,2\nx,3\n"


def test_a_level_that_could_be_a_formula_is_inert_in_an_export(tmp_path):
    from ablations.records.exports import export_records

    _, trials = _study(("scale",))
    record = _record(trials[0])
    risky = replace(record, arm=Arm((("scale", "=1+1"),)), status="failed", reason="raised")
    export_records([risky], tmp_path / "r.csv", table=lambda own: to_frames(own).trials)
    assert "'=1+1" in (tmp_path / "r.csv").read_text()
    assert ",=1+1" not in (tmp_path / "r.csv").read_text()
