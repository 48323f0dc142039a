"""How often does the gate against the past take a machine's drift for a change of speed?

Eight arms, five seeds a side; step times spread by 1% over seeds, and each day has a speed of its
own for all arms: the quotient of two days is log-normal with a standard deviation of 0 to 6%. The
margin is 1.05, and the level the gate's own, for 16 comparisons with accuracy, or in turn for 24
with the time of whole trials:

1. as if the days were alike (what the gate did);
2. widened by a quotient of 1.1 (what it does where sides were not measured in turn);
3. measured in turn, a seed of each at a time, each seed on a day of its own.

A false alarm is any arm that is called faster or slower where nothing changed; power is how often a
loss of that size in one arm is found.

    python bench/drift.py
"""

from __future__ import annotations

import argparse
import math
import sys

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ablations.analyze.compare.regression import SPEED_ALLOWANCE
from ablations.analyze.inference.effects import ALPHA

Array = NDArray[np.float64]

ARMS, SEEDS, MARGIN, NOISE = 8, 5, 1.05, 0.01
COMPARISONS = {"one day against another": 16, "widened by 1.1": 16, "in turn": 24}
WAYS = tuple(COMPARISONS)
DRIFTS = (0.0, 0.02, 0.04, 0.06)
LOSSES = (1.1, 1.2, 1.3)


def slower(
    rng: np.random.Generator, way: str, drift: float, studies: int, *, loss: float = 1.0
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns whether each arm is called changed, and whether slower, shape (study, arm).

    The first arm is slower by ``loss``.
    """
    shape = (studies, ARMS, SEEDS)
    now, then = (NOISE * rng.standard_normal(shape) for _ in range(2))
    now[:, 0] += math.log(loss)
    if way == "in turn":  # both sides of a seed share its day
        each = drift / math.sqrt(2) * rng.standard_normal((studies, 1, SEEDS))
        now, then = now + each, then + each
    else:
        now += drift * rng.standard_normal((studies, 1, 1))
    parts = [side.var(axis=2, ddof=1) / SEEDS for side in (now, then)]
    df = (parts[0] + parts[1]) ** 2 / ((parts[0] ** 2 + parts[1] ** 2) / (SEEDS - 1))
    half = stats.t.isf(ALPHA / COMPARISONS[way] / 2, df) * np.sqrt(parts[0] + parts[1])
    half += math.log(SPEED_ALLOWANCE) if way == "widened by 1.1" else 0.0
    change = now.mean(axis=2) - then.mean(axis=2)
    up = change - half > math.log(MARGIN)
    return up | (change + half < -math.log(MARGIN)), up


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    studies, ok = parser.parse_args().studies, True
    heads = " | ".join(f"×{loss} found" for loss in LOSSES)
    print(f"| speeds compared | drift | false alarms | {heads} |")
    print("|---|---:|---:|" + "---:|" * len(LOSSES))
    for way in WAYS:
        for drift in DRIFTS:
            rng = np.random.default_rng(1)
            wrong = int(slower(rng, way, drift, studies)[0].any(axis=1).sum())
            low, high = proportion_confint(wrong, studies, method="wilson")
            found = (slower(rng, way, drift, studies, loss=loss)[1][:, 0].mean() for loss in LOSSES)
            shown = " | ".join(f"{share:.0%}" for share in found)
            print(f"| {way} | {drift:.0%} | {wrong / studies:.1%} [{low:.1%}, {high:.1%}]"
                  f" | {shown} |", flush=True)  # fmt: skip
            ok &= way == WAYS[0] or low <= 0.05
    print("false alarms of the last two at most 5%:", "yes" if ok else "NO")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
