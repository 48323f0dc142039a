"""Bisections of simulated commits, whose levels are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat

import numpy as np
import pytest

from ablations.analyze.history.bisection import Answer, Seen, bisection
from ablations.core.design import Arm
from ablations.core.past import Bisected
from ablations.core.record import Metric

ARM, OTHER = (Arm((("a", level),)) for level in ("on", "off"))
LAST, SEEDS = 32, 20

Trained = dict[int, set[tuple[Arm, int]]]


def play(
    levels: Sequence[float],
    states: Sequence[object],
    *,
    sd: float = 0.5,
    rng_seed: int = 0,
    arms: Sequence[Arm] = (ARM,),
    broken: Callable[[int, int], bool] = lambda _place, _seed: False,
    better: str = "higher",
    lost: Callable[[int, int], bool] = lambda _place, _seed: False,
    only: Callable[[Arm, int], bool] = lambda _arm, _seed: True,
) -> tuple[Bisected, Trained]:
    """Bisects commits with these losses; commits of one state have the same results.

    ``broken`` says of a place and seed that they cannot be trained, ``lost`` that a network did not
    train, ``only`` whether the losses, and another state, act on an arm and seed at all.
    """
    rng = np.random.default_rng(rng_seed)
    base, noise, trained = 3 * rng.standard_normal(SEEDS), {}, {}
    search = bisection(arms, len(levels) - 1, margin=1.0, seeds=range(SEEDS), own=5)
    answer: Answer = None
    sign = 1 if better == "higher" else -1
    while True:
        try:
            wanted = search.send(answer)
        except StopIteration as end:
            return end.value, trained
        answer = {}
        for arm, seed in wanted.trials:
            if broken(wanted.place, seed):
                answer = None
                break
            acts = only(arm, seed)
            key = (states[wanted.place] if acts else 0, arm, seed)
            noise.setdefault(key, sd * rng.standard_normal())
            value = base[seed] + noise[key] - (levels[wanted.place] if acts else 0)
            if lost(wanted.place, seed):
                value = base[seed] - 50
            metric = Metric("score", sign * value, "number", better)
            answer[arm, seed] = Seen(metric, repr(value), trained=not lost(wanted.place, seed))
            trained.setdefault(wanted.place, set()).add((arm, seed))


def stepped(at: int, size: float, last: int = LAST) -> list[float]:
    return [size * (place >= at) for place in range(last + 1)]


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("at", [1, 13, 16, 32])
def test_a_step_is_named_with_five_commits_beside_the_ends(at, better):
    found, trained = play(stepped(at, 3), stepped(at, 3), better=better)
    assert (found.ending, found.good, found.bad) == ("found", at - 1, at)
    assert len(set(trained) - {0, LAST}) <= 5
    (change,) = found.changes
    assert change.verdict == "regressed"
    sign = 1 if better == "lower" else -1
    low, high = sorted((sign * change.interval.low, sign * change.interval.high))
    assert 1 < low <= sign * change.change <= high
    halved = [own.seeds for own in found.tried if own.place not in (at - 1, at)]
    assert set(halved) <= {1}  # the same results as an end, on the first seed that tells
    assert all(own.same for own in found.tried)


@pytest.mark.parametrize("last", [1, 2, 3, 5])
def test_short_paths_are_searched_to_their_end(last):
    for at in range(1, last + 1):
        found, trained = play(stepped(at, 4, last), range(last + 1))
        assert (found.ending, found.bad) == ("found", at)
        assert trained[0]


def test_commits_that_change_every_result_are_judged_by_intervals():
    found, trained = play(stepped(13, 3), range(LAST + 1))
    assert (found.ending, found.bad) == ("found", 13)
    assert len(set(trained) - {0, LAST}) == 5
    assert not any(own.same for own in found.tried)
    assert all(own.seeds >= 2 for own in found.tried)


def test_of_two_steps_one_is_named_and_its_size_is_its_own():
    levels = [3.0 * (p >= 9) + 3.0 * (p >= 25) for p in range(LAST + 1)]
    found, _ = play(levels, levels)
    assert found.ending == "found"
    assert found.bad in (9, 25)
    assert found.changes[0].change == pytest.approx(-3, abs=1.5)


def test_a_loss_in_steps_within_the_margin_is_left_as_a_range():
    levels = [0.8 * (p >= 9) + 0.8 * (p >= 25) for p in range(LAST + 1)]
    found, _ = play(levels, levels, sd=0.1)
    assert (found.ending, found.good, found.bad) == ("left", 0, LAST)
    assert [own.verdict for own in found.tried] == ["undecided"]


def test_a_loss_that_came_went_and_came_again_names_one_of_its_commits():
    levels = [3.0 * (5 <= p < 12 or p >= 20) for p in range(LAST + 1)]
    found, _ = play(levels, levels)
    assert found.ending == "found"
    assert found.bad in (5, 20)


def test_commits_that_cannot_be_trained_are_skipped():
    found, trained = play(stepped(13, 3), stepped(13, 3), broken=lambda p, _seed: 14 <= p < 25)
    assert (found.ending, found.bad) == ("found", 13)
    assert {own.place for own in found.tried if own.verdict == "skipped"} <= set(range(14, 25))
    assert not set(trained) & set(range(14, 25))


def test_where_only_commits_are_left_that_cannot_be_trained_the_range_is_given():
    found, _ = play(stepped(13, 3), stepped(13, 3), broken=lambda p, _seed: 12 <= p < 15)
    assert (found.ending, found.good, found.bad) == ("left", 11, 15)
    assert found.changes[0].verdict == "regressed"


def test_a_commit_that_fails_with_a_later_seed_is_skipped_as_well():
    found, _ = play(stepped(13, 3), stepped(13, 3), broken=lambda p, seed: p == 13 and seed > 0)
    assert (found.ending, found.good, found.bad) == ("left", 12, 14)
    assert [own.place for own in found.tried if own.verdict == "skipped"] == [13]


@pytest.mark.parametrize("end", [0, LAST])
def test_an_end_that_cannot_be_trained_is_said(end):
    found, _ = play(stepped(13, 3), stepped(13, 3), broken=lambda p, _seed: p == end)
    assert (found.ending, found.bad) == ("untrainable", end)


def test_ends_with_the_same_results_end_it_with_the_studys_own_seeds():
    found, trained = play([0.0] * 33, [0] * 33)
    assert found.ending == "same"
    assert {place: len(own) for place, own in trained.items()} == {0: 5, LAST: 5}


def test_ends_that_do_not_differ_or_improve_are_no_regression():
    found, _ = play([0.0] * 33, range(33), sd=0.1)
    assert (found.ending, found.changes[0].verdict) == ("no-regression", "equivalent")
    found, _ = play(stepped(13, -3), stepped(13, -3))
    assert (found.ending, found.changes[0].verdict) == ("no-regression", "improved")
    found, trained = play([0.0] * 33, range(33), sd=5)
    assert (found.ending, found.changes[0].verdict) == ("no-regression", "inconclusive")
    assert len(trained[0]) == SEEDS


def test_arms_that_did_not_regress_are_trained_at_the_ends_only():
    found, trained = play(
        stepped(13, 4), stepped(13, 4), arms=(ARM, OTHER), only=lambda arm, _seed: arm == ARM
    )
    assert [own.arm for own in found.changes] == [ARM]
    assert found.bad == 13
    assert all(arm == ARM for p, own in trained.items() if p not in (0, LAST) for arm, _ in own)


def test_a_change_that_acts_on_some_seeds_only_hides_behind_no_harmless_one():
    """The loss comes at 5 and acts on seeds after the first; at 20 the numerics change."""
    levels = stepped(5, 6)

    def acts(_arm: Arm, seed: int) -> bool:
        return seed > 0

    states = [(p >= 5) + (p >= 20) for p in range(LAST + 1)]
    rng_states = [(state, "numerics") if state == 2 else state for state in states]
    found, _ = play_with_numerics(levels, rng_states, acts)
    assert (found.ending, found.bad) == ("found", 5)


def play_with_numerics(levels, states, acts):
    """Like `play`, but the last state changes the results of all seeds, if only in their noise."""
    rng, noise = np.random.default_rng(3), {}
    search = bisection((ARM,), LAST, margin=1.0, seeds=range(SEEDS), own=5)
    answer: Answer = None
    while True:
        try:
            wanted = search.send(answer)
        except StopIteration as end:
            return end.value, noise
        answer = {}
        for arm, seed in wanted.trials:
            state = states[wanted.place]
            key = (state if acts(arm, seed) or isinstance(state, tuple) else 0, seed)
            noise.setdefault(key, 0.3 * rng.standard_normal())
            value = noise[key] - levels[wanted.place] * acts(arm, seed)
            answer[arm, seed] = Seen(Metric("score", value, "number", "higher"), repr(value))


def test_a_commit_that_trains_no_network_any_more_is_found():
    found, _ = play([0.0] * 33, stepped(13, 1), lost=lambda place, _seed: place >= 13, sd=0.3)
    assert (found.ending, found.bad) == ("found", 13)
    assert found.changes[0].untrained == (0, found.changes[0].n)


def test_a_few_networks_that_do_not_train_decide_nothing():
    found, _ = play(
        [0.0] * 33, range(33), lost=lambda place, seed: place == LAST and seed < 2, sd=0.1
    )
    assert (found.ending, found.changes[0].verdict) == ("no-regression", "inconclusive")


def test_a_bisection_depends_on_nothing_but_the_answers():
    first, second = (play(stepped(13, 3), range(LAST + 1), rng_seed=4) for _ in repeat(None, 2))
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "sd", "new", "at_least"),
    [(2.0, 0.5, False, 0.95), (3.0, 1.0, False, 0.95), (3.0, 0.5, True, 0.9)],
)
def test_the_right_commit_is_named_and_no_other(size, sd, new, at_least):
    right = wrong = 0
    rng = np.random.default_rng(5)
    for i in range(60):
        at = int(rng.integers(1, LAST + 1))
        levels = stepped(at, size)
        found, _ = play(levels, range(33) if new else levels, sd=sd, rng_seed=i)
        right += found.ending == "found" and found.bad == at
        wrong += found.ending in ("found", "left") and not found.good < at <= found.bad
    assert wrong <= 1
    assert right / 60 >= at_least


@pytest.mark.slow
def test_where_no_commit_exceeds_the_margin_hardly_any_is_named():
    """All losses lie within the margin, so that every name is wrong: at most 5% of bisections."""
    levels = [0.9 * (p >= 16) for p in range(LAST + 1)]
    named = sum(
        play(levels, range(33), sd=0.5, rng_seed=i)[0].ending == "found" for i in range(100)
    )
    assert named <= 5
