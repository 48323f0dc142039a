"""Which promises of a report hold on which kinds of seeds?

Two factors of two levels without any effect, put through what a report uses: the 95% intervals of
an arm's mean, of an effect and of an interaction, a gate `lower` whose threshold is the true mean
(it may pass in 2.5%), the verdicts of the family (any is false, in at most 5% of studies), and the
gate against an equal past (likewise). The kinds are those of `kinds.py`.

All of it runs on arrays, for speed; that these decide as the program's functions do is checked
first, on studies of each kind that go through both. How often a report warns of its seeds, or tells
of networks that did not train, is counted with the program's own function.

    python bench/coverage.py                   # prints the table of docs/statistics.md
    python bench/coverage.py --studies 2000    # a quick look
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from kinds import KINDS, Array, Kind, Mask, is_withdrawn
from scipy import stats

from ablations.analyze.compare.gates import gate_findings
from ablations.analyze.describe.networks import leaving_out, share_of
from ablations.analyze.inference.effects import effects
from ablations.analyze.inference.gaps import seed_gap
from ablations.analyze.inference.intervals import summarize
from ablations.analyze.inference.readings import in_both
from ablations.core.design import Arm, Factor, Level
from ablations.core.estimates import Effect, Training
from ablations.core.findings import ArmFinding
from ablations.core.metrics import MetricInfo, Step
from ablations.core.study import Gate, Study
from ablations.plan.designs import Wanted, lay_out

SEEDS = (3, 5, 10, 20)
ARMS = 4
ACCURACY = MetricInfo("test_accuracy", "fraction", "higher")
LEVELS = ("off", "on")
BOOTSTRAPS = ("percentile", "BCa")
MAIN = np.array([-0.5, -0.5, 0.5, 0.5])
OTHER = np.array([-0.5, 0.5, -0.5, 0.5])
BOTH = np.array([1.0, -1.0, -1.0, 1.0])

LIMITS = {"mean": 0.93, "effect": 0.93, "interaction": 0.93, "lower": 0.03, "verdicts": 0.055}
"""What each promise may fall to (coverage) or rise to (errors): 95%, 2.5% and 5%."""


@dataclass(frozen=True)
class Read:
    """What t says of seeds: shape (study, ...); NaN where there are fewer than two or no spread."""

    n: Array
    mean: Array
    low: Array
    high: Array
    p: Array


def read(values: Array, valid: Mask, floor: float = 0.0) -> Read:
    """Returns mean, 95% interval and p over the last axis, of the values that count.

    ``floor`` is the least standard deviation that seeds are taken to have.
    """
    n = valid.sum(axis=-1)
    kept = np.where(valid, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = kept.sum(axis=-1) / n
        squares = np.where(valid, (values - mean[..., None]) ** 2, 0.0).sum(axis=-1)
        error = np.sqrt(np.maximum(squares / (n - 1), floor**2) / n)
        error[(error < 1e-12) | (n < 2)] = np.nan
        reach = quantiles(values.shape[-1])[n] * error
        p = 2 * stats.t.sf(np.abs(mean / error), np.maximum(n - 1, 1))
    return Read(n, mean, mean - reach, mean + reach, p)


@lru_cache
def quantiles(most: int) -> Array:
    """Returns the t quantile for each number of seeds; NaN below two."""
    return np.array([np.nan, np.nan, *stats.t.isf(0.025, np.arange(1, most))])


def signs(family: list[Read]) -> Array:
    """Returns the verdict of each effect at margin 0 by Holm: -1, 0 or 1, shape (effect, study)."""
    p = np.array([np.where(np.isnan(r.p), 1.0, r.p) for r in family])
    order = np.argsort(p, axis=0, kind="stable")
    alphas = 0.05 / np.arange(len(p), 0, -1)[:, None]
    rejected = np.logical_and.accumulate(np.take_along_axis(p, order, axis=0) < alphas, axis=0)
    found = np.zeros_like(p)
    np.put_along_axis(found, order, rejected, axis=0)
    return found * np.sign(np.array([np.nan_to_num(r.mean) for r in family]))


@dataclass(frozen=True)
class Judged:
    """What a report says of each study: intervals, whether the gate passed, verdicts (-1, 0, 1)."""

    mean: Read
    effect: Read
    interaction: Read
    passed: Mask
    verdicts: Array


def judged(kind: Kind, values: Array, trained: Mask) -> Judged:
    """Puts studies of shape (study, arm, seed) through the promises, with both readings."""
    every = np.ones_like(trained)
    step = 1 / kind.images if kind.images else 0.0
    readings = [[_contrast(values, valid, w, step) for w in (MAIN, OTHER, BOTH)]
                for valid in (every, trained)]  # fmt: skip
    means = [read(values[:, 0], valid[:, 0]) for valid in (every, trained)]
    lows = [np.where(m.n > 1, np.nan_to_num(m.low, nan=m.mean), np.nan) for m in means]
    passed = np.logical_and(*(low >= kind.mean - 1e-12 for low in lows))
    first, second = (signs(family) for family in readings)
    verdicts = np.where(first == second, first, 0.0)
    return Judged(means[1], readings[1][0], readings[1][2], passed, verdicts)


def _contrast(values: Array, valid: Mask, weights: Array, step: float) -> Read:
    floor = step * math.sqrt((weights**2).sum() / 2)
    return read(np.einsum("a,sai->si", weights, values), valid.all(axis=1), floor)


def past(values: Array, trained: Mask, then: Array, then_trained: Mask) -> Mask:
    """Returns which studies call an arm changed against other seeds of the same recipes (Welch)."""
    changed = []
    for now_valid, then_valid in ((np.ones_like(trained),) * 2, (trained, then_trained)):
        one, other = read(values, now_valid), read(then, then_valid)
        changed.append(_welch(one, other, alpha=0.05 / ARMS))
    return np.logical_and(changed[0] == changed[1], changed[0] != 0).any(axis=1)


def _welch(one: Read, other: Read, *, alpha: float) -> Array:
    parts = [((r.high - r.low) / 2 / quantiles(int(r.n.max()))[r.n]) ** 2 for r in (one, other)]
    with np.errstate(invalid="ignore", divide="ignore"):
        total = parts[0] + parts[1]
        df = total**2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (other.n - 1))
        change = one.mean - other.mean
        clear = np.abs(change) > stats.t.isf(alpha / 2, df) * np.sqrt(total)
    return np.where(clear, np.sign(change), 0.0)


def study(seeds: int) -> Study:
    factors = tuple(Factor(n, tuple(Level(lv, {n: lv}) for lv in LEVELS)) for n in "ab")
    design = lay_out(Wanted("full-factorial", factors))
    return Study("s", "t", "q", "m:f", {}, factors, design, tuple(range(seeds)))


def check(kind: Kind, rng: np.random.Generator, seeds: int, studies: int) -> None:
    """Puts a few studies through the program's functions and through the arrays.

    Raises:
        AssertionError: if they do not say the same.
    """
    made, gate = study(seeds), Gate("test_accuracy", at_least=kind.mean)
    values, trained = kind.draw(rng, (studies, ARMS, seeds))
    found = judged(kind, values, trained)
    words = {-1: "regressed", 0: "inconclusive", 1: "improved"}
    for i in range(studies):
        arms = [_arm(arm, values[i, a], trained[i, a]) for a, arm in enumerate(made.arms)]
        own, (first, second, both) = arms[0], _effects(kind, made, arms)
        interval = (own.over_trained(ACCURACY.name) or own.summaries[ACCURACY.name]).interval
        status = gate_findings([gate], arms, metrics={ACCURACY.name: ACCURACY})[0].status
        said = [(status == "passed"), first.verdict, second.verdict, both.verdict]
        arrays = [bool(found.passed[i]), *(words[int(v)] for v in found.verdicts[:, i])]
        if said != arrays:
            raise AssertionError(f"the program says {said}, the arrays {arrays}")
        if interval and not math.isnan(found.mean.low[i]):
            np.testing.assert_allclose(interval.low, found.mean.low[i], atol=1e-12)
        own_effect = (first.trained or first).interval
        if own_effect:
            np.testing.assert_allclose(own_effect.low, found.effect.low[i], atol=1e-12)


def _arm(arm: Arm, values: Array, trained: Mask) -> ArmFinding:
    found = summarize(ACCURACY, list(enumerate(values.tolist())))
    lost = tuple(np.flatnonzero(~trained).tolist())
    others = {ACCURACY.name: leaving_out(found, lost)} if lost else {}
    training = Training(lost, len(values), share_of(len(lost), len(values)), others)
    return ArmFinding(arm, False, {}, len(values), len(values), 0, {ACCURACY.name: found}, None,
                      (), (), training=training)  # fmt: skip


def _effects(kind: Kind, made: Study, arms: list[ArmFinding]) -> tuple[Effect, ...]:
    metric = replace(ACCURACY, step=Step(1 / kind.images, known=True) if kind.images else None)
    every = {arm.arm: arm.summaries[ACCURACY.name] for arm in arms}
    trained = {a.arm: a.over_trained(ACCURACY.name) or every[a.arm] for a in arms}
    readings = every, trained if any(arm.untrained for arm in arms) else None
    return in_both(lambda summaries: effects(made, metric, summaries=summaries), readings)


def warned(values: Array, trained: Mask, studies: int) -> float:
    """Returns in how many studies a report warns of seeds or tells of networks without training."""
    said = 0
    for own, valid in zip(values[:studies], trained[:studies], strict=True):
        arms = (summarize(ACCURACY, list(enumerate(v[t].tolist())))
                for v, t in zip(own, valid, strict=True))  # fmt: skip
        said += not valid.all() or any(seed_gap(arm, family=ARMS) for arm in arms)
    return said / min(studies, len(values))


def rates(kind: Kind, seeds: int, studies: int) -> dict[str, float]:
    """Returns coverage of the intervals and the shares of wrong verdicts."""
    rng = np.random.default_rng([seeds, *map(ord, str(kind.mean)), round(1000 * kind.lost)])
    values, trained = kind.draw(rng, (studies, ARMS, seeds))
    found = judged(kind, values, trained)
    then = kind.draw(rng, (studies, ARMS, seeds))
    return {
        "mean": _held(found.mean, kind.mean, equal_counts=True),
        "effect": _held(found.effect, 0.0),
        "interaction": _held(found.interaction, 0.0),
        "lower": float(found.passed.mean()),
        "verdicts": float((found.verdicts != 0).any(axis=0).mean()),
        "past": float(past(values, trained, *then).mean()),
        "warned": warned(values, trained, 500),
    }


def _held(found: Read, truth: float, *, equal_counts: bool = False) -> float:
    """Returns the share of intervals that contain the truth.

    Equal seeds give a mean an interval without width, which counts as one that missed; an effect
    gets none then.
    """
    given = found.n > 1 if equal_counts else ~np.isnan(found.low)
    return float(((found.low <= truth) & (found.high >= truth))[given].mean())


def kept(name: str, rate: float) -> bool:
    """Whether a promise is within its limits."""
    limit = LIMITS["verdicts" if name == "past" else name]
    return rate >= limit if name in ("mean", "effect", "interaction") else rate <= limit


def verdict(kind: Kind, found: dict[str, float]) -> str:
    """Says whether all promises hold, are withdrawn in every report, or neither."""
    broken = [name for name, rate in found.items() if name != "warned" and not kept(name, rate)]
    if not broken:
        return "held"
    return f"{'withdrawn' if is_withdrawn(kind) else 'MISSED'}: {', '.join(broken)}"


def bootstrap_coverage(method: str, seeds: int, studies: int) -> float:
    rng = np.random.default_rng(seeds)
    values = 0.9 + 0.02 * rng.standard_normal((studies, seeds))
    if method == "percentile":
        picks = rng.integers(0, seeds, (studies, 999, seeds))
        means = np.take_along_axis(values[:, None, :], picks, axis=2).mean(axis=2)
        low, high = np.quantile(means, [0.025, 0.975], axis=1)
        return float(np.mean((low <= 0.9) & (high >= 0.9)))
    held = 0
    for row in values:
        found = stats.bootstrap((row,), np.mean, n_resamples=999, method="BCa", rng=rng)
        held += found.confidence_interval.low <= 0.9 <= found.confidence_interval.high
    return held / studies


def lines(studies: int) -> Iterator[tuple[str, bool]]:
    """Yields each row of the table, and whether its promises are kept or withdrawn."""
    for name, kind in KINDS.items():
        for seeds in SEEDS:
            found = rates(kind, seeds, studies)
            cells = " | ".join(f"{100 * rate:.1f}" for rate in found.values())
            said = verdict(kind, found)
            yield f"| {name} | {seeds} | {cells} | {said} |", not said.startswith("MISSED")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--bootstraps", action="store_true", help="also those of the mean")
    options = parser.parse_args()
    gc.freeze()  # statsmodels collects garbage at each correction of p values
    for kind in KINDS.values():
        for seeds in (3, 5):
            check(kind, np.random.default_rng(seeds), seeds, 25)
    print(f"{50 * len(KINDS)} studies go through the program's functions to the same end")
    errors = [f"{100 * math.sqrt(p * (1 - p) / options.studies):.2f}" for p in (0.05, 0.025)]
    print(f"percent of {options.studies} simulated studies each; standard errors: "
          f"{errors[0]} at 95 and 5, {errors[1]} at 2.5, at most 2.2 of 'warned'\n")  # fmt: skip
    print("| seeds | n | mean | effect | interaction | gate passes | verdicts | past | warned | |\n"
          "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|")  # fmt: skip
    ok = True
    for line, good in lines(options.studies):
        print(line, flush=True)
        ok &= good
    for method in BOOTSTRAPS if options.bootstraps else ():
        few = min(options.studies, 2_000)
        shown = (f"{n}: {100 * bootstrap_coverage(method, n, few):.1f}" for n in SEEDS)
        print(f"{method} bootstrap of the mean, normal data: {', '.join(shown)}")
    print("\nevery promise held, or withdrawn by the report:", "yes" if ok else "NO")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
