"""Do the parts of the variance over seeds, and what follows from them, hold in simulation?

Two arms are tested on n images. An image is answered rightly where a sum is above zero: the arm's
mean, the seed (of both arms, and of each), the image (likewise) and noise of its own. Counted are,
for an arm's accuracy and for the difference of the two arms:

* how often the interval of the images' share contains the true share;
* the mean, over studies, of the variance that is promised for five times the images, as a multiple
  of the true one;
* where all seeds share their images: how often the t interval over seeds, and the one over seeds
  and images, contain the mean over all seeds and images.

    python bench/variance.py                   # prints the table of docs/statistics.md
    python bench/variance.py --studies 200     # a quick look
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.analyze.describe.test_set import Answers
from ablations.analyze.describe.variance import parts_of
from ablations.analyze.inference.intervals import summarize
from ablations.core.design import Arm
from ablations.core.metrics import MetricInfo

SEEDS = (3, 5, 10)
IMAGES = 200
MORE = 5
ARMS = (Arm((("a", "off"),)), Arm((("a", "on"),)))
CONTRASTS = {
    "an arm": ((ARMS[0], 1.0),),
    "a difference": ((ARMS[0], -1.0), (ARMS[1], 1.0)),
}
SPREADS = {"seeds alike": 0.02, "some of each": 0.1, "seeds differ": 0.3}
"""The standard deviation of the seed's own part, in units of an image's noise."""

Floats = NDArray[np.float64]
Answered = dict[Arm, tuple[Answers, ...]]


@dataclass(frozen=True, slots=True)
class World:
    """What a study is drawn from: how far seeds differ, and whether they share their images."""

    spread: float
    shared: bool

    def draw(self, rng: np.random.Generator, *, seeds: int, images: int) -> Answered:
        """Returns the answers of both arms, of each seed to its images."""
        shape = (1 if self.shared else seeds, images)
        both, own = rng.normal(size=shape), rng.normal(size=(2, *shape))
        common, each = rng.normal(size=(seeds, 1)), rng.normal(size=(2, seeds, 1))
        labels = np.ones(images, np.int64)
        found = {}
        for place, arm in enumerate(ARMS):
            level = 0.8 + 0.2 * place + both + 0.5 * own[place]
            level = level + self.spread * (common + each[place]) + rng.normal(size=(seeds, images))
            right = level > 0
            found[arm] = tuple(
                Answers(s, labels, right[s].astype(np.int64), right[s], self.name(s))
                for s in range(seeds)
            )
        return found

    def name(self, seed: int) -> str:
        """Returns the digest of a seed's images."""
        return "all" if self.shared else str(seed)


def values(answered: Answered, contrast: str) -> list[tuple[int, float]]:
    """Returns the contrast of each seed."""
    rows = [[w * one.correct.mean() for one in answered[arm]] for arm, w in CONTRASTS[contrast]]
    return list(enumerate(np.sum(rows, axis=0).tolist()))


def truth(world: World, contrast: str, images: int) -> tuple[float, float]:
    """Returns the true mean over all seeds and images, and the variance over seeds.

    With shared images that is the variance over seeds of the same images, averaged over images.
    """
    rng = np.random.default_rng(1)
    drawn = [world.draw(rng, seeds=100, images=images) for _ in range(200)]
    found = [np.array([v for _, v in values(one, contrast)]) for one in drawn]
    return float(np.mean(found)), float(np.mean([one.var(ddof=1) for one in found]))


def row(name: str, contrast: str, k: int, *, shared: bool, studies: int) -> list[str]:
    """Returns one line of the table."""
    world, rng = World(SPREADS[name], shared), np.random.default_rng(k)
    mean, total = truth(world, contrast, IMAGES)
    _, less = truth(world, contrast, MORE * IMAGES)
    share = (total - less) / total / (1 - 1 / MORE)
    counts = {"share": 0, "seeds": 0, "whole": 0}
    promised = []
    for _ in range(studies):
        answered = world.draw(rng, seeds=k, images=IMAGES)
        parts = parts_of(CONTRASTS[contrast], answered, n=k)
        if parts is None:
            continue
        counts["share"] += parts.bounds.low <= share <= parts.bounds.high + 1e-12
        promised.append(parts.total * parts.of(MORE * IMAGES) / less)
        info = MetricInfo("difference", "number", "higher")
        over_seeds = summarize(info, values(answered, contrast)).interval
        for kind, found in (("seeds", over_seeds), ("whole", parts.whole)):
            counts[kind] += bool(found and found.low <= mean <= found.high)
    rates = [f"{counts[kind] / studies:.1%}" for kind in ("share", "seeds", "whole")]
    return [
        "shared" if shared else "own", contrast, name, str(k), f"{share:.0%}", rates[0],
        f"{np.mean(promised):.2f}", rates[1], rates[2] if shared else "–",
    ]  # fmt: skip


def main() -> None:
    """Prints one line for each kind of study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    studies = parser.parse_args().studies
    head = ["images", "of", "kind", "seeds", "true share", "share covered", "promised / true",
            "t over seeds", "over seeds and images"]  # fmt: skip
    print(f"| {' | '.join(head)} |\n|---|---|---|---:|---:|---:|---:|---:|---:|")
    for shared in (False, True):
        for contrast in CONTRASTS:
            for name in SPREADS:
                for k in SEEDS:
                    cells = row(name, contrast, k, shared=shared, studies=studies)
                    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
