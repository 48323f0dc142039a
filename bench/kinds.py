"""Kinds of seeds to simulate: what spreads how, and which networks do not train.

Each kind draws accuracies of shape (study, arm, seed), with the networks that trained of the same
shape. All arms have the same true mean, that of the networks that train, so that every effect is
zero; the first arm is the baseline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.report.words.glossary import ASSUMES

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Shape = tuple[int, int, int]

SPREAD = 0.02
GUESSING = 0.5
WORSE = 0.3
"""How far the second kind of network lies below the first, 15 of its standard deviations."""


@dataclass(frozen=True)
class Kind:
    """One kind of data.

    ``noise`` draws deviations of mean 0 around ``mean``. ``lost`` is the share of networks that do
    not train, in all arms or in the baseline alone. ``bound`` names what a report says where the
    promise does not hold: a key of ``WITHDRAWN``. ``images`` is the size of the test set, 0
    where the metric is finer than matters.
    """

    noise: Callable[[np.random.Generator, Shape], Array]
    mean: float = 0.9
    lost: float = 0.0
    baseline_alone: bool = False
    bound: str = ""
    images: int = 0

    def draw(self, rng: np.random.Generator, shape: Shape) -> tuple[Array, Mask]:
        """Returns accuracies and which networks trained."""
        values = self.mean + self.noise(rng, shape)
        lost = rng.random(shape) < self.lost
        if self.baseline_alone:
            lost[:, 1:] = False
        return np.where(lost, GUESSING, values), ~lost


WITHDRAWN: dict[str, str] = {
    "lopsided": "skewed",
    "two kinds": "two kinds of networks",
    "coarse": "few possible values",
    "drift": "changes slowly",
}
"""What must stand in every report, in its words of what an interval assumes."""


def is_withdrawn(kind: Kind) -> bool:
    """Whether every report says that its promises do not hold on such seeds."""
    phrase = WITHDRAWN.get(kind.bound, "")
    return bool(phrase) and phrase in ASSUMES[1]


def normal(rng: np.random.Generator, shape: Shape) -> Array:
    return SPREAD * rng.standard_normal(shape)


def skewed(rng: np.random.Generator, shape: Shape) -> Array:
    """Waiting times: the long tail lies below, as that of accuracies does."""
    return SPREAD * (1 - rng.standard_exponential(shape))


def skewed_baseline(rng: np.random.Generator, shape: Shape) -> Array:
    found = normal(rng, shape) / 5
    found[:, 0] = skewed(rng, (shape[0], 1, shape[2]))[:, 0]
    return found


def bounded(rng: np.random.Generator, shape: Shape) -> Array:
    """Accuracies on 1,000 images whose recipe varies around 0.97."""
    return rng.binomial(1000, rng.beta(97, 3, shape)) / 1000 - 0.97


def tied(rng: np.random.Generator, shape: Shape) -> Array:
    """Accuracies on 192 images near 0.985: about six values."""
    return rng.binomial(192, 0.985, shape) / 192 - 0.985


def two_kinds(share: float, *, baseline_alone: bool = False) -> Callable[..., Array]:
    """Networks of two kinds that both train, one of them far worse; centred on their mean."""

    def draw(rng: np.random.Generator, shape: Shape) -> Array:
        worse = rng.random(shape) < share
        if baseline_alone:
            worse[:, 1:] = False
        mean = np.full((1, shape[1], 1), share)
        if baseline_alone:
            mean[:, 1:] = 0.0
        return normal(rng, shape) - WORSE * (worse - mean)

    return draw


def unequal(rng: np.random.Generator, shape: Shape) -> Array:
    """The baseline spreads five times as far as the other arms."""
    found = normal(rng, shape) / 5
    found[:, 0] *= 5
    return found


def heavy(rng: np.random.Generator, shape: Shape) -> Array:
    """Student's t on 3 degrees of freedom."""
    return SPREAD * rng.standard_t(3, shape)


def trend(rng: np.random.Generator, shape: Shape) -> Array:
    """All arms rise alike from seed to seed, by two standard deviations in all."""
    return normal(rng, shape) + SPREAD * np.linspace(-1, 1, shape[2])


def walk(rng: np.random.Generator, shape: Shape) -> Array:
    """A random walk that all arms share, as of a machine that grows slower or faster."""
    steps = rng.standard_normal((shape[0], 1, shape[2])) * SPREAD / 2
    return normal(rng, shape) + steps.cumsum(axis=2)


KINDS: dict[str, Kind] = {
    "normal": Kind(normal),
    "unequal spreads": Kind(unequal),
    "bounded, 1,000 images": Kind(bounded, 0.97, bound="lopsided", images=1000),
    "ties, 192 images": Kind(tied, 0.985, bound="coarse", images=192),
    "skewed": Kind(skewed, bound="lopsided"),
    "skewed, baseline alone": Kind(skewed_baseline, bound="lopsided"),
    "heavy tails": Kind(heavy),
    "10% do not train": Kind(normal, lost=0.1),
    "20% do not train": Kind(normal, lost=0.2),
    "10% of the baseline do not": Kind(normal, lost=0.1, baseline_alone=True),
    "20% of the baseline do not": Kind(normal, lost=0.2, baseline_alone=True),
    "10% of a worse kind": Kind(two_kinds(0.1), bound="two kinds"),
    "20% of a worse kind": Kind(two_kinds(0.2), bound="two kinds"),
    "10% worse, baseline alone": Kind(two_kinds(0.1, baseline_alone=True), bound="two kinds"),
    "20% worse, baseline alone": Kind(two_kinds(0.2, baseline_alone=True), bound="two kinds"),
    "trend over seeds": Kind(trend, bound="drift"),
    "random walk over seeds": Kind(walk, bound="drift"),
}
