from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ablations.analyze.frames import to_frames

COLD, WARM = np.array([9.0, 5.0]), np.array([1.0, 2.0, 3.0])


def records(make):
    study = make.study(seeds=1)
    first, second, third, _ = make.planned(study)
    return [
        replace(
            make.record(first, make.accuracy(0.5)),
            epochs=({"loss": 2.0}, {"loss": 1.0, "val_loss": 3.0}),
            steps=(COLD, WARM),
        ),
        replace(make.record(second, make.accuracy(0.6)), epochs=({"loss": 4.0},), steps=(COLD,)),
        make.failed(third),
    ]


def test_trials_have_a_row_per_record(make):
    trials = to_frames(records(make)).trials
    assert list(trials.columns) == [
        "key", "study", "a", "b", "arm", "seed", "status", "reason", "seconds",
        "accuracy", "trial_seconds", "median_step_seconds", "p95_step_seconds",
    ]  # fmt: skip
    assert trials["arm"].tolist() == ["a=off, b=off", "a=off, b=on", "a=on, b=off"]
    assert trials["status"].tolist() == ["completed", "completed", "failed"]
    assert trials["reason"].tolist() == [None, None, "diverged"]
    assert trials["median_step_seconds"].tolist()[:2] == [2.0, 5.0]
    assert np.isnan(trials["accuracy"][2])


def test_epochs_have_a_row_per_epoch(make):
    epochs = to_frames(records(make)).epochs
    assert list(epochs.columns) == ["key", "a", "b", "seed", "epoch", "loss", "val_loss"]
    assert epochs["epoch"].tolist() == [1, 2, 1]
    assert epochs["b"].tolist() == ["off", "off", "on"]
    assert epochs["loss"].tolist() == [2.0, 1.0, 4.0]
    assert epochs["val_loss"].isna().tolist() == [True, False, True]


def test_steps_have_a_row_per_step_and_mark_the_warm_up(make):
    steps = to_frames(records(make)).steps
    assert list(steps.columns) == ["key", "a", "b", "seed", "epoch", "step", "seconds", "warmup"]
    assert steps["epoch"].tolist() == [1, 1, 2, 2, 2, 1, 1]
    assert steps["step"].tolist() == [1, 2, 1, 2, 3, 1, 2]
    assert steps["seconds"].tolist() == [9, 5, 1, 2, 3, 9, 5]
    assert steps["warmup"].tolist() == [True, True, False, False, False, True, False]


def test_steps_without_warm_up_give_the_trial_its_median(make):
    frames = to_frames(records(make))
    medians = frames.steps[~frames.steps["warmup"]].groupby("key")["seconds"].median()
    joined = frames.trials.set_index("key")["median_step_seconds"].dropna()
    pd.testing.assert_series_equal(medians.sort_index(), joined.sort_index(), check_names=False)


def test_no_records_give_empty_frames_with_their_columns():
    frames = to_frames([])
    fixed = ["key", "study", "arm", "seed", "status", "reason", "seconds"]
    assert list(frames.trials.columns) == fixed
    assert list(frames.epochs.columns) == ["key", "seed", "epoch"]
    assert list(frames.steps.columns) == ["key", "seed", "epoch", "step", "seconds", "warmup"]
    assert len(frames.trials) == len(frames.epochs) == len(frames.steps) == 0
    filled_types = {"seed": "int64", "epoch": "int64", "step": "int64", "seconds": "float64"}
    assert frames.steps.dtypes.astype(str)[list(filled_types)].to_dict() == filled_types


def test_names_that_clash_get_other_columns(make):
    study = make.study(seeds=1, factors={"loss": ("mse", "mae"), "seed": ("x", "y")})
    record = replace(make.record(make.planned(study)[0]), epochs=({"loss": 2.0, "epoch": 7.0},))
    frames = to_frames([record])
    assert list(frames.epochs.columns) == [
        "key", "loss", "factor_seed", "seed", "epoch", "metric_loss", "metric_epoch",
    ]  # fmt: skip
    assert frames.epochs.loc[0, ["loss", "metric_loss"]].tolist() == ["mse", 2.0]


def test_studies_with_other_factors_share_a_frame(make):
    one = make.record(make.planned(make.study(factors={"a": ("off", "on")}))[0])
    other = make.record(make.planned(make.study(factors={"z": ("off", "on")}))[0])
    trials = to_frames([one, other]).trials
    assert trials["a"].isna().tolist() == [False, True]
    assert trials["z"].isna().tolist() == [True, False]


def test_frames_show_their_first_trials_as_text(make):
    frames = to_frames(records(make))
    shown, text = frames._repr_html_(), frames._repr_markdown_()
    assert "trials: " in shown
    assert "<table" in shown
    assert text.splitlines()[2].startswith("| key | study |")
    assert len(text.splitlines()) == 4 + min(5, len(frames.trials))
