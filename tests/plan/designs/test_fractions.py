"""Fractional and screening designs, against pyDOE's own alias tables and hand calculation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pyDOE3 import fracfact, fracfact_aliasing

from ablations.errors import StudyError
from ablations.plan import load_study
from ablations.plan.designs.aliases import alias_sets, confounded, resolution
from ablations.plan.designs.fractional import _best, _expression
from ablations.text.sentences import fraction_sentences

HEAD = 'title = "F"\n[trial]\nrun = "ablations.vision:train"\nsettings = { dataset = "digits", layers = ["flatten", "dense:10"] }\n'


def study_of(tmp_path, design, factors="abcd"):
    keys = (
        "epochs",
        "batch_size",
        "train_size",
        "learning_rate",
        "image_size",
        "validation_size",
        "test_size",
    )
    values = ("3", "16", "100", "0.01", "16", "0.3", "0.3")
    parts = [
        f"[factors.{name}]\noff = {{}}\non = {{ {key} = {value} }}\n"
        for name, key, value in zip(factors, keys, values, strict=False)
    ]
    path = tmp_path / "fraction.toml"
    path.write_text(f"{HEAD}{''.join(parts)}[design]\nseeds = 2\n{design}\n")
    return load_study(path)


def signs_of(study):
    return np.array([[1 if level == "on" else -1 for _, level in arm.levels] for arm in study.arms])


def test_a_half_of_four_factors_is_of_resolution_four(tmp_path):
    study = study_of(tmp_path, 'kind = "fractional"\nhalvings = 1')
    assert len(study.arms) == 8
    assert study.arms[0] == study.baseline == study.reference
    assert study.design.fraction.resolution == 4
    assert study.design.fraction.generators == ("d = a × b × c",)
    named = {
        found.factors: [(a.factors, a.weight) for a in found.aliases]
        for found in study.design.fraction.sets
    }
    assert named == {
        ("a",): [], ("b",): [], ("c",): [], ("d",): [],
        ("a", "b"): [(("c", "d"), 1.0)],
        ("a", "c"): [(("b", "d"), 1.0)],
        ("a", "d"): [(("b", "c"), 1.0)],
    }  # fmt: skip


def test_an_even_generator_is_turned_so_that_the_baseline_is_trained(tmp_path):
    study = study_of(tmp_path, 'kind = "fractional"\ngenerators = { c = ["a", "b"] }', "abc")
    signs = signs_of(study)
    assert (signs[0] == -1).all()
    assert (signs[:, 2] == -signs[:, 0] * signs[:, 1]).all()
    assert study.design.fraction.generators == ("c = minus a × b",)
    assert study.design.fraction.resolution == 3
    main = study.design.fraction.sets[0]
    assert (main.factors, main.aliases[0].factors, main.aliases[0].weight) == (
        ("a",),
        ("b", "c"),
        -1.0,
    )


@pytest.mark.parametrize(
    "generators", ["a b c abc", "a b c ab ac", "a b c d abc abd", "a b c d bcd acd"]
)
def test_alias_sets_are_those_of_pydoe(generators):
    signs = fracfact(generators).astype(int)
    names = "abcdef"[: signs.shape[1]]
    ours = {
        frozenset(["".join(found.factors), *("".join(a.factors) for a in found.aliases)])
        for found in alias_sets(names, signs)
        if found.aliases
    }
    theirs = set()
    for line in fracfact_aliasing(fracfact(generators))[0]:
        words = frozenset(word for word in line.split(" = ") if len(word) <= 2)
        if len(words) > 1:
            theirs.add(words)
    assert ours == theirs


def test_contrasts_find_planted_effects_and_their_aliases(tmp_path):
    study = study_of(tmp_path, 'kind = "fractional"\nhalvings = 2', "abcde")
    rng = np.random.default_rng(0)
    signs = signs_of(study)
    main = dict(zip("abcde", rng.normal(size=5), strict=True))
    pairs = {pair: rng.normal() for pair in itertools.combinations("abcde", 2)}
    # Coded 0 and 1 an interaction is the whole difference of differences; in signs a quarter of it.
    place = {name: i for i, name in enumerate("abcde")}
    response = sum(main[f] / 2 * signs[:, place[f]] for f in "abcde") + sum(
        size / 4 * signs[:, place[f]] * signs[:, place[g]] for (f, g), size in pairs.items()
    )
    cell = dict(zip(study.arms, response, strict=True))
    for found, contrast in zip(study.design.fraction.sets, study.design.contrasts, strict=True):
        value = sum(weight * cell[arm] for arm, weight in contrast.weights)
        scale = 1 if len(found.factors) == 1 else 2
        sizes = {**{(f,): size for f, size in main.items()}, **{p: s / 2 for p, s in pairs.items()}}
        expected = sizes[found.factors] + sum(a.weight * sizes[a.factors] for a in found.aliases)
        assert value == pytest.approx(scale * expected, abs=1e-9)


def test_the_suggested_fold_over_separates_what_it_promises(tmp_path):
    first = study_of(tmp_path, 'kind = "fractional"\ngenerators = { c = ["a", "b"] }', "abc")
    assert first.design.fraction.confounded == 6
    folded = study_of(
        tmp_path,
        f'kind = "fractional"\ngenerators = {{ c = ["a", "b"] }}\nfold_over = {list(first.design.fraction.fold_over)}'.replace(
            "'", '"'
        ),
        "abc",
    )
    assert len(folded.arms) == len(first.arms) + first.design.fraction.more_arms == 8
    assert folded.design.fraction.confounded == first.design.fraction.left == 0
    assert not folded.design.fraction.fold_over


def test_screening_twelve_arms_for_seven_or_more(tmp_path):
    study = study_of(tmp_path, 'kind = "screening"', "abcdefg")
    assert len(study.arms) == 8
    signs = signs_of(study)
    assert (signs.T @ signs == 8 * np.eye(7)).all()
    assert (signs[0] == -1).all()
    assert resolution(signs) == 3


def test_plackett_burman_of_eleven_confounds_in_part():
    from pyDOE3 import pbdesign

    signs = -pbdesign(11).astype(int)
    sets = alias_sets("abcdefghijk", signs)
    assert len(sets) == 11
    assert {round(abs(alias.weight), 6) for found in sets for alias in found.aliases} == {
        round(1 / 3, 6)
    }
    assert all(len(found.aliases) == 45 for found in sets)


@pytest.mark.parametrize(
    ("design", "factors", "text"),
    [
        ('kind = "fractional"', "abcd", "needs either generators or halvings"),
        ('kind = "fractional"\nhalvings = 1\ngenerators = { d = ["a", "b"] }', "abcd", "either"),
        ('kind = "fractional"\nhalvings = 3', "abcd", "there is no fraction of this size"),
        ('kind = "fractional"\nhalvings = 1', "ab", "3 to 16 factors"),
        ('kind = "fractional"\ngenerators = { x = ["a", "b"] }', "abcd", "'x' must be a factor"),
        ('kind = "fractional"\ngenerators = { d = ["a"] }', "abcd", "follows two or more"),
        ('kind = "fractional"\ngenerators = { d = ["a", "d"] }', "abcd", "follows two or more"),
        ('kind = "fractional"\ngenerators = { c = ["a", "b"], d = ["a", "b"] }', "abcd", "confounds factor 'c' with 'd'"),
        ('kind = "screening"\nfold_over = ["x"]', "abcd", "names factors to mirror"),
        ('kind = "full-factorial"\nhalvings = 1', "abcd", "belongs to a fraction"),
        ('kind = "one-factor-in"\nfold_over = ["a"]', "abcd", "belongs to a fraction"),
        ('kind = "one-factor-in"\n[analysis]\ninteractions = 3', "abcd", "belongs to a full"),
    ],
)  # fmt: skip
def test_what_makes_no_fraction_is_a_one_line_error(tmp_path, design, factors, text):
    with pytest.raises(StudyError, match=text) as caught:
        study_of(tmp_path, design, factors)
    assert "Received: " in str(caught.value)


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ("{ at_least = 5, at_most = 5 }", "at_least below at_most"),
        ("{ at_least = 1, at_most = 5 }", "at_least"),
        ("{ at_most = 5, until = 'bored' }", "until"),
        ("{ at_least = 3 }", "at_most"),
    ],
)
def test_adaptive_seeds_are_checked(tmp_path, seeds, text):
    path = tmp_path / "s.toml"
    path.write_text(
        f"{HEAD}[factors.a]\noff = {{}}\non = {{ epochs = 3 }}\n[design]\nseeds = {seeds}\n"
    )
    with pytest.raises(StudyError, match=text):
        load_study(path)


EXPECTED = {
    (3, 1): 3, (4, 1): 4, (5, 1): 5, (5, 2): 3, (6, 1): 6, (6, 2): 4, (6, 3): 3, (7, 1): 7,
    (7, 2): 4, (7, 3): 4, (7, 4): 3, (8, 2): 5, (8, 3): 4, (8, 4): 4, (9, 2): 6, (9, 3): 4,
    (9, 4): 4, (9, 5): 3, (10, 3): 5, (10, 4): 4, (10, 5): 4, (10, 6): 3, (11, 5): 4, (11, 6): 4,
    (11, 7): 3,
}  # fmt: skip


@pytest.mark.parametrize(("k", "p"), list(EXPECTED))
def test_halvings_have_the_resolution_of_the_published_table(k, p):
    names = "abcdefghijk"[:k]
    words = _best(list(names), p)
    signs = fracfact(_expression(list(names), words)).astype(int)
    assert resolution(signs) == EXPECTED[k, p]
    assert len(np.unique(signs, axis=0)) == 2 ** (k - p)


def test_a_fold_over_that_completes_the_design_is_described_so(tmp_path):
    study = study_of(tmp_path, 'kind = "fractional"\nhalvings = 1\nfold_over = ["d"]')
    assert (
        study.design.fraction.resolution,
        study.design.fraction.generators,
        study.design.fraction.confounded,
    ) == (
        None,
        (),
        0,
    )
    assert fraction_sentences(study.design.fraction, 16) == ["All 16 arms: nothing is confounded."]


def test_confounded_effects_are_counted_once():
    from pyDOE3 import pbdesign

    sets = alias_sets("abcdefghijk", -pbdesign(11).astype(int))
    assert confounded(sets) == 66
