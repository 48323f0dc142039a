"""Do equal differences raise false alarms, now that one test image is the least spread?

Accuracies on 96, 192 or 1,000 test images of seven changes against one baseline. Either nothing has
an effect (margin 0), or every change is worth exactly the margin of one percentage point, so that
every verdict is false. Noise is that of the images (binomial at 0.97) or of recipes that vary by a
third of an image or by one image, in whole images. The rule is that of ``ablations``: the standard
deviation of a difference is taken to be at least one image.

Three kinds of comparison: the family of effects at Bonferroni's level; the same, looked at after
each seed from 3 to 10 (adaptive); each arm against the past (Welch).

    python bench/ties.py
"""

from __future__ import annotations

import argparse
import sys
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ablations.analyze.inference.effects import ALPHA
from ablations.analyze.inference.sequential import interim_analyses
from ablations.core.design import Adaptive

Array = NDArray[np.float64]

ARMS = 8
IMAGES = (96, 192, 1000)
NOISE = ("images", 1 / 3, 1.0)
MARGINS = (0.0, 0.01)
ADAPTIVE = Adaptive(3, 10)


def correct(
    rng: np.random.Generator, data: tuple[int, float | str], share: Array, *, size: tuple[int, int]
) -> Array:
    """Returns how many images each arm gets right, shape (study, arm, seed)."""
    (images, noise), (studies, seeds) = data, size
    shape = (studies, len(share), seeds)
    rate = np.broadcast_to(share[:, None], shape)
    if noise == "images":
        return rng.binomial(images, np.minimum(rate, 1)).astype(float)
    # Rounded up or down at random, so that the true mean is not moved by rounding.
    exact = rate * images + float(noise) * rng.standard_normal(shape)
    return np.floor(exact + rng.random(shape))


def verdicts(mean: Array, half: Array, margin: float) -> NDArray[np.bool_]:
    beyond = (mean - half > margin) | (mean + half < -margin)
    within = (mean - half > -margin) & (mean + half < margin)
    return np.asarray(beyond | within)


def family(values: Array, margin: float, level: float) -> tuple[Array, NDArray[np.bool_]]:
    """Returns mean and verdict of each change, shape (study, change)."""
    differences = values[:, 1:] - values[:, :1]
    n = differences.shape[2]
    spread = np.maximum(differences.std(axis=2, ddof=1), 1.0)
    half = stats.t.isf(level / 2, n - 1) * spread / np.sqrt(n)
    return np.ptp(differences, axis=2) == 0, verdicts(differences.mean(axis=2), half, margin)


def adaptive(values: Array, margin: float) -> tuple[Array, NDArray[np.bool_]]:
    planned, tied, found = interim_analyses(ADAPTIVE), [], []
    for n in range(ADAPTIVE.at_least, ADAPTIVE.at_most + 1):
        level = planned.alpha(n, alpha=ALPHA / (ARMS - 1))
        one, other = family(values[..., :n], margin, level)
        tied.append(one & other)
        found.append(other)
    return np.any(tied, axis=0), np.any(found, axis=0)


def past(values: Array, then: Array, margin: float) -> tuple[Array, NDArray[np.bool_]]:
    n = values.shape[2]
    parts = [np.maximum(side.var(axis=2, ddof=1), 0.5) / n for side in (values, then)]
    total = parts[0] + parts[1]
    df = total**2 / ((parts[0] ** 2 + parts[1] ** 2) / (n - 1))
    half = stats.t.isf(ALPHA / ARMS / 2, df) * np.sqrt(total)
    tied = (np.ptp(values, axis=2) == 0) & (np.ptp(then, axis=2) == 0)
    return tied, verdicts(values.mean(axis=2) - then.mean(axis=2), half, margin)


def worst(kind: str, seeds: int, studies: int) -> tuple[float, float]:
    """Returns the largest share of studies with a false verdict, and with one on a tie."""
    rng, rates = np.random.default_rng([seeds, len(kind)]), []
    for images, noise, margin in product(IMAGES, NOISE, MARGINS):
        share = np.full(ARMS, 0.97)
        share[1:] += margin
        values = correct(rng, (images, noise), share, size=(studies, seeds))
        if kind == "effects":
            tied, found = family(values, margin * images, ALPHA / (ARMS - 1))
        elif kind == "adaptive":
            tied, found = adaptive(values, margin * images)
        else:
            before = np.append(0.97 - margin, np.full(ARMS - 1, 0.97))
            then = correct(rng, (images, noise), before, size=(studies, seeds))
            tied, found = past(values, then, margin * images)
        rates.append((found.any(axis=1).mean(), (found & (tied > 0)).any(axis=1).mean()))
    return max(rate for rate, _ in rates), max(rate for _, rate in rates)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    studies = parser.parse_args().studies
    print("| comparison | seeds | studies with a false verdict | on equal differences |")
    print("|---|---:|---:|---:|")
    ok = True
    for kind, seeds in (*product(("effects", "past"), (2, 3, 5, 10)), ("adaptive", 10)):
        false, on_ties = worst(kind, seeds, studies)
        ok &= false <= 0.06
        print(f"| {kind} | {seeds} | {false:.1%} | {on_ties:.2%} |", flush=True)
    print("at most 5%, within the error of the simulation:", "yes" if ok else "NO")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
