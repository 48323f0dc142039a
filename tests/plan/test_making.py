"""Studies that are made in Python, without a file."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest

from ablations import Study, load_study, make_study
from ablations.errors import StudyError
from ablations.plan import plan_trials

LOCK = threading.Lock()
FACTORS = {"it": {"off": {}, "on": {"gain": 0.1}}}


def train(trial, log):
    log.metric("test_accuracy", 0.5, unit="fraction", better="higher")


def other(trial, log):
    log.metric("test_accuracy", 0.6, unit="fraction", better="higher")


def made(**changes):
    return make_study(**{"title": "Does it help?", "factors": FACTORS, "train": train, **changes})


def test_it_is_the_value_that_a_file_gives(tmp_path):
    path = tmp_path / "does-it-help.toml"
    path.write_text(
        'title = "Does it help?"\nquestion = "?"\n'
        '[trial]\nrun = "ablations.vision:train"\nthreads = 2\n'
        '[trial.settings]\ndataset = "digits"\nlayers = ["flatten", "dense:10"]\n'
        '[factors.rate]\nlow = { learning_rate = 0.001 }\nhigh = { learning_rate = 0.01 }\n'
        '[design]\nseeds = [3, 4]\nbaseline = { rate = "high" }\n'
        '[analysis]\nsmallest_effect_that_matters = 0.01\n'
        '[[gates]]\nmetric = "test_accuracy"\nat_least = 0.9\n'
    )  # fmt: skip
    study = make_study(
        title="Does it help?",
        question="?",
        train="ablations.vision:train",
        trial={"threads": 2},
        settings={"dataset": "digits", "layers": ["flatten", "dense:10"]},
        factors={"rate": {"low": {"learning_rate": 0.001}, "high": {"learning_rate": 0.01}}},
        seeds=[3, 4],
        design={"baseline": {"rate": "high"}},
        analysis={"smallest_effect_that_matters": 0.01},
        gates=[{"metric": "test_accuracy", "at_least": 0.9}],
    )
    loaded = load_study(path)
    assert type(study) is type(loaded) is Study
    assert [trial.key for trial in plan_trials(study)] == [t.key for t in plan_trials(loaded)]
    assert (study.gates, study.design, study.slug) == (loaded.gates, loaded.design, loaded.slug)


def test_without_factors_it_has_one_arm():
    """As the cures of the errors below say: no kind, a number of seeds, no 'where', no baseline."""
    gates = [{"metric": "x", "at_least": 1}]
    study = make_study(title="One", train=train, seeds=5, gates=gates, settings={"a": 1})
    (arm,) = study.arms
    assert (arm.name, arm.levels, study.design.contrasts) == ("the only arm", (), ())
    assert study.arm_settings(arm) == {"a": 1}


def test_another_function_makes_other_trials_and_a_version_stands_for_it():
    keys = [plan_trials(made(train=own))[0].key for own in (train, train, other)]
    assert keys[0] == keys[1] != keys[2]
    assert made(version="1").entry == "train@1"
    assert [made(train=own, version="1").entry for own in (train, other)] == ["train@1", "other@1"]
    assert {t.key for t in plan_trials(made(version="1"))} != {
        t.key for t in plan_trials(made(version="2"))
    }


def test_numbers_of_numpy_are_those_of_python():
    def made_with(seeds, rate, sizes):
        levels = {"off": {}, "on": {"rate": rate, "sizes": sizes}}
        return make_study(title="T", factors={"it": levels}, train=train, seeds=seeds)

    ours = made_with(np.arange(np.int64(2)), np.float32(0.5), np.array([8, 16]))
    assert [t.key for t in plan_trials(ours)] == [
        t.key for t in plan_trials(made_with([0, 1], 0.5, [8, 16]))
    ]
    assert made_with(np.int64(3), 0.5, []).seeds == (0, 1, 2)


def test_the_caller_may_change_its_own_dicts_afterwards():
    settings, factors = {"layers": ["a"]}, {"it": {"off": {}, "on": {"list": [1]}}}
    study = made(settings=settings, factors=factors)
    settings["layers"].append("b")
    factors["it"]["on"]["list"].append(2)
    assert study.arm_settings(study.arms[1]) == {"layers": ["a"], "list": [1]}


def test_what_cannot_be_read_is_said():
    lock = LOCK

    def locked(trial, log):
        with lock:
            train(trial, log)

    with pytest.warns(UserWarning, match="no part of the identity") as caught:
        made(train=locked)
    assert caught[0].filename == __file__
    assert str(caught[0].message) == (
        "What locked uses and cannot be read is no part of the identity of trials: lock (lock) in "
        "locked. Make it within the function, or give make_study a version='1', and another one "
        "after each change."
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made(train=locked, version="1")  # the cure


WRONG = [
    ({"train": lambda trial: None}, "make_study: the function 'lambda' cannot be called with (trial, "
     "log). Received: (trial). Define it as def train(trial, log)."),
    ({"train": 3}, "make_study: 'train' must be a function, or 'module:function' without a version. "
     "Received: 3. Define def train(trial, log), and write train=train."),
    ({"train": "a:b", "version": "1"}, "make_study: 'train' must be a function, or 'module:function' "
     "without a version. Received: a:b, version='1'. Define def train(trial, log), and write "
     "train=train."),
    ({"version": ""}, "make_study: a version is a text of letters, digits and . + - _. Received: . "
     "Write for example version='2'."),
    ({"title": "¿?"}, "make_study: the name of a study needs letters from a to z, or digits. "
     "Received: ¿?. Give it a name for its folders, such as name='dropout'."),
    ({"trial": {"settings": {}}}, "make_study: 'trial' must be a mapping, without what has a place of its "
     "own. Received: {'settings': {}}. Write train=…, settings=… and seeds=…, and the other keys "
     "here."),
    ({"factors": {}, "design": {"kind": "arms"}}, "make_study: a study without [factors] has one arm, and no "
     "design. Received: kind = 'arms'. Leave the kind out, or name factors."),
    ({"factors": {}, "seeds": {"at_least": 2, "at_most": 4, "until": "decided"}}, "make_study: design.seeds "
     "waits for effects, and a study without [factors] has none. Received: until = 'decided'. Write a number "
     "of seeds, such as seeds = 5."),
    ({"factors": {}, "gates": [{"metric": "x", "at_least": 1, "where": {"a": "b"}}]}, "make_study: "
     "gates[0].where names a factor, and the study has none. Received: a. Leave 'where' out: there is one arm."),
    ({"factors": {}, "design": {"baseline": {"a": "b"}}}, "make_study: design.baseline must name each factor "
     "once. Received: {'a': 'b'}. Leave it out: no factor is named."),
    ({"factors": {"a": {"x": {}, "y": {}}}}, "make_study: factor 'a' has two levels with the same "
     "settings. Received: 'x' and 'y' = {}. Change one of them or remove it."),
    ({"seeds": 0}, "make_study: 'design.seeds' cannot be used: input should be greater than 0. "
     "Received: 0. See 'ablations schema' for its form."),
    ({"gate": []}, "make_study: unknown key 'gate'. Received: []. Did you mean 'gates'? Known here "
     "are title, question, trial, factors, design, analysis, resources, gates, chapters, import, published."),
    ({"settings": {"x": LOCK}}, "make_study: settings may hold text, finite numbers, booleans, "
     "lists and tables. Received: it=off: Object of type lock is not JSON serializable. Write "
     "dates and other values as text."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "text"), WRONG)
def test_what_cannot_be_used_is_one_line(changes, text):
    with pytest.raises(StudyError) as caught:
        made(**changes)
    assert str(caught.value) == text


def test_a_name_for_a_title_without_letters_is_the_cure():
    assert made(title="¿?", name="dropout").slug == "dropout"
    assert make_study(title="x" * 300, factors=FACTORS, train=train).slug == "x" * 60
