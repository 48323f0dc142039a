"""What adaptive seeds save, and whether looking after each of them keeps the promised error.

A simulated study holds seven changes against one baseline; its 8 arms share seeds, and a seed moves
all of them alike. Two questions:

1. False alarms. All changes do nothing (margin 0), or each does exactly the margin, so that every
   verdict is false. How many of 10,000 studies contain a false verdict at any look? For all kinds
   of seeds in `kinds.py`; there the margin is one standard deviation of a paired difference.
2. Savings, on a mix: two changes do nothing, two have a small effect (twice the margin) and three
   a large one (6 margins or more), with a margin of the spread of a paired difference. How many
   trials does it take, beside the fixed design that gives as many verdicts?

The looks run on arrays, for speed; that they decide as `ablations run` does is checked first, on
studies that go through both.

    python bench/adaptive.py
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from kinds import KINDS, Kind, Mask, is_withdrawn
from kinds import SPREAD as DEVIATION
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ablations.analyze.adaptive import asked
from ablations.analyze.inference.effects import ALPHA
from ablations.analyze.inference.sequential import interim_analyses
from ablations.core.design import Adaptive, Arm, Factor, Level
from ablations.core.record import Metric, Predictions, RunRecord
from ablations.core.study import Study, Trial
from ablations.plan.designs import Wanted, lay_out

Array = NDArray[np.float64]

ADAPTIVE = Adaptive(3, 30)
CHANGES = 7
SPREAD = 1.0
"""Standard deviation of one paired difference; arms spread by this divided by the root of 2."""

MARGIN = 1.0 * SPREAD
LIMIT = 0.055
"""What the upper limit of the share of studies with a false verdict may reach; promised are 5%."""

MIX = np.array([0.0, 0.0, 2.0, -2.0, 6.0, -6.0, 12.0]) * MARGIN


@dataclass(frozen=True)
class Decided:
    """When and how: seeds of each contrast (study, change), verdict beyond / within / none."""

    seeds: NDArray[np.int64]
    beyond: NDArray[np.bool_]
    within: NDArray[np.bool_]


def simulate(rng: np.random.Generator, studies: int, effects: Array, seeds: int) -> Array:
    """Returns values of shape (study, arm, seed); the first arm is the baseline."""
    block = rng.standard_normal((studies, 1, seeds))
    own = rng.standard_normal((studies, CHANGES + 1, seeds)) * SPREAD / np.sqrt(2)
    return block + own + np.concatenate([[0.0], effects])[None, :, None]


@dataclass(frozen=True)
class Rule:
    """What decides: the margin, the t of each look from the first on, the least deviation."""

    margin: float
    reach: Array
    first: int
    floor: float = 0.0


def decide(values: Array, rule: Rule, trained: Mask | None = None) -> Decided:
    """Looks at n = first, first + 1, ... seeds, with and without networks that did not train."""
    differences = values[:, 1:] - values[:, :1]
    said = _said(differences, np.ones(differences.shape, dtype=bool), rule)
    if trained is not None:
        other = _said(differences, trained[:, 1:] & trained[:, :1], rule)
        said = np.where(said == other, said, 0)
    done = said != 0
    when = np.where(done.any(axis=2), done.argmax(axis=2), len(rule.reach) - 1)
    end = np.take_along_axis(said, np.expand_dims(when, 2), axis=2)[..., 0]
    return Decided(when + rule.first, np.abs(end) == 1, end == WITHIN)


WITHIN = 2


def _said(differences: Array, valid: Mask, rule: Rule) -> NDArray[np.int64]:
    """Returns the verdict at each look: -1 or 1 beyond the margin, ``WITHIN`` it, or 0.

    The seeds that count come first, and each look sees as many of them as there are by then.
    """
    order = np.argsort(~valid, axis=2, kind="stable")
    own = _verdicts(np.take_along_axis(differences, order, axis=2), rule)
    seen = valid.cumsum(axis=2)[..., rule.first - 1 : rule.first - 1 + len(rule.reach)]
    found = np.take_along_axis(own, np.maximum(seen - rule.first, 0), axis=2)
    return np.where(seen >= rule.first, found, 0)


def _verdicts(differences: Array, rule: Rule) -> NDArray[np.int64]:
    n = np.arange(1, differences.shape[2] + 1)
    sums, squares = differences.cumsum(axis=2), (differences**2).cumsum(axis=2)
    chosen = slice(rule.first - 1, rule.first - 1 + len(rule.reach))
    mean = (sums / n)[..., chosen]
    variance = np.maximum(squares - sums**2 / n, 0)[..., chosen] / (n[chosen] - 1)
    spread = np.sqrt(np.maximum(variance, rule.floor**2))
    half = rule.reach * spread / np.sqrt(n[chosen])
    low = np.maximum.accumulate(mean - half, axis=2)
    high = np.minimum.accumulate(mean + half, axis=2)
    crossed = low > high  # looks that contradict each other
    low = np.minimum(np.where(crossed, mean - half, low), mean)
    high = np.maximum(np.where(crossed, mean + half, high), mean)
    beyond = (low > rule.margin).astype(np.int64) - (high < -rule.margin)
    return np.where((low > -rule.margin) & (high < rule.margin), WITHIN, beyond)


def reaches() -> Array:
    """Returns the t of each look of the program's own repeated intervals, for the family."""
    found, family = interim_analyses(ADAPTIVE), ALPHA / CHANGES
    seeds = range(ADAPTIVE.at_least, ADAPTIVE.at_most + 1)
    return np.array([stats.t.isf(found.alpha(n, alpha=family) / 2, n - 1) for n in seeds])


