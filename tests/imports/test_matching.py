"""Which runs are which trials: what a study file decides, and what is refused or named."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ablations import load_study
from ablations.core.record import IMPORTED
from ablations.errors import AblationsError, StudyError
from ablations.imports.matching import Imported, import_runs
from ablations.records.tools.run import SourceRun

STUDY = """
title = "Does a pay?"

[trial]
run = "ablations.imports:train"

[trial.settings]
lr = 0.1

[factors.a]
off = { a = false }
on = { a = true }

[design]
seeds = [0, 1]

[import]
seed = "seed"

[import.metrics]
test_accuracy = { of = "test/acc", unit = "fraction", better = "higher" }
"""


def run(name: str, a: object, seed: object, accuracy: float = 0.5, **other: object) -> SourceRun:
    params = {"a": a, "seed": seed, "lr": "0.10"}
    return replace(
        SourceRun(name, params, {"test/acc": ((0, accuracy),)}, started_at="2026-01-01T00:00:00"),
        **other,
    )


FOUR = (
    run("r1", "False", "0", 0.5), run("r2", "True", "0", 0.6),
    run("r3", "False", "1", 0.55), run("r4", "True", "1", 0.66),
)  # fmt: skip


@pytest.fixture
def imported(tmp_path: Path):
    def do(*runs: SourceRun, text: str = STUDY) -> Imported:
        (tmp_path / "s.toml").write_text(text, encoding="utf-8")
        return import_runs(load_study(tmp_path / "s.toml"), runs, "Some tool 1.0")

    return do


def with_import(line: str) -> str:
    return STUDY.replace("[import]\n", f"[import]\n{line}\n")


def error_of(call, *runs: SourceRun, **options: str) -> StudyError:
    with pytest.raises(AblationsError) as caught:
        call(*runs, **options)
    return caught.value


def test_runs_become_the_records_of_their_trials(imported):
    found = imported(*FOUR)
    assert not found.left_out
    assert [(r.arm.name, r.seed, r.metrics[0].value) for r in found.records] == [
        ("a=off", 0, 0.5), ("a=on", 0, 0.6), ("a=off", 1, 0.55), ("a=on", 1, 0.66),
    ]  # fmt: skip
    assert {r.environment[IMPORTED] for r in found.records} == {"Some tool 1.0"}


def test_the_order_of_the_runs_does_not_matter(imported):
    keys = {(r.key, r.metrics[0].value) for r in imported(*FOUR).records}
    assert {(r.key, r.metrics[0].value) for r in imported(*FOUR[::-1]).records} == keys


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "running"}, "it still runs, or ended without a word"),
        ({"state": "pruned"}, "it was pruned, so its last values are no results"),
        ({"series": {}}, "it has no test/acc"),
        ({"params": {"a": "True", "lr": "0.1"}}, "no seed, which is no seed"),
        ({"params": {"a": "True", "lr": "0.1", "seed": "x"}}, "seed = x, which is no seed"),
        ({"params": {"a": "True", "lr": "0.1", "seed": "-1"}}, "seed = -1, which is no seed"),
        ({"params": {"a": "True", "lr": "0.1", "seed": "0.5"}}, "seed = 0.5, which is no seed"),
        ({"params": {"a": "True", "lr": "0.1", "seed": "7"}}, "seed 7 is none of the study's"),
        ({"params": {"a": "half", "lr": "0.1", "seed": "1"}}, "a = half, which is no level of 'a'"),
        ({"params": {"lr": "0.1", "seed": "1"}}, "no a, which is no level of 'a'"),
        ({"params": {"a": "True", "lr": "0.2", "seed": "1"}}, "lr = 0.2, where the study has 0.1"),
        ({"params": {"a": "True", "seed": "1"}}, "no lr, where the study has 0.1"),
    ],
)
def test_a_run_that_is_no_trial_is_named_with_the_reason(imported, change, why):
    found = imported(*FOUR[:3], replace(FOUR[3], **change))
    assert [(own.run, own.why) for own in found.left_out] == [("r4", why)]
    assert len(found.records) == 3


@pytest.mark.parametrize("seed", ["1", "1.0", 1, 1.0, " 1 "])
@pytest.mark.parametrize("a", ["true", "True", "TRUE", True])
def test_texts_count_as_what_they_stand_for(imported, a, seed):
    assert len(imported(*FOUR[:3], run("r4", a, seed)).records) == 4


def test_numbers_are_no_truth_values(imported):
    assert imported(*FOUR[:3], run("r4", "1", "1")).left_out[0].why.startswith("a = 1, which is no")


def test_two_runs_of_one_trial_are_refused_until_one_is_excluded(imported):
    again = run("r5", "True", "1", 0.9)
    error = error_of(imported, *FOUR, again)
    assert str(error) == (
        "s: 1 trial of the study has several runs, and one cannot be preferred. Received: a=on, "
        "seed 1: r4; r5. Name those that do not count under [import]: exclude = [...], by a rule "
        "that does not look at results, such as keeping the first; or, where the seed is held by "
        "another parameter, name that one."
    )
    found = imported(*FOUR, again, text=with_import('exclude = ["r5"]'))
    assert len(found.records) == 4
    assert [(own.run, own.why) for own in found.left_out] == [("r5", "the study file excludes it")]


def test_a_run_that_is_excluded_must_be_there(imported):
    error = error_of(imported, *FOUR, text=with_import('exclude = ["r9"]'))
    assert str(error) == (
        "import.exclude names runs that are not there. Received: r9. Runs are called for example "
        "r1; r2; r3 and 1 more."
    )


def test_a_trial_that_failed_first_and_then_completed_has_both_records(imported):
    found = imported(*FOUR, run("r0", "True", "1", state="failed", message="no memory"))
    assert [(r.reason, r.message) for r in found.records if r.reason] == [("raised", "no memory")]
    assert len(found.records) == 5
    (note,) = found.notes
    assert note.startswith(
        "1 trial failed first and was run again: a=on, seed 1 (r0). Reports count"
    )


def test_a_value_that_is_not_finite_is_a_trial_that_diverged(imported):
    found = imported(*FOUR[:3], run("r4", "True", "1", math.nan))
    (failed,) = [record for record in found.records if not record.completed]
    assert (failed.reason, failed.metrics) == ("diverged", ())


def test_what_varies_must_be_named(imported):
    tuned = [replace(own, params={**own.params, "wd": str(i)}) for i, own in enumerate(FOUR)]
    error = error_of(imported, *tuned)
    assert str(error) == (
        "s: the runs differ in what the study file does not name. Received: wd = 0; wd = 1; "
        "wd = 2 and 1 more. Make each a factor, or fix it in [trial.settings]; or, where it "
        "changes nothing that matters, write under [import]: ignore = ['wd']."
    )
    (cure,) = re.findall(r"ignore = \[.*\]", str(error))
    assert len(imported(*tuned, text=with_import(cure)).records) == 4


def test_what_differs_between_arms_alone_must_be_named_too(imported):
    confounded = [replace(o, params={**o.params, "wd": o.params["a"]}) for o in FOUR]
    assert "wd = false; wd = true" in str(error_of(imported, *confounded))
    # Also where no seed is in two arms, so that each value belongs to one seed.
    apart = [replace(o, params={**o.params, "seed": i, "wd": o.params["a"]})
             for i, o in enumerate(FOUR)]  # fmt: skip
    text = STUDY.replace("[0, 1]", "4")
    assert "wd = false; wd = true" in str(error_of(imported, *apart, text=text))


def test_what_is_equal_at_a_seed_in_all_arms_is_a_part_of_the_seed(imported):
    split = [replace(o, params={**o.params, "split": f"{o.params['seed']}x"}) for o in FOUR]
    assert len(imported(*split).records) == 4


def test_runs_without_seeds_are_numbered_by_their_start_if_the_file_says_so(imported):
    runs = [
        replace(own, params={"a": own.params["a"], "lr": 0.1}, started_at=f"2026-01-0{5 - i}")
        for i, own in enumerate(FOUR)
    ]
    text = STUDY.replace('seed = "seed"', "number_runs = true").replace("[0, 1]", "2")
    found = imported(*runs, text=text)
    assert {(r.arm.name, r.seed): r.metrics[0].value for r in found.records} == {
        ("a=off", 0): 0.55, ("a=off", 1): 0.5, ("a=on", 0): 0.66, ("a=on", 1): 0.6,
    }  # fmt: skip
    more = imported(*runs, replace(runs[0], name="r5", started_at="2026-02-01"), text=text)
    assert more.left_out[0].why == "its arm has more runs than the study has seeds"


def test_percent_becomes_a_fraction_where_the_file_says_so(imported):
    runs = [run(o.name, o.params["a"], o.params["seed"], 95.5) for o in FOUR]
    error = error_of(imported, *runs)
    assert str(error) == (
        "import.metrics.test_accuracy: 'test_accuracy' is a fraction, of 0 to 1. Received: 95.5. "
        "Write percent = true beside its unit."
    )
    text = STUDY.replace('unit = "fraction"', 'unit = "fraction", percent = true')
    assert {r.metrics[0].value for r in imported(*runs, text=text).records} == {0.955}


@pytest.mark.parametrize(("take", "value"), [("last", 0.6), ("max", 0.8), ("min", 0.5)])
def test_one_value_of_a_curve_counts(imported, take, value):
    curve = ((0, 0.5), (1, 0.8), (2, 0.6))
    runs = [replace(own, series={"test/acc": curve}) for own in FOUR]
    text = STUDY.replace('of = "test/acc"', f'of = "test/acc", take = "{take}"')
    assert {r.metrics[0].value for r in imported(*runs, text=text).records} == {value}


def test_curves_have_the_steps_that_all_their_metrics_have(imported):
    series = {
        "test/acc": ((2, 0.5),),
        "l": ((0, 3.0), (1, 2.0), (2, 1.0)),
        "v": ((0, 0.1), (2, 0.2)),
    }
    text = f'{STUDY}[import.epochs]\nloss = "l"\nval_accuracy = "v"\n'
    found = imported(*(replace(own, series=series) for own in FOUR), text=text)
    expected = ({"loss": 3.0, "val_accuracy": 0.1}, {"loss": 1.0, "val_accuracy": 0.2})
    assert all(record.epochs == expected for record in found.records)
    assert found.notes == (
        "curves have only the steps that all their metrics have; l has others besides",
    )


def test_a_pattern_finds_parameters_in_names(imported):
    runs = [
        replace(own, name=f"ä-{own.params['a']}-s{own.params['seed']}", params={"lr": 0.1})
        for own in FOUR
    ]
    text = with_import(r"names = '-(?P<a>True|False)-s(?P<seed>\d+)$'")
    assert len(imported(*runs, text=text).records) == 4


def test_a_source_of_other_runs_is_refused(imported):
    error = error_of(imported, run("r1", "half", "0"))
    assert str(error) == (
        "s: none of the runs is a trial of the study. Received: r1: a = half, which is no level of "
        "'a'. Correct the study file, or see with 'ablations import SOURCE --suggest' what the "
        "runs have."
    )
    assert "a source without runs" in str(error_of(imported))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('seed = "seed"', "", "[import] needs exactly one of seed and number_runs. Received: "
         "seed = none, number_runs = false. Write seed = 'NAME' of the parameter that holds it, or "
         "number_runs = true where the runs have no seed."),
        ("[import]", "[import]\nnames = '(a'", "import.names is no regular expression with named "
         "groups. Received: (a (missing ), unterminated subpattern at position 0). Write for "
         r"example '(?P<augment>on|off)-(?P<seed>\d+)'."),
        ("[import]", "[import]\nnames = 'a'", "import.names is no regular expression with named "
         r"groups. Received: a (no named group). Write for example '(?P<augment>on|off)-"
         r"(?P<seed>\d+)'."),
        ("ablations.imports:train", "ablations.vision:train", "[import] and trial.run = "
         "'ablations.imports:train' belong together. Received: trial.run = "
         "'ablations.vision:train', and [import]. Let 'ablations import SOURCE --suggest' write "
         "the file, or leave out the other one."),
        ("seeds = [0, 1]", "seeds = { at_most = 9 }", "trials that another tool recorded have fixed "
         "seeds, and threads that are not known. Received: design.seeds = at_least=3 at_most=9 "
         "until='decided', trial.threads = 1. Write seeds as a number or a list, and leave threads "
         "out."),
        ("[import]", "[import]\nsede = 'x'", "unknown key 'import.sede'. Received: x. Did you "
         "mean 'seed'? Known here are seed, number_runs, metrics, epochs, names, ignore, exclude."),
        ('unit = "fraction"', "percent = true", "import.metrics.test_accuracy: percent is for a "
         "fraction. Received: unit = 'number'. Write unit = 'fraction', or leave percent out."),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_one_line(imported, old, new, line):
    error = error_of(imported, *FOUR, text=STUDY.replace(old, new, 1))
    assert str(error) == f"s.toml: {line}"
