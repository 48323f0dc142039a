"""How often does looking by hand err? Three ways to a verdict where there is no effect.

Seven changes against one baseline, none of which does anything; arms share seeds, and the noise is
normal. A study errs when any of its seven effects ends with a verdict, at the fixed design's own
levels (Holm, no margin), which promise 5%:

1. seeds are added one at a time, from 3 up to 30, until there is a verdict;
2. an adaptive study of at most 10 seeds is given 20, then 30, when it ends without one;
3. of 5 seeds the one that stands most against the strongest effect is deleted and another one is
   trained, up to 10 times.

    python bench/looking.py
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ablations.analyze.inference.effects import ALPHA
from ablations.analyze.inference.sequential import interim_analyses
from ablations.core.design import Adaptive

Array = NDArray[np.float64]

CHANGES = 7
FIRST, LAST = 3, 30


def draw(rng: np.random.Generator, studies: int, seeds: int) -> Array:
    """Returns the changes' differences from the baseline, shape (study, change, seed)."""
    values = rng.standard_normal((studies, CHANGES + 1, seeds))
    return values[:, 1:] - values[:, :1]


def t_values(differences: Array) -> Array:
    n = differences.shape[2]
    return differences.mean(axis=2) / differences.std(axis=2, ddof=1) * np.sqrt(n)


def has_verdict(differences: Array) -> NDArray[np.bool_]:
    """Whether any effect of a study differs from none: Holm's first step decides that."""
    reach = stats.t.isf(ALPHA / CHANGES / 2, differences.shape[2] - 1)
    return np.asarray((np.abs(t_values(differences)) > reach).any(axis=1))


def growing(rng: np.random.Generator, studies: int) -> NDArray[np.bool_]:
    differences = draw(rng, studies, LAST)
    each = [has_verdict(differences[..., :n]) for n in range(FIRST, LAST + 1)]
    return np.asarray(np.any(each, axis=0))


def raising(rng: np.random.Generator, studies: int) -> NDArray[np.bool_]:
    differences = draw(rng, studies, LAST)
    wrong = np.zeros(studies, dtype=bool)
    for last in (10, 20, 30):
        planned = interim_analyses(Adaptive(FIRST, last))
        for n in range(FIRST, last + 1):
            level = planned.alpha(n, alpha=ALPHA / CHANGES)
            reach = stats.t.isf(level / 2, n - 1)
            wrong |= (np.abs(t_values(differences[..., :n])) > reach).any(axis=1)
    return wrong


def deleting(rng: np.random.Generator, studies: int) -> NDArray[np.bool_]:
    differences, every = draw(rng, studies, 5), np.arange(studies)
    wrong = has_verdict(differences)
    for _ in range(10):
        t = t_values(differences)
        strongest = np.abs(t).argmax(axis=1)
        signed = differences[every, strongest] * np.sign(t[every, strongest])[:, None]
        differences[every, :, signed.argmin(axis=1)] = draw(rng, studies, 1)[..., 0]
        wrong |= has_verdict(differences)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    studies = parser.parse_args().studies
    print("| by hand, where the promise is 5% | studies with a false verdict |\n|---|---:|")
    for name, way in (
        ("seeds added one at a time, 3 to 30, until a verdict", growing),
        ("`at_most` raised from 10 to 20, then 30", raising),
        ("the worst of 5 seeds deleted and replaced, up to 10 times", deleting),
    ):
        wrong = int(way(np.random.default_rng(1), studies).sum())
        low, high = proportion_confint(wrong, studies, method="wilson")
        print(f"| {name} | {wrong / studies:.1%} [{low:.1%}, {high:.1%}] |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
