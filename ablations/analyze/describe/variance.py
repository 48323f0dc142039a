"""What the variance over seeds is made of: the test images, and the seed itself.

One number per image, 1 where it is answered rightly (for an effect, the weighted sum of the arms'),
is seen as mean + seed + image + what this seed makes of this image. Its variance components are
those of the two-way layout with random rows and columns: Searle, Casella and McCulloch (1992),
"Variance Components", chapter 4. The interval of a total is by Satterthwaite (1946), "An
approximate distribution of estimates of variance components", Biometrics Bulletin 2(6).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.analyze.describe.test_set import SPLIT, Answers, is_shared, same_images
from ablations.analyze.inference.intervals import LEVEL
from ablations.analyze.inference.quantiles import chi2_isf, t_isf
from ablations.core.design import Arm
from ablations.core.estimates import Effect, Interval, VarianceParts
from ablations.core.findings import ArmFinding, Variances
from ablations.core.metrics import TEST_IN_ANY_VALIDATION
from ablations.core.record import RunRecord

Answered = Mapping[Arm, Sequence[Answers]]
Weights = Sequence[tuple[Arm, float]]
Floats = NDArray[np.float64]

_VALIDATION = "validation"


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """What is known of one number per seed and test image.

    ``means`` are the seeds' values, shape (seed,), and ``n_images`` the images that a seed is
    tested on: the fewest, if they differ. ``images`` is how much of the variance of a seed's value
    the finite number of its images makes. Of images that are ``shared``, ``by_image`` is the
    variance of their means over seeds, and ``mean`` that of all numbers.
    """

    seeds: tuple[int, ...]
    shared: bool
    means: Floats
    n_images: int
    images: float
    by_image: float
    mean: float


def variances(
    arms: Sequence[ArmFinding],
    effects: Sequence[Effect],
    *,
    answered: Answered,
    held_out: int | None,
) -> Variances | None:
    """Returns the parts of the variance of each arm and effect; ``None`` where none is known.

    Args:
        arms: Only their test accuracy is a share of images whose answers are known.
        effects: The declared family, on test accuracy.
        answered: The answers of each arm's seeds to their test images.
        held_out: How many images there are to test on.
    """
    by_effect = [_layout(effect.weights, answered, effect.n) for effect in effects]
    by_arm = [_layout([(arm.arm, 1.0)], answered, arm.n_completed) for arm in arms]
    found = Variances(
        effects=tuple(map(_parts, by_effect)),
        arms=tuple(map(_parts, by_arm)),
        over_effects=_pooled(by_effect),
        over_arms=_pooled(by_arm),
        held_out=held_out,
    )
    return found if any((*found.effects, *found.arms)) else None


def parts_of(weights: Weights, answered: Answered, *, n: int) -> VarianceParts | None:
    """Returns the parts of the variance of one weighted sum of arms over its ``n`` seeds.

    ``None`` where not all answers are known, or not whether seeds share their images.
    """
    return _parts(_layout(weights, answered, n))


def _layout(weights: Weights, answered: Answered, n: int) -> _Layout | None:
    """Returns the contrast of each image in each of ``n`` seeds; ``None`` if any is not known.

    Seeds some of which share their images, and others do not, are neither of the two cases.
    """
    by_arm = [({one.seed: one for one in answered.get(arm, ())}, weight) for arm, weight in weights]
    seeds = sorted(set(by_arm[0][0]).intersection(*(own for own, _ in by_arm)))
    first = [by_arm[0][0][seed] for seed in seeds]
    if len(seeds) < 2 or len(seeds) != n or (shared := _sharing(first)) is None:
        return None
    if not all(same_images(own[one.seed], one) for own, _ in by_arm for one in first):
        return None
    ends = np.cumsum([len(one.correct) for one in first])
    images = np.zeros(ends[-1])  # of all seeds, one after another
    for own, weight in by_arm:
        images += weight * np.concatenate([own[seed].correct for seed in seeds])
    return _reduced(seeds, np.split(images, ends[:-1]), shared=shared)


def _reduced(seeds: Sequence[int], rows: Sequence[Floats], *, shared: bool) -> _Layout | None:
    """Keeps what is needed of the rows of seeds, each of shape (image,), which are many numbers."""
    n_images = min(map(len, rows))
    if n_images < 2:
        return None
    by_image = mean = math.nan
    if shared:
        table = np.stack(rows)
        by_image, mean = float(table.mean(axis=0).var(ddof=1)), float(table.mean())
    return _Layout(
        tuple(seeds),
        shared,
        np.array([row.mean() for row in rows]),
        n_images,
        _of_images(rows, shared=shared),
        by_image,
        mean,
    )


def _sharing(found: Sequence[Answers]) -> bool | None:
    """Whether all seeds have the same images, or each its own; ``None`` if neither is known."""
    digests = {one.examples for one in found}
    mixed = "" not in digests and 1 < len(digests) < len(found)
    return None if mixed else is_shared(found)


def _parts(layout: _Layout | None) -> VarianceParts | None:
    """Returns the parts of one contrast; ``None`` where no image and no seed makes a difference."""
    if layout is None:
        return None
    total, images, k = float(layout.means.var(ddof=1)), layout.images, len(layout.seeds)
    share = _share(images, total, df=k - 1)
    if share is None:
        return None
    common, whole = _beyond_these(layout, images) if layout.shared else (None, None)
    return VarianceParts(
        total, images, share, k, layout.n_images, layout.shared, common=common, whole=whole
    )


def _of_images(rows: Sequence[Floats], *, shared: bool) -> float:
    """Returns how much of the variance of a seed's value the finite number of its images makes.

    Images of its own: the sampling variance of their mean. Images that all seeds share: only what
    each seed makes of each image, since what an image gives all seeds does not differ among them.
    """
    if not shared:
        return float(np.mean([row.var(ddof=1) / len(row) for row in rows]))
    return _residual(np.stack(rows)) / len(rows[0])


def _residual(table: Floats) -> float:
    """Returns the mean square of what neither the seed nor the image explains, (seed, image)."""
    k, n = table.shape
    left = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    return float((left**2).sum() / ((k - 1) * (n - 1)))


def _beyond_these(layout: _Layout, images: float) -> tuple[float, Interval]:
    """Returns what shared images add to the variance of the mean, and its interval with that.

    The interval is for other seeds and other images: (MS seed + MS image - MS residual) / kn, never
    less than the seeds' own part, by Satterthwaite's degrees of freedom; it is never narrower
    than the interval over seeds.
    """
    k, n = len(layout.seeds), layout.n_images
    seed, rest = float(layout.means.var(ddof=1)) / k, images / k
    image = layout.by_image / n
    common = max(0.0, image - rest)
    terms = ((seed, k - 1), (image, n - 1), (rest, (k - 1) * (n - 1)))
    spread = sum(part**2 / df for part, df in terms)
    df = max(k - 1.0, (seed + common) ** 2 / spread) if spread else k - 1.0
    tail = (1 - LEVEL) / 2
    half = t_isf(tail, df) * math.sqrt(seed + common)
    half = max(half, t_isf(tail, k - 1) * math.sqrt(seed))  # never narrower than over seeds alone
    mean = layout.mean
    method = "Student t over seeds and test images, Satterthwaite"
    return common, Interval(mean - half, mean + half, LEVEL, method)


def _share(images: float, total: float, *, df: float) -> Interval | None:
    """Returns the interval of the images' share, from that of the total variance.

    The images' part is an average over all images and is known well; the total rests on few seeds,
    by the chi-squared distribution. Nothing beyond the whole is possible.
    """
    if not images and not total:
        return None
    if not total:
        return Interval(1.0, 1.0, LEVEL, _CHI_SQUARED)
    tails = ((1 + LEVEL) / 2, (1 - LEVEL) / 2)
    low, high = (min(1.0, images / total * chi2_isf(tail, df) / df) for tail in tails)
    return Interval(low, high, LEVEL, _CHI_SQUARED)


_CHI_SQUARED = "chi-squared of the variance over seeds"


def _pooled(layouts: Sequence[_Layout | None]) -> VarianceParts | None:
    """Returns the sums over several contrasts; ``None`` if any is not known.

    Contrasts of the same seeds depend on each other: the degrees of freedom of the sum are
    (tr C)² / tr C² times those of one, with C their covariance over seeds. Where some lack seeds,
    they are those of one contrast, the least that is possible.
    """
    known = [layout for layout in layouts if layout]
    if not known or len(known) < len(layouts) or len({layout.shared for layout in known}) > 1:
        return None
    k = min(len(layout.seeds) for layout in known)
    total = sum(float(layout.means.var(ddof=1)) for layout in known)
    images = sum(layout.images for layout in known)
    df = k - 1.0
    if total and len({layout.seeds for layout in known}) == 1:
        covariance = np.atleast_2d(np.cov([layout.means for layout in known]))
        df *= total**2 / float((covariance**2).sum())
    share = _share(images, total, df=df)
    if share is None:
        return None
    fewest = min(layout.n_images for layout in known)
    return VarianceParts(total, images, share, k, fewest, known[0].shared)


def images_held_out(records: Iterable[RunRecord]) -> int | None:
    """Returns how many images are held out from training, of test and validation together.

    Where networks are validated on the test images, and on all of them, these are all there are.
    ``None`` where a record has no validation images, or where only some of them are test images.
    """
    sizes = [_both_parts(record) for record in records]
    known = [size for size in sizes if size is not None]
    return min(known) if known and len(known) == len(sizes) else None


def _both_parts(record: RunRecord) -> int | None:
    parts = {part.split: part for part in record.predictions}
    test, validation = parts.get(SPLIT), parts.get(_VALIDATION)
    seen = {metric.name: metric.value for metric in record.metrics}.get(TEST_IN_ANY_VALIDATION)
    if test is None:
        return None
    if validation is None or same_images(test, validation):
        return len(test.labels) if seen == 1 else None
    return None if seen else len(test.labels) + len(validation.labels)
