from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.design import Arm
from ablations.core.study import (
    PURPOSES,
    Study,
    Trial,
    blocks,
    name_trials,
    stream,
    trial_key,
)

ARM = Arm((("a", "on"), ("b", "off")))
TRIAL = Trial("s", "m:train", ARM, 1, {"epochs": 2, "layers": ["conv:8"]}, "digits:1")


def test_an_arm_matches_the_levels_that_it_has():
    assert ARM.matches({})
    assert ARM.matches({"a": "on"})
    assert not ARM.matches({"a": "on", "b": "on"})
    assert ARM.replace("b", "on").name == "a=on, b=on"


def test_the_key_depends_on_what_is_trained_and_on_nothing_else():
    others = [
        replace(TRIAL, seed=2),
        replace(TRIAL, settings={"epochs": 3}),
        replace(TRIAL, data="digits:2"),
        replace(TRIAL, entry="m:other"),
    ]
    assert len({trial.key for trial in [TRIAL, *others]}) == 5
    assert replace(TRIAL, study="t", arm=ARM.replace("a", "off"), data_dir="/d").key == TRIAL.key
    assert replace(TRIAL, settings=dict(reversed(TRIAL.settings.items()))).key == TRIAL.key


@given(st.integers(0, 2**31), st.sampled_from(PURPOSES), st.sampled_from(PURPOSES))
def test_streams_repeat_for_a_purpose_and_differ_between_purposes(seed, one, other):
    first, again = (np.random.default_rng(stream(seed, one)).random(4) for _ in range(2))
    assert np.array_equal(first, again)
    if one != other:
        assert not np.array_equal(first, np.random.default_rng(stream(seed, other)).random(4))


def test_a_stream_needs_a_known_purpose():
    with pytest.raises(ValueError, match="there is no random stream for 'luck'"):
        TRIAL.rng("luck")


def test_blocks_hold_every_arm_once_a_seed_in_an_order_of_their_own(study: Study):
    listed = dict(blocks(replace(study, seeds=tuple(range(8)))))
    assert all(sorted(arms) == sorted(study.arms) for arms in listed.values())
    assert len(set(listed.values())) > 1
    assert listed == dict(blocks(replace(study, seeds=tuple(range(8)))))


def test_the_notebook_shows_title_and_arms_escaped(study: Study):
    shown = replace(study, title="<b>x</b>")._repr_html_()
    assert "&lt;b&gt;x" in shown
    assert shown.count("<tr>") == 5 + 5  # four arms, and the four levels of the two factors


def one_by_one(trial: Trial) -> str:
    """Returns a key as it was computed before trials of an arm shared the work."""
    settings = trial.settings if trial.identity is None else trial.identity
    threads = [trial.threads] if trial.threads != 1 else []
    facts = [trial.entry, settings, trial.seed, trial.data, *threads]
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                      lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))  # fmt: skip


@given(
    st.text(), st.lists(st.dictionaries(st.text(), VALUES), min_size=1, max_size=2),
    st.lists(st.tuples(st.integers(0, 2**40), st.sampled_from(["", "é\n", "d:1"]))),
    st.integers(1, 4), st.booleans(),
)  # fmt: skip
def test_keys_that_are_computed_at_once_are_those_of_each(
    entry, settings, blocks, threads, counted
):
    trials = [
        Trial("s", entry, Arm(()), seed, own, data, threads=threads,
              identity=settings[0] if counted else None)
        for seed, data in blocks for own in settings
    ]  # fmt: skip
    name_trials(trials)
    assert [trial.key for trial in trials] == [one_by_one(trial) for trial in trials]
    for trial in trials[:1]:
        other = replace(trial, seed=trial.seed + 1)
        assert other.key == one_by_one(other) != trial.key
        assert pickle.loads(pickle.dumps(trial)).key == trial.key


def test_a_key_is_the_one_that_stored_records_have():
    trial = Trial("s", "m:train", Arm(()), 3, {"epochs": 2, "a": [1, None]}, "digits:1", threads=2)
    assert trial.key == trial_key("m:train", trial.settings, seed=3, data="digits:1", threads=2)
    assert trial.key == "2dfc502e0562e26d"
