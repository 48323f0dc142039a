from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.design import Arm
from ablations.core.study import PURPOSES, Study, Trial, blocks, stream

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
    with pytest.raises(ValueError, match="not in tuple"):
        TRIAL.rng("luck")


def test_blocks_hold_every_arm_once_a_seed_in_an_order_of_their_own(study: Study):
    listed = dict(blocks(replace(study, seeds=tuple(range(8)))))
    assert all(sorted(arms) == sorted(study.arms) for arms in listed.values())
    assert len(set(listed.values())) > 1
    assert listed == dict(blocks(replace(study, seeds=tuple(range(8)))))


def test_the_notebook_shows_title_and_arms_escaped(study: Study):
    shown = replace(study, title="<b>x</b>")._repr_html_()
    assert "&lt;b&gt;x" in shown
    assert shown.count("<tr>") == 5