def trials(decided: Decided) -> NDArray[np.int64]:
    """Returns the trials of each study: an arm ends with its effect, the baseline with the last."""
    return decided.seeds.sum(axis=1) + decided.seeds.max(axis=1)


def fixed(rng: np.random.Generator, share: float, studies: int) -> int:
    """Returns the fewest seeds at which a fixed design gives that share of verdicts."""
    values = simulate(rng, studies, MIX, 200)
    for n in range(2, 201):
        reach = np.array([stats.t.isf(ALPHA / CHANGES / 2, n - 1)])
        found = decide(values[..., :n], Rule(MARGIN, reach, n))
        if np.mean(found.beyond | found.within) >= share:
            return n
    raise ValueError(f"200 seeds do not give {share:.1%} of verdicts")


def study() -> Study:
    factors = tuple(
        Factor(f"f{i}", (Level("off", {}), Level("on", {f"f{i}": 1}))) for i in range(CHANGES)
    )
    design = lay_out(Wanted("one-factor-in", factors))
    return Study("s", "t", "q", "m:f", {}, factors, design, tuple(range(ADAPTIVE.at_most)),
                 smallest_effect_that_matters=MARGIN, adaptive=ADAPTIVE)  # fmt: skip


def asked_for(made: Study, table: Array, networks: Mask) -> dict[Arm, int]:
    """Puts one study of shape (arm, seed) through the program's own rule; counts the seeds.

    The rule replays the looks from records, of which it may have more than it asks for.
    """
    every = [
        Trial("s", "m:f", arm, seed, made.arm_settings(arm))
        for seed in made.seeds
        for arm in made.arms
    ]
    place = {arm: i for i, arm in enumerate(made.arms)}
    cells = [(place[trial.arm], trial.seed) for trial in every]
    records = [_record(trial, float(table[cell]), bool(networks[cell]))
               for trial, cell in zip(every, cells, strict=True)]  # fmt: skip
    wanted = asked(made, records, planned=every)
    return {arm: sum(trial.arm == arm for trial in wanted) for arm in made.arms}


def _record(trial: Trial, value: float, is_trained: bool) -> RunRecord:
    metric = Metric("test_accuracy", value, "fraction", "higher")
    outputs = np.array([[0.9, 0.1], [0.2, 0.8]] if is_trained else [[0.5, 0.5]] * 2, np.float32)
    said = Predictions("validation", np.array([0, 1]), outputs)
    return RunRecord(
        trial.key, "s", "m:f", trial.arm, trial.seed, trial.settings, "", "completed",
        "2026-01-01T00:00:00+00:00", 1.0, metrics=(metric,), predictions=(said,)
    )  # fmt: skip


