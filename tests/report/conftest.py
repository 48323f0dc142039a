"""Findings made by hand: a crossed study with an interaction, and odd ones around it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from ablations.analyze.describe.averages import with_averages
from ablations.core.estimates import (
    Change,
    Curve,
    Effect,
    Interval,
    MetricInfo,
    Summary,
    Timing,
    Verdict,
)
from ablations.core.findings import (
    ArmFinding,
    Comparison,
    Failure,
    Findings,
    GateFinding,
    GateStatus,
    ReproducedClaim,
    Reproduction,
)
from ablations.core.metrics import Unit
from ablations.core.record import Exhibit, Table
from ablations.core.study import (
    Arm,
    Chapter,
    Claim,
    Factor,
    Gate,
    Level,
    PublishedRun,
    Study,
)
from ablations.plan.designs import Wanted, lay_out

ACCURACY = MetricInfo("test_accuracy", "fraction", "higher")
FIT = MetricInfo("fit_seconds", "seconds", "lower")
SPEED = MetricInfo("images_per_second", "per second", "higher")
MEMORY = MetricInfo("peak_memory_bytes", "bytes", "lower")
UNITS: dict[str, Unit] = {"test_accuracy": "fraction", "fit_seconds": "seconds"}

FACTORS: dict[str, dict[str, Mapping[str, object]]] = {
    "augmentation": {"off": {}, "on": {"augment": ["flip", "rotation:0.3"]}},
    "preprocessing": {"off": {"scale": "none"}, "on": {"scale": "-1..1"}},
    "initialization": {"scratch": {}, "transfer": {"base": "MobileNetV2", "freeze": True}},
}
GAINS = {"augmentation": 0.05, "preprocessing": 0.06, "initialization": 0.30}


@dataclass
class Recipe:
    """What the made-up study looks like; each test changes what it is about."""

    factors: Mapping[str, Mapping[str, Mapping[str, object]]] = field(
        default_factory=lambda: FACTORS
    )
    gains: Mapping[str, float] = field(default_factory=lambda: GAINS)
    interaction: float = -0.08
    seeds: Sequence[int] = (0, 1, 2)
    title: str = "Cats or dogs: what did each step buy?"
    question: str = "Do augmentation, preprocessing and transfer each earn their keep?"
    slug: str = "cats-or-dogs"
    metric: MetricInfo = ACCURACY
    noise: float = 0.006
    margin: float = 0.0


def _study(recipe: Recipe) -> Study:
    factors = tuple(
        Factor(name, tuple(Level(level, dict(settings)) for level, settings in levels.items()))
        for name, levels in recipe.factors.items()
    )
    last = factors[-1]
    gate = Gate(recipe.metric.name, where={last.name: last.levels[-1].name}, at_least=0.9)
    return Study(
        slug=recipe.slug,
        title=recipe.title,
        question=recipe.question,
        entry="ablations.vision:train",
        settings={"dataset": "cats-vs-dogs", "epochs": 12, "optimizer": "adam", "dropout": None},
        factors=factors,
        design=lay_out(Wanted("full-factorial", factors)),
        seeds=tuple(recipe.seeds),
        gates=(gate,),
        metric=recipe.metric.name,
        smallest_effect_that_matters=recipe.margin,
    )


def t_interval(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """Student-t interval of a mean, or None below two values."""
    if len(values) < 2:
        return None
    half = stats.t.ppf(0.5 + level / 2, len(values) - 1) * stats.sem(values)
    mean = float(np.mean(values))
    return Interval(mean - float(half), mean + float(half), level, "Student t over seeds")


def summary(metric: MetricInfo, seeds: Sequence[int], values: Sequence[float]) -> Summary:
    """Summary of one metric over seeds."""
    known = bool(len(values))
    return Summary(
        metric=metric,
        values=tuple(zip(seeds, map(float, values), strict=True)),
        mean=float(np.mean(values)) if known else None,
        sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        median=float(np.median(values)) if known else None,
        minimum=float(np.min(values)) if known else None,
        maximum=float(np.max(values)) if known else None,
        interval=t_interval(values),
    )


def _truth(recipe: Recipe, study: Study, arm: Arm) -> float:
    moved = {f: arm.level(f) != study.baseline.level(f) for f in recipe.factors}
    total = 0.58 + sum(recipe.gains.get(f, 0.02) for f, on in moved.items() if on)
    first_and_last = [next(iter(recipe.factors)), list(recipe.factors)[-1]]
    if len(recipe.factors) > 1 and all(moved[f] for f in first_and_last):
        total += recipe.interaction
    for factor in study.factors:
        total += 0.01 * [level.name for level in factor.levels].index(arm.level(factor.name))
    return total


def _curves(seed: int, final: float, rng: np.random.Generator) -> list[Curve]:
    epochs = np.arange(1, 13)
    rise = 0.5 + (final - 0.5) * (1 - np.exp(-epochs / 3))
    series = {
        "loss": 0.7 * np.exp(-epochs / 6) + 0.02 * rng.random(12),
        "accuracy": np.minimum(1, rise + 0.004 * epochs / 2 + 0.005 * rng.standard_normal(12)),
        "val_loss": 0.75 * np.exp(-epochs / 8) + 0.02 * rng.random(12),
        "val_accuracy": rise + 0.008 * rng.standard_normal(12),
    }
    return [Curve(seed, name, tuple(map(float, values))) for name, values in series.items()]


def png() -> bytes:
    """A small picture, as an exhibit carries it."""
    stream = io.BytesIO()
    shades = np.add.outer(np.arange(48), np.arange(96)).astype(np.uint8)
    Image.fromarray(shades).save(stream, "PNG")
    return stream.getvalue()


def _arm(recipe: Recipe, study: Study, arm: Arm, rng: np.random.Generator) -> ArmFinding:
    n, truth = len(recipe.seeds), _truth(recipe, study, arm)
    block = 0.01 * np.sin(np.asarray(recipe.seeds) + 1.0)
    values = truth + block + recipe.noise * rng.standard_normal(n)
    heavy = 3.0 if "transfer" in arm.name else 1.0
    cost = 20.0 * heavy + (8 if "augmentation=on" in arm.name else 0) + rng.random(n)
    steps = np.sort(0.004 * heavy * (1 + 0.1 * rng.gamma(2.0, 1.0, 101)))
    table = Table(
        ("layer", "shape", "parameters"), (("conv2d", "158×158×16", 448), ("dense", "2", None))
    )
    return ArmFinding(
        arm=arm,
        is_reference=arm == study.reference,
        settings=study.arm_settings(arm),
        n_planned=n,
        n_completed=n,
        n_failed=0,
        summaries={
            recipe.metric.name: summary(recipe.metric, recipe.seeds, values),
            "fit_seconds": summary(FIT, recipe.seeds, cost),
            "images_per_second": summary(SPEED, recipe.seeds, 2000 * 12 / cost),
            "peak_memory_bytes": summary(MEMORY, recipe.seeds, 6e8 * heavy + 1e6 * rng.random(n)),
        },
        timing=Timing(
            n_steps=63 * 11 * n,
            median_step_seconds=float(steps[50]),
            p95_step_seconds=float(steps[95]),
            quantiles=tuple(map(float, steps)),
            warmup_first_step_seconds=1.9 * heavy,
            warmup_epoch_seconds=2.4 * heavy,
        ),
        curves=tuple(
            c for s, v in zip(recipe.seeds, values, strict=True) for c in _curves(s, v, rng)
        ),
        exhibits=(Exhibit("layers", "Layers of the model", table=table),),
    )


def contrast(
    kind: str, changes: Sequence[Change], weights: Mapping[Arm, float], found: Mapping[Arm, Summary]
) -> Effect:
    """A paired contrast over the seeds that all its arms share; Holm comes later."""
    arms = [arm for arm, weight in weights.items() if weight]
    seeds = sorted(set.intersection(*({s for s, _ in found[arm].values} for arm in arms)))
    by_seed = {arm: dict(found[arm].values) for arm in arms}
    values = [sum(weights[arm] * by_seed[arm][seed] for arm in arms) for seed in seeds]
    p = float(stats.ttest_1samp(values, 0).pvalue) if len(values) > 1 else None
    return Effect(
        kind=kind,  # type: ignore[arg-type]  # tests give the three kinds only
        changes=tuple(changes),
        weights=tuple(weights.items()),
        metric=found[arms[0]].metric,
        per_seed=tuple(zip(seeds, values, strict=True)),
        estimate=float(np.mean(values)) if values else None,
        sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        interval=t_interval(values),
        p=p,
        p_adjusted=None,
        adjusted=None,
        family_size=0,
        verdict="inconclusive",
    )


def _verdict(low: float, high: float, metric: MetricInfo, margin: float) -> Verdict:
    sign = -1 if metric.better == "lower" else 1
    near, far = sorted((sign * low, sign * high))
    if near > margin:
        return "improved"
    if far < -margin:
        return "regressed"
    return "equivalent" if -margin < near and far < margin else "inconclusive"


def holm(effects: Sequence[Effect], margin: float = 0.0) -> tuple[Effect, ...]:
    """Adjusts the effects over their family."""
    m, held, level, done = len(effects), 0.0, 0.95, {}
    for k, effect in enumerate(sorted(effects, key=lambda e: 1.0 if e.p is None else e.p)):
        if effect.p is None:
            done[id(effect)] = replace(effect, family_size=m)
            continue
        held = max(held, min(1.0, effect.p * (m - k)))
        level = 1 - 0.05 / (m - k) if k == 0 or held < 0.05 else level
        bounds = t_interval([value for _, value in effect.per_seed], level)
        assert bounds is not None
        word = _verdict(bounds.low, bounds.high, effect.metric, margin)
        done[id(effect)] = replace(
            effect, p_adjusted=held, adjusted=bounds, family_size=m, verdict=word
        )
    return tuple(done[id(effect)] for effect in effects)


def _effects(study: Study, arms: Sequence[ArmFinding], margin: float) -> tuple[Effect, ...]:
    found = {a.arm: a.summaries[study.metric] for a in arms}
    changes = [
        Change(f.name, study.baseline.level(f.name), level.name)
        for f in study.factors
        for level in f.levels
        if level.name != study.baseline.level(f.name)
    ]

    def sign(arm: Arm, change: Change) -> float:
        return {change.level: 1.0, change.baseline: -1.0}.get(arm.level(change.factor), 0.0)

    def scaled(moved: Sequence[Change]) -> dict[Arm, float]:
        raw = {arm: float(np.prod([sign(arm, c) for c in moved])) for arm in found}
        cells = sum(weight > 0 for weight in raw.values()) / 2 ** (len(moved) - 1)
        return {arm: weight / cells for arm, weight in raw.items()}

    mains = [contrast("main", [c], scaled([c]), found) for c in changes]
    pairs = [
        contrast("interaction", pair, scaled(pair), found)
        for pair in combinations(changes, 2)
        if pair[0].factor != pair[1].factor
    ]
    return holm([*mains, *pairs], margin)


def _status(found: Summary) -> GateStatus:
    if found.interval is None:
        return "inconclusive"
    if found.interval.low >= 0.9:
        return "passed"
    return "failed" if found.interval.high < 0.9 else "inconclusive"


def _difference(study: Study, arm: Arm, found: Mapping[Arm, Summary]) -> Effect:
    moved = [
        Change(f, study.reference.level(f), level)
        for f, level in arm.levels
        if level != study.reference.level(f)
    ]
    return contrast("arm", moved, {arm: 1.0, study.reference: -1.0}, found)


def make_findings(recipe: Recipe | None = None) -> Findings:
    """A whole crossed study."""
    recipe = recipe or Recipe()
    study, rng = _study(recipe), np.random.default_rng(7)
    arms = tuple(_arm(recipe, study, arm, rng) for arm in study.arms)
    found = {a.arm: a.summaries[study.metric] for a in arms}
    arms = tuple(
        replace(a, difference=None if a.is_reference else _difference(study, a.arm, found))
        for a in arms
    )
    total = len(arms) * len(recipe.seeds)
    gates = tuple(
        GateFinding(gate, a.arm, recipe.metric, s, s.interval and s.interval.low, _status(s))
        for gate in study.gates
        for a in arms
        if a.arm.matches(gate.where)
        for s in [a.summaries[recipe.metric.name]]
    )
    labels = Table(("split", "cats", "dogs"), (("training", 1000, 1000), ("test", 96, 96)))
    environment = {
        "python": "3.11.9",
        "keras": "3.15.0",
        "tensorflow": "2.21.0",
        "backend": "tensorflow",
        "device": "cpu",
        "cpu": "AMD EPYC 7B13, 2 cores",
        "commit": "9befd5e",
    }
    found = Findings(
        study=study,
        metric=recipe.metric,
        metrics=(recipe.metric, FIT, SPEED, MEMORY),
        arms=arms,
        effects=_effects(study, arms, recipe.margin),
        gates=gates,
        failures=(),
        n_planned=total,
        n_completed=total,
        n_failed=0,
        best=study.arms[-1],
        best_by="val_accuracy",
        exhibits=(
            Exhibit("labels", "Images per class", "study", "Balanced by construction.", labels),
            Exhibit("grid", "Training images", "study", image_png=png(), alt="A grid of images"),
        ),
        environments=((environment, total),),
        data=("cats-vs-dogs-2f1d0c",),
        finished_at="2026-11-20T14:03:22+00:00",
    )
    return with_averages(found)


Make = Callable[..., Findings]


@pytest.fixture(scope="session")
def findings() -> Findings:
    """2 × 2 × 2 arms, three seeds, one interaction."""
    return make_findings()


@pytest.fixture(scope="session")
def make() -> Make:
    """Builds findings of a changed recipe: ``make(seeds=(0,))``."""

    def build(**changes: Any) -> Findings:
        return make_findings(replace(Recipe(), **changes))

    return build


@pytest.fixture(scope="session")
def nothing(findings: Findings) -> Findings:
    """The same study before any trial has run."""
    empty = {"n_completed": 0, "summaries": {}, "timing": None, "difference": None}
    arms = tuple(replace(arm, curves=(), exhibits=(), **empty) for arm in findings.arms)
    found = replace(
        findings,
        arms=arms,
        effects=(),
        gates=(),
        n_completed=0,
        best=None,
        best_by=None,
        exhibits=(),
        environments=(),
        data=(),
        finished_at=None,
    )
    return with_averages(found)


@pytest.fixture(scope="session")
def failed(findings: Findings) -> Findings:
    """The same study with one arm that has no record but two failures, and a missing trial."""
    lost = findings.arms[3]
    empty = replace(
        lost, n_completed=0, n_failed=2, summaries={}, timing=None, curves=(), exhibits=()
    )
    found = replace(
        findings,
        arms=(*findings.arms[:3], replace(empty, difference=None), *findings.arms[4:]),
        effects=(),
        failures=(
            Failure(lost.arm, 0, "diverged", "epoch 2: 'loss' is not finite"),
            Failure(lost.arm, 1, "raised", "ValueError: <b>bold</b>"),
        ),
        n_completed=21,
        n_failed=2,
    )
    return with_averages(found)


MODELS = {f"model{i}": {"width": i} for i in (1, 2, 3, 4)}
GAPS = {
    "model1": (0.33, 0.35, 0.31),
    "model2": (0.01, 0.02, 0.00),
    "model3": (0.03, 0.09, 0.06),
    "model4": (-0.04, -0.03, -0.05),
}
"""Training minus validation accuracy by seed: overfits, does not, cannot be told, below zero."""


def _extra(finding: ArmFinding) -> ArmFinding:
    """Adds what an image study reports of an arm besides accuracy and time."""
    model = finding.arm.level("model")
    seeds = [seed for seed, _ in finding.summaries["test_accuracy"].values]
    frozen = 2_257_984 if model == "model4" else 0
    numbers: dict[str, tuple[Unit, Sequence[float]]] = {
        "overfit_gap": ("fraction", GAPS[model]),
        "majority_accuracy": ("fraction", (0.5, 0.5, 0.5)),
        "val_accuracy": ("fraction", (0.60, 0.62, 0.61)),
        "best_val_accuracy": ("fraction", (0.64, 0.66, 0.65)),
        "test_in_any_validation": ("fraction", (0.95, 0.96, 0.97)),
        "held_out_accuracy": ("fraction", (0.63, 0.64, 0.62)),
        "parameters": ("count", (2562 + frozen,) * 3),
        "trainable_parameters": ("count", (2562,) * 3),
    }
    added = {
        name: summary(MetricInfo(name, unit, "higher"), seeds, values[: len(seeds)])
        for name, (unit, values) in numbers.items()
    }
    bins = tuple(
        (series, a * scale, (a + 0.5) * scale, 0.5)
        for series, scale in (("before", 255.0), ("after", 1.0))
        for a in (0.0, 0.5)
    )
    table = Table(("series", "from", "to", "share"), bins)
    shown = (
        Exhibit("augmented copies", "Augmented", image_png=png(), alt="Copies", sample=True),
        Exhibit("pixels", "Pixel values", caption="By the eye.", table=table, chart="histogram"),
    )
    exhibits = (*finding.exhibits, *shown) if model == "model3" else finding.exhibits
    return replace(finding, summaries={**finding.summaries, **added}, exhibits=exhibits)


def _published(model: str, top: float) -> PublishedRun:
    values = tuple(np.linspace(top - 0.1, top, 20).tolist())
    return PublishedRun("a-post.txt", {"model": model}, {"val_accuracy": values}, (0.07,), 0.61)


def _reproduction(finding: ArmFinding) -> Reproduction:
    model = finding.arm.level("model")
    run = _published(model, 0.9 if model == "model3" else 0.65)
    ours = finding.summaries["best_val_accuracy"]
    around = Interval(0.6, 0.7, 0.95, "Student t, for one new run") if ours.interval else None
    top = run.epochs["val_accuracy"][-1]
    inside = around and around.low <= top <= around.high
    compared = Comparison(ours.metric, top, ours, around, inside)
    return Reproduction(finding.arm, run, (top - 0.1, top), (0.55, 0.66), (compared,), 0.07, 0.05)


def make_post(seeds: Sequence[int] = (0, 1, 2)) -> Findings:
    """A study told in chapters: four models, one of them published outside of ours."""
    recipe = Recipe(factors={"model": MODELS}, gains={"model": 0.07}, seeds=seeds, slug="post")
    found = make_findings(recipe)
    arms = tuple(map(_extra, found.arms))
    titles = ("First model", "Data augmentation", "Data preprocessing", "Transfer learning")
    chapters = (Chapter(title, {"model": m}) for title, m in zip(titles, MODELS, strict=True))
    return replace(
        found,
        study=replace(found.study, chapters=tuple(chapters)),
        arms=arms,
        best_by="best_val_accuracy",
        reproductions=tuple(map(_reproduction, arms)),
        exhibits=tuple(replace(e, sample=bool(e.image_png)) for e in found.exhibits),
    )


@pytest.fixture(scope="session")
def post() -> Findings:
    """Four chapters, three seeds."""
    return make_post()


@pytest.fixture(scope="session")
def post_once() -> Findings:
    """Four chapters, one seed."""
    return make_post(seeds=(0,))


@pytest.fixture(scope="session")
def claimed(findings: Findings) -> Findings:
    """The crossed study, with a published gain for each of its factors."""
    gains = {"augmentation": 0.24, "preprocessing": 0.002, "initialization": -0.2}
    mains = [effect for effect in findings.effects if effect.kind == "main"]
    survivals = []
    for effect in mains:
        change, gain = effect.changes[0], gains[effect.changes[0].factor]
        runs = _published("before", 0.6), _published("after", 0.6 + gain)
        survivals.append(ReproducedClaim(Claim(change.factor, change.level, *runs), gain, effect))
    return replace(findings, reproduced_claims=tuple(survivals))
