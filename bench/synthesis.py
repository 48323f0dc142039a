"""How often do the intervals of a synthesis contain the truth, with few studies of few seeds?

Each study measures a true effect, which varies between studies by tau, with normal seeds; its
standard error is estimated from these seeds, so that it has 4 or 9 degrees of freedom. Tau is given
in standard errors. In the rows "unequal" the true standard errors differ between studies by a
factor of e^0.5 up or down. Both analyses of `ablations.analyze.compare.pooling` are counted: the
one that decides and the weighted one beside it. Prediction: how often the interval contains what
one more study measures (equal weights) or its true effect (weighted).

    python bench/synthesis.py                   # prints the table of docs/statistics.md
    python bench/synthesis.py --syntheses 500   # a quick look
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from ablations.analyze.compare.pooling import pool, weighted
from ablations.core.estimates import Interval

STUDIES = (3, 5, 10)
SEEDS = (5, 10)
TAUS = (0.0, 0.5, 1.0, 3.0)
UNEQUAL = 0.5
LIMITS = 0.93, 0.97
"""What the coverage of the deciding interval must stay within, from 5 studies on."""


@dataclass(frozen=True)
class Kind:
    studies: int
    seeds: int
    tau: float
    unequal: bool


def counts(kind: Kind, rng: np.random.Generator) -> list[bool]:
    """Draws one synthesis; returns which of its intervals contain what they are for."""
    k, n = kind.studies, kind.seeds
    errors = np.exp(UNEQUAL * rng.standard_normal(k + 1)) if kind.unequal else np.ones(k + 1)
    true = kind.tau * rng.standard_normal(k + 1)
    seeds = true[:, None] + np.sqrt(n) * errors[:, None] * rng.standard_normal((k + 1, n))
    effects, variances = seeds.mean(axis=1), seeds.var(axis=1, ddof=1) / n
    own = pool(effects[:k], variances[:k], np.full(k, n - 1.0))
    other = weighted(effects[:k], variances[:k])
    assert other.prediction is not None
    return [
        _holds(own.interval, 0.0),
        _holds(own.prediction, float(effects[k])),
        _holds(own.tau_interval, kind.tau),
        _holds(other.interval, 0.0),
        _holds(other.prediction, float(true[k])),
        _holds(other.tau_interval, kind.tau),
    ]


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--syntheses", type=int, default=10_000)
    options = parser.parse_args()
    print("| studies | seeds | tau | mean | prediction | tau | mean, weighted "
          "| prediction, weighted | tau, weighted |\n"
          "|---:|---:|---:|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    ok = True
    for unequal in (False, True):
        for kind in (Kind(k, n, t, unequal) for k in STUDIES for n in SEEDS for t in TAUS):
            rng = np.random.default_rng([kind.studies, kind.seeds, int(2 * kind.tau), unequal])
            rates = np.mean([counts(kind, rng) for _ in range(options.syntheses)], axis=0)
            cells = " | ".join(f"{100 * rate:.1f}" for rate in rates)
            name = f"{kind.studies}{', unequal' * unequal}"
            print(f"| {name} | {kind.seeds} | {kind.tau:g} | {cells} |", flush=True)
            ok &= kind.studies < 5 or LIMITS[0] <= rates[0] <= LIMITS[1]
    print("\nthe deciding interval is within 93 to 97% from 5 studies on:", "yes" if ok else "NO")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