def check_rule(rng: np.random.Generator, reach: Array, studies: int) -> None:
    """Puts studies through the program's own rule and through the arrays.

    Raises:
        AssertionError: if they do not train the same seeds.
    """
    made, values = study(), simulate(rng, studies, MIX, ADAPTIVE.at_most)
    networks = rng.random(values.shape) >= 0.1  # one in ten does not train
    networks[: studies // 2] = True
    values = np.where(networks, values, -20.0)
    array = decide(values, Rule(MARGIN, reach, ADAPTIVE.at_least), networks)
    for i in range(studies):
        counts = list(asked_for(made, values[i], networks[i]).values())
        expected = [int(array.seeds[i].max()), *array.seeds[i].tolist()]
        if counts != expected:
            raise AssertionError(f"the rule trained {counts}, the arrays say {expected}")
    print(f"{studies} studies go through the program's own rule to the same seeds")


def false_verdicts(
    kind: Kind, rng: np.random.Generator, reach: Array, *, effect: float, studies: int
) -> float:
    """Returns the share of studies with a false verdict at any look; every verdict is false."""
    rule = Rule(effect, reach, ADAPTIVE.at_least, 1 / kind.images if kind.images else 0.0)
    wrong = 0
    for _ in range(studies // 1_000):
        values, networks = kind.draw(rng, (1_000, CHANGES + 1, ADAPTIVE.at_most))
        values[:, 1:] += np.where(networks[:, 1:], effect, 0.0)
        found = decide(values, rule, None if networks.all() else networks)
        wrong += int((found.beyond | found.within).any(axis=1).sum())
    return wrong / studies


def alarms(reach: Array, studies: int) -> bool:
    """Prints the false verdicts of each kind of seeds; whether all are rare or withdrawn."""
    print("\n| seeds | no effect, margin 0 | each effect the margin | |\n|---|---:|---:|---|")
    kept = True
    for name, kind in KINDS.items():
        margin = np.sqrt(2) * DEVIATION
        rates = [
            false_verdicts(kind, np.random.default_rng(i), reach, effect=effect, studies=studies)
            for i, effect in enumerate((0.0, margin), start=1)
        ]
        highs = [proportion_confint(rate * studies, studies, method="wilson")[1] for rate in rates]
        said = "held" if max(highs) <= LIMIT else "withdrawn" if is_withdrawn(kind) else "MISSED"
        kept &= said != "MISSED"
        cells = " | ".join(f"{100 * rate:.1f}" for rate in rates)
        print(f"| {name} | {cells} | {said} |", flush=True)
    return kept


def savings(rng: np.random.Generator, reach: Array, studies: int) -> bool:
    values = simulate(rng, studies, MIX, ADAPTIVE.at_most)
    found = decide(values, Rule(MARGIN, reach, ADAPTIVE.at_least))
    given = found.beyond | found.within
    share, spent = float(given.mean()), float(trials(found).mean())
    null = np.abs(MIX) == 0
    false = (found.beyond & null) | (found.within & ~null)
    seeds = fixed(rng, share, studies // 5)
    saved = 1 - spent / (seeds * (CHANGES + 1))
    print(f"verdicts: {share:.1%} of effects "
          f"(null {given[:, null].mean():.1%}, small {given[:, 2:4].mean():.1%}, "
          f"large {given[:, 4:].mean():.1%})"
          f"\nstudies with a false verdict: {false.any(axis=1).mean():.2%}"
          f"\ntrials: {spent:.0f} on average, mean seeds "
          f"null {found.seeds[:, null].mean():.1f}, small {found.seeds[:, 2:4].mean():.1f}, "
          f"large {found.seeds[:, 4:].mean():.1f}"
          f"\nthe fixed design with as many verdicts: {seeds} seeds, {seeds * (CHANGES + 1)} trials"
          f"\nsaved: {saved:.0%}")  # fmt: skip
    return saved >= 0.4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    options = parser.parse_args()
    rng, reach = np.random.default_rng(1), reaches()
    check_rule(rng, reach, 10)
    ok = [
        alarms(reach, options.studies),
        savings(rng, reach, options.studies),
    ]
    print("bars (false verdicts at most 5.5% by the upper limit or withdrawn, 40% saved):",
          "held" if all(ok) else "MISSED")  # fmt: skip
    return 0 if all(ok) else 1


if __name__ == "__main__":
    sys.exit(main())
