from __future__ import annotations

import pytest

from ablations.core.design import Factor, Level
from ablations.errors import StudyError
from ablations.plan import load_study
from ablations.plan.designs import Wanted, lay_out


def factor(name: str, *levels: str) -> Factor:
    return Factor(name, tuple(Level(level, {name: level}) for level in levels))


AUGMENT, SCALE = factor("augment", "off", "on"), factor("scale", "off", "on")
START = factor("start", "scratch", "transfer")
FACTORS = (AUGMENT, SCALE, START)
IN_SCRATCH = {"scale": {"start": "scratch"}}


def nested(applies=IN_SCRATCH, **wanted):
    return lay_out(Wanted("full-factorial", FACTORS, applies=applies, **wanted))


def contrasts(design):
    """The declared contrasts by their changes: weights by the levels of each arm."""
    return {
        tuple(change.factor for change in own.changes): {
            " ".join(level for _, level in arm.levels): weight for arm, weight in own.weights
        }
        for own in design.contrasts
    }


def test_arms_where_a_factor_does_not_exist_are_trained_once():
    names = [" ".join(level for _, level in arm.levels) for arm in nested().arms]
    assert names == [
        "off off scratch", "off on scratch", "off transfer",
        "on off scratch", "on on scratch", "on transfer",
    ]  # fmt: skip


def test_the_effect_of_a_nested_factor_is_that_where_it_exists():
    design = nested()
    (own,) = [c for c in design.contrasts if [x.factor for x in c.changes] == ["scale"]]
    assert own.given == (("start", "scratch"),)
    assert contrasts(design)[("scale",)] == {
        "off on scratch": 0.5, "on on scratch": 0.5,
        "off off scratch": -0.5, "on off scratch": -0.5,
    }  # fmt: skip


def test_the_outer_factor_is_compared_with_the_average_over_the_nested_one():
    assert contrasts(nested())[("start",)] == {
        "off transfer": 0.5, "on transfer": 0.5,
        "off off scratch": -0.25, "off on scratch": -0.25,
        "on off scratch": -0.25, "on on scratch": -0.25,
    }  # fmt: skip


def test_other_factors_weigh_the_levels_of_the_outer_one_equally():
    own = contrasts(nested())[("augment",)]
    assert own["on transfer"] == 0.5
    assert own["on off scratch"] == own["on on scratch"] == 0.25


def test_a_nested_factor_has_no_interaction_with_the_outer_one():
    design = nested()
    assert [tuple(c.factor for c in own.changes) for own in design.contrasts] == [
        ("augment",), ("scale",), ("start",), ("augment", "scale"), ("augment", "start"),
    ]  # fmt: skip
    assert contrasts(design)[("augment", "scale")] == {
        "on on scratch": 1, "on off scratch": -1, "off on scratch": -1, "off off scratch": 1,
    }  # fmt: skip


def test_every_contrast_compares():
    design = nested()
    for own in (*design.contrasts, *design.simple_contrasts):
        assert sum(weight for _, weight in own.weights) == pytest.approx(0)
        assert sum(abs(weight) for _, weight in own.weights) > 0
        assert {arm for arm, _ in own.weights} <= set(design.arms)


def test_factors_that_exist_at_different_levels_have_no_interaction():
    depth = factor("depth", "none", "some")
    applies = {"scale": {"start": "scratch"}, "depth": {"start": "transfer"}}
    design = lay_out(Wanted("full-factorial", (SCALE, START, depth), applies=applies))
    assert len(design.arms) == 4
    assert [tuple(c.factor for c in own.changes) for own in design.contrasts] == [
        ("scale",), ("start",), ("depth",),
    ]  # fmt: skip
    assert design.simple_contrasts == ()


def test_the_reference_lacks_a_factor_that_does_not_exist_at_the_baseline():
    design = nested({"scale": {"start": "transfer"}})
    assert design.reference.levels == (("augment", "off"), ("start", "scratch"))
    assert len(design.baseline.levels) == 3
    assert design.reference in design.arms


@pytest.mark.parametrize(
    ("applies", "text"),
    [
        (
            {"scales": {"start": "scratch"}},
            "design.applies names no factor. Received: scales. Did you mean 'scale'? Known here "
            "are augment, scale, start.",
        ),
        (
            {"scale": {"begin": "scratch"}},
            "design.applies.scale names no factor. Received: begin. Known here are augment, "
            "scale, start.",
        ),
        (
            {"scale": {"start": "scrach"}},
            "design.applies.scale names no level of 'start'. Received: scrach. Did you mean "
            "'scratch'? Known here are scratch, transfer.",
        ),
        (
            {"scale": {"scale": "on"}},
            "design.applies.scale must name a factor that exists in all arms. Received: "
            "{'scale': 'on'}. Name one of augment, start.",
        ),
        (
            {"scale": {"augment": "on"}, "augment": {"start": "scratch"}},
            "design.applies.scale must name a factor that exists in all arms. Received: "
            "{'augment': 'on'}. Name one of start.",
        ),
    ],
)
def test_what_cannot_be_nested_is_one_line(applies, text):
    with pytest.raises(StudyError) as caught:
        nested(applies)
    assert str(caught.value) == text


def test_other_designs_have_no_nested_factors():
    with pytest.raises(StudyError) as caught:
        lay_out(Wanted("one-factor-in", FACTORS, applies=IN_SCRATCH))
    assert str(caught.value) == (
        "design.applies belongs to a full factorial. Received: kind='one-factor-in', "
        "applies={'scale': {'start': 'scratch'}}. Remove it, or use kind = 'full-factorial'."
    )
    assert len(lay_out(Wanted("full-factorial", FACTORS, applies=IN_SCRATCH)).arms) == 6


def test_an_applies_of_another_form_is_answered_with_an_example(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(
        'title = "t"\n[trial]\nrun = "m:f"\n[design]\napplies = { scale = "scratch" }\n'
    )
    with pytest.raises(StudyError, match=r"Write for example applies = \{ preprocessing = \{ init"):
        load_study(str(path))
