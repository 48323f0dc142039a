"""How often do the 95% intervals of mean, effect and interaction contain the truth?

Two factors of two levels, simulated seed by seed, put through the functions that a report uses:
normal noise, skewed noise (exponential), and accuracies of 1,000 images near 0.97 whose recipe
varies between seeds. Every arm has the same true mean, so that effect and interaction are 0. Beside
them, bootstrap intervals of the mean on the same normal data.

    python bench/coverage.py                  # prints the table of docs/statistics.md
    python bench/coverage.py --studies 500    # a quick look
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
from collections import Counter
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ablations.analyze.effects import effects
from ablations.analyze.intervals import summarize
from ablations.estimates import Interval, MetricInfo
from ablations.study import Arm, Factor, Level, Study

SEEDS = (3, 5, 10, 20)
ACCURACY = MetricInfo("test_accuracy", "fraction", "higher")
LEVELS = ("off", "on")
BOOTSTRAPS = ("percentile", "BCa")

Draw = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return 0.9 + 0.02 * rng.standard_normal(shape)


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return 0.9 + 0.02 * (1 - rng.standard_exponential(shape))


def bounded(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return rng.binomial(1000, rng.beta(97, 3, shape)) / 1000


DATA: dict[str, tuple[Draw, float]] = {
    "normal": (normal, 0.9),
    "skewed": (skewed, 0.9),
    "bounded": (bounded, 0.97),
}


def study(seeds: int) -> Study:
    factors = tuple(Factor(n, tuple(Level(lv, {n: lv}) for lv in LEVELS)) for n in "ab")
    arms = tuple(Arm((("a", one), ("b", other))) for one, other in product(LEVELS, LEVELS))
    return Study("s", "t", "q", "m:f", {}, factors, "full-factorial", arms, arms[0], arms[0],
                 tuple(range(seeds)))  # fmt: skip


def intervals(table: NDArray[np.float64], made: Study) -> dict[str, Interval | None]:
    """Returns the intervals that a report shows, of values of shape (arm, seed)."""
    rows = zip(made.arms, table.tolist(), strict=True)
    summaries = {arm: summarize(ACCURACY, list(enumerate(row))) for arm, row in rows}
    main, _, interaction = effects(made, ACCURACY, summaries=summaries)
    mean = summaries[made.arms[0]].interval
    return {"mean": mean, "effect": main.interval, "interaction": interaction.interval}


def coverage(name: str, seeds: int, studies: int) -> dict[str, tuple[int, int]]:
    """Returns for each kind how many intervals there were, and how many contained the truth."""
    draw, truth = DATA[name]
    rng, made = np.random.default_rng([seeds, len(name)]), study(seeds)
    given, held = Counter[str](), Counter[str]()
    for _ in range(studies):
        for kind, found in intervals(draw(rng, (4, seeds)), made).items():
            target = truth if kind == "mean" else 0.0
            given[kind] += found is not None
            held[kind] += found is not None and found.low <= target <= found.high
    return {kind: (given[kind], held[kind]) for kind in given}


def bootstrap_coverage(method: str, seeds: int, studies: int) -> float:
    rng = np.random.default_rng(seeds)
    values = normal(rng, (studies, seeds))
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    options = parser.parse_args()
    ok = True
    gc.freeze()  # statsmodels collects garbage at each correction of p values
    print(f"coverage of 95% intervals in {options.studies} simulated studies each, in percent")
    print(f"standard error of each figure: {100 * math.sqrt(0.05 * 0.95 / options.studies):.2f}")
    print("| data | seeds | mean | effect | interaction |\n|---|---|---|---|---|")
    for name in DATA:
        for seeds in SEEDS:
            found = coverage(name, seeds, options.studies)
            rates = {kind: held / given for kind, (given, held) in found.items()}
            print(f"| {name} | {seeds} | "
                  + " | ".join(f"{100 * rates[k]:.1f}" for k in ("mean", "effect", "interaction"))
                  + " |", flush=True)  # fmt: skip
            ok &= name != "normal" or all(0.93 <= rate <= 0.97 for rate in rates.values())
    for method in BOOTSTRAPS:
        few = min(options.studies, 2_000)
        shown = (f"{n}: {100 * bootstrap_coverage(method, n, few):.1f}" for n in SEEDS)
        print(f"{method} bootstrap of the mean, normal data: {', '.join(shown)}")
    print("normal data within 93 to 97%:", "yes" if ok else "NO")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
