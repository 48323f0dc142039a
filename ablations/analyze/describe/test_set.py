"""Test-set noise: how much accuracy depends on which images are in the test set.

Sources: Wilson (1927), "Probable inference, the law of succession, and statistical inference",
JASA 22; McNemar (1947), "Note on the sampling error of the difference between correlated
proportions", Psychometrika 12(2); Durkalski et al. (2003), "Analysis of clustered matched-pair
data", Statistics in Medicine 22(15), for images that several seeds share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablations.analyze.inference.intervals import LEVEL
from ablations.analyze.inference.quantiles import wilson
from ablations.core.estimates import ExampleDifference, ExampleNoise, Interval
from ablations.core.metrics import TEST_ACCURACY
from ablations.core.record import Predictions, RunRecord

SPLIT = "test"
METRIC = TEST_ACCURACY

_DRAWS = 9_999
_SEED = 20_260_101

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One seed's answers to the test images: true and predicted classes, and which are right.

    All have shape (example,); of a hundred thousand seeds, classes are the smallest integers that
    hold them. ``examples`` names the images in their order; empty if unknown.
    """

    seed: int
    labels: NDArray[np.int64]
    classes: NDArray[np.integer]
    correct: NDArray[np.bool_]
    examples: str


def answers(
    records: Iterable[RunRecord | None], known: dict[str, NDArray[np.int64]] | None = None
) -> tuple[Answers, ...]:
    """Returns the answers of each record that has some which give its own test accuracy.

    A model may decide by another rule than the likeliest class; then its answers are not known.

    Args:
        records: Of one arm.
        known: Labels by their digest, which equal ones share; more are added.
    """
    labels = {} if known is None else known
    found = (_answers(record, labels) for record in records if record is not None)
    return tuple(one for one in found if one is not None)


def _answers(record: RunRecord, known: dict[str, NDArray[np.int64]]) -> Answers | None:
    reported = {metric.name: metric.value for metric in record.metrics}.get(METRIC)
    own = next((p for p in record.predictions if p.split == SPLIT), None)
    if own is None or reported is None or not own.probabilities.size:
        return None
    classes = own.probabilities.argmax(axis=1)
    correct = classes == own.labels
    if abs(float(correct.mean()) - reported) > 0.5 / len(correct):
        return None
    # The training function gives the digest; images of other labels are others, whatever it is.
    digest = hashlib.sha256(own.labels.tobytes()).hexdigest()
    examples = f"{record.data} {own.examples} {digest[:16]}" if own.examples else ""
    labels = known.setdefault(digest, own.labels)
    small = classes.astype(np.min_scalar_type(own.probabilities.shape[1]))
    return Answers(record.seed, labels, small, correct, examples)


def example_noise(found: Sequence[Answers]) -> ExampleNoise | None:
    """Returns the test-set noise of one arm's accuracy; ``None`` without predictions.

    Wilson's interval takes the mean accuracy over seeds on as many images as one seed is tested on
    (the fewest, if they differ): it is for one model on another sample of images.
    """
    if not found:
        return None
    accuracy = float(np.mean([one.correct.mean() for one in found]))
    n = min(len(one.correct) for one in found)
    low, high = wilson(accuracy * n, n, alpha=1 - LEVEL)
    interval = Interval(low, high, LEVEL, "Wilson over test images")
    return ExampleNoise(accuracy, n, interval, churn(found), is_shared(found))


def is_shared(found: Sequence[Answers]) -> bool | None:
    """Whether all seeds were tested on the same images; other labels mean other images."""
    first = found[0]
    if any(not _equal(one.labels, first.labels) for one in found):
        return False
    if not all(one.examples for one in found):
        return None
    return len({one.examples for one in found}) == 1


def churn(found: Sequence[Answers]) -> float | None:
    """Returns the share of images on which two seeds differ, over all pairs with equal images."""
    together: dict[str, list[NDArray[np.integer]]] = {}
    for one in found:
        if one.examples:
            together.setdefault(one.examples, []).append(one.classes)
    pairs = [(_disagreement(np.stack(same)), len(same)) for same in together.values()]
    weights = [n * (n - 1) / 2 for _, n in pairs]
    if not sum(weights):
        return None
    return float(np.average([share for share, _ in pairs], weights=weights))


def _disagreement(classes: NDArray[np.integer]) -> float:
    """Returns the mean share of pairs of seeds that differ; ``classes`` has shape (seed, example).

    Counted through votes per class, so that it takes no loop over pairs.
    """
    n = len(classes)
    if n < 2:
        return 0.0
    votes = np.stack([(classes == c).sum(axis=0) for c in np.unique(classes)])
    alike = (votes * (votes - 1)).sum(axis=0) / (n * (n - 1))
    return float(1 - alike.mean())


def example_difference(
    arm: Sequence[Answers], reference: Sequence[Answers], *, exact: bool = False
) -> ExampleDifference | None:
    """Compares an arm with the reference on the test images that both saw, seed by seed.

    Images that several seeds share are one cluster each; where it is unknown whether they do, equal
    labels are taken to be equal images, which costs power where they are not, and nothing else.
    ``None`` if no seed tested both arms on the same images.

    Args:
        arm: The answers of its seeds.
        reference: Those of the reference.
        exact: Whether the bootstrap is computed instead of drawn, which takes a tenth of the time.
    """
    others = {one.seed: one for one in reference}
    pairs = [(one, others[one.seed]) for one in arm if one.seed in others]
    pairs = [(a, b) for a, b in pairs if same_images(a, b)]
    if not pairs:
        return None
    # +1 where only the arm is right, -1 where only the reference is; per seed, shape (example,)
    signs = [a.correct.astype(np.int64) - b.correct.astype(np.int64) for a, b in pairs]
    clusters = _clusters(signs, [a.examples or a.labels.tobytes().hex() for a, _ in pairs])
    every, resampled = np.concatenate(signs), _computed if exact else _bootstrap
    gained, lost = int((every > 0).sum()), int((every < 0).sum())
    return ExampleDifference(
        difference=float(every.mean()),
        interval=resampled(clusters, len(every)) if gained or lost else None,
        gained=gained,
        lost=lost,
        p=mcnemar(clusters),
        n_examples=len(clusters),
        n_seeds=len(pairs),
    )


def same_images(one: Answers | Predictions, other: Answers | Predictions) -> bool:
    """Whether two sides answered the same images, as far as digests and labels show it."""
    return one.examples == other.examples and _equal(one.labels, other.labels)


def _equal(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    return one is other or np.array_equal(one, other)


def _clusters(signs: Sequence[NDArray[np.int64]], examples: Sequence[str]) -> Floats:
    """Returns the sum of signs of each distinct image, shape (image,)."""
    sums: dict[str, NDArray[np.int64]] = {}
    for name, own in zip(examples, signs, strict=True):
        sums[name] = sums[name] + own if name in sums else own
    return np.concatenate(list(sums.values())).astype(np.float64)


def mcnemar(clusters: Floats) -> float:
    """Returns McNemar's two-sided p from the signs of each image, summed over its seeds.

    With one seed an image this is the exact binomial test of the images on which the two differ;
    where seeds share images it is Durkalski's chi-squared test of the clusters.
    """
    moved = clusters[clusters != 0]
    if not moved.size:
        return 1.0
    if np.abs(moved).max() <= 1:
        return binomial_p(int((moved > 0).sum()), moved.size)
    return float(special.chdtrc(1, moved.sum() ** 2 / (moved**2).sum()))


def binomial_p(count: int, n: int) -> float:
    """Returns the two-sided p of this number of heads of a fair coin, exactly, by integers.

    Example:
        >>> binomial_p(1, 4), binomial_p(2, 4)
        (0.625, 1.0)
    """
    ways, term = 0, 1
    for heads in range(min(count, n - count) + 1):
        ways += term
        term = term * (n - heads) // (heads + 1)
    return float(min(1.0, 2 * ways / 2**n))


def _bootstrap(clusters: Floats, answers: int) -> Interval:
    """Draws images anew: one multinomial over the few values that an image's sum takes."""
    values, counts = np.unique(clusters, return_counts=True)
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=_DRAWS)
    means = drawn @ values / answers
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), LEVEL, _RESAMPLED)


def _computed(clusters: Floats, answers: int) -> Interval:
    """Computes the distribution that `_bootstrap` draws from: sums of so many whole numbers."""
    n, least = len(clusters), int(clusters.min())
    shares = np.bincount((clusters - least).astype(np.int64)) / n
    size = (len(shares) - 1) * n + 1  # of the sums, from n times the least on
    chances = np.fft.irfft(np.fft.rfft(shares, size) ** n, size)
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = (np.searchsorted(np.cumsum(chances), tails) + n * least) / answers
    return Interval(float(low), float(high), LEVEL, _RESAMPLED)


_RESAMPLED = "paired bootstrap over test images"
