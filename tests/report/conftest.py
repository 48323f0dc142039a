"""Findings made by hand: a crossed study with an interaction, and odd ones around it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ablations.core.design import Arm, Factor, Level
from ablations.core.estimates import Interval
from ablations.core.findings import ArmFinding, Comparison, Findings, ReproducedClaim, Reproduction
from ablations.core.metrics import FULL_FIT_SECONDS, MetricInfo, Unit
from ablations.core.record import Exhibit, Metric, RunRecord, Table
from ablations.core.study import Chapter, Claim, Gate, PublishedRun, Study, Trial
from ablations.plan.designs import Wanted, lay_out

ACCURACY = MetricInfo("test_accuracy", "fraction", "higher")
FIT = MetricInfo("fit_seconds", "seconds", "lower")
SPEED = MetricInfo("images_per_second", "per second", "higher")
MEMORY = MetricInfo("peak_memory_bytes", "bytes", "lower")

FACTORS: dict[str, dict[str, Mapping[str, object]]] = {
    "augmentation": {"off": {}, "on": {"augment": ["flip", "rotation:0.3"]}},
    "preprocessing": {"off": {"scale": "none"}, "on": {"scale": "-1..1"}},
    "initialization": {"scratch": {}, "transfer": {"base": "MobileNetV2", "freeze": True}},
}
GAINS = {"augmentation": 0.05, "preprocessing": 0.06, "initialization": 0.30}


@pytest.fixture(scope="session", autouse=True)
def _quick(figures_drawn_once: None) -> None:
    """Draws equal charts once."""


def png() -> bytes:
    """A small picture, as an exhibit carries it."""
    stream = io.BytesIO()
    shades = np.add.outer(np.arange(48), np.arange(96)).astype(np.uint8)
    Image.fromarray(shades).save(stream, "PNG")
    return stream.getvalue()


LABELS = Table(("split", "cats", "dogs"), (("training", 1000, 1000), ("test", 96, 96)))
SHOWN = (
    Exhibit("labels", "Images per class", "study", "Balanced by construction.", LABELS),
    Exhibit("grid", "Training images", "study", image_png=png(), alt="A grid of images"),
)
DATA = "cats-vs-dogs-2f1d0c"
ENVIRONMENT = {
    "python": "3.11.9",
    "keras": "3.15.0",
    "tensorflow": "2.21.0",
    "backend": "tensorflow",
    "device": "cpu",
    "cpu": "AMD EPYC 7B13, 2 cores",
    "commit": "9befd5e",
}


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
    question: str = "Do augmentation, preprocessing and transfer each help?"
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


def _truth(recipe: Recipe, study: Study, arm: Arm) -> float:
    moved = {f: arm.level(f) != study.baseline.level(f) for f in recipe.factors}
    total = 0.58 + sum(recipe.gains.get(f, 0.02) for f, on in moved.items() if on)
    first_and_last = [next(iter(recipe.factors)), list(recipe.factors)[-1]]
    if len(recipe.factors) > 1 and all(moved[f] for f in first_and_last):
        total += recipe.interaction
    for factor in study.factors:
        total += 0.01 * [level.name for level in factor.levels].index(arm.level(factor.name))
    return total


def _epochs(final: float, rng: np.random.Generator) -> tuple[Mapping[str, float], ...]:
    epochs = np.arange(1, 13)
    rise = 0.5 + (final - 0.5) * (1 - np.exp(-epochs / 3))
    series = {
        "loss": 0.7 * np.exp(-epochs / 6) + 0.02 * rng.random(12),
        "accuracy": np.minimum(1, rise + 0.004 * epochs / 2 + 0.005 * rng.standard_normal(12)),
        "val_loss": 0.75 * np.exp(-epochs / 8) + 0.02 * rng.random(12),
        "val_accuracy": rise + 0.008 * rng.standard_normal(12),
    }
    return tuple(
        {name: float(values[i]) for name, values in series.items()} for i in range(len(epochs))
    )


def _steps(quantiles: NDArray[np.float64], heavy: float, n: int) -> list[tuple[NDArray, ...]]:
    """The steps of each seed: a first epoch that warms up, and eleven of 63 with these quantiles."""
    size = 63 * 11 * n
    pooled = np.interp(np.arange(size), np.linspace(0, size - 1, 101), quantiles)
    first = np.array([1.9 * heavy, 0.5 * heavy])
    return [(first, *np.split(pooled[i::n], 11)) for i in range(n)]


def _records(recipe: Recipe, study: Study, arm: Arm, rng: np.random.Generator) -> list[RunRecord]:
    n, truth = len(recipe.seeds), _truth(recipe, study, arm)
    block = 0.01 * np.sin(np.asarray(recipe.seeds) + 1.0)
    values = truth + block + recipe.noise * rng.standard_normal(n)
    heavy = 3.0 if "transfer" in arm.name else 1.0
    cost = 20.0 * heavy + (8 if "augmentation=on" in arm.name else 0) + rng.random(n)
    steps = np.sort(0.004 * heavy * (1 + 0.1 * rng.gamma(2.0, 1.0, 101)))
    memory = 6e8 * heavy + 1e6 * rng.random(n)
    table = Table(
        ("layer", "shape", "parameters"), (("conv2d", "158×158×16", 448), ("dense", "2", None))
    )
    by_seed = zip(recipe.seeds, values, cost, memory, _steps(steps, heavy, n), strict=True)
    return [
        _record(
            _trial(study, arm, seed),
            metrics=(
                _metric(recipe.metric, value),
                _metric(FIT, fit),
                _metric(SPEED, 2000 * 12 / fit),
                _metric(MEMORY, peak),
            ),
            epochs=_epochs(value, rng),
            steps=taken,
            exhibits=(*SHOWN, Exhibit("layers", "Layers of the model", table=table)),
        )
        for seed, value, fit, peak, taken in by_seed
    ]


def _metric(info: MetricInfo, value: float) -> Metric:
    return Metric(info.name, float(value), info.unit, info.better)


def _record(trial: Trial, **contents: Any) -> RunRecord:
    return RunRecord(
        key=trial.key,
        study=trial.study,
        entry=trial.entry,
        arm=trial.arm,
        seed=trial.seed,
        settings=trial.settings,
        data=trial.data,
        status="completed",
        started_at="2026-11-20T14:02:22+00:00",
        seconds=60.0,
        environment=ENVIRONMENT,
        **contents,
    )


def analyzed(study: Study, records: Sequence[RunRecord]) -> Findings:
    """What a study's records say."""
    # Imported late, so that collecting other tests does not wait for pandas and SciPy.
    from ablations.analyze.analysis import analyze

    return analyze(study, records, planned=planned(study))


def planned(study: Study) -> list[Trial]:
    """All trials, arm by arm."""
    return [_trial(study, arm, seed) for arm in study.arms for seed in study.seeds]


def _trial(study: Study, arm: Arm, seed: int) -> Trial:
    named = {"arm": arm.name}  # levels of some made-up studies have no settings
    settings = study.arm_settings(arm)
    return Trial(study.slug, study.entry, arm, seed, settings, DATA, identity=named)


def short(found: Findings) -> Findings:
    """Leaves out what the tests of its own section put in, so that a page is short to review."""
    from ablations.analyze.describe.averages import with_averages

    bare = replace(found, target=None, plans=(), simple_effects=(), shares=())
    gates = tuple(replace(gate, training=None) for gate in found.gates)
    return with_averages(replace(bare, arms=tuple(map(_short, found.arms)), gates=gates))


def _short(arm: ArmFinding) -> ArmFinding:
    summaries = {name: one for name, one in arm.summaries.items() if name != FULL_FIT_SECONDS}
    return replace(arm, summaries=summaries, target_time=None, training=None)


def made(recipe: Recipe) -> tuple[Study, list[RunRecord]]:
    """A study and the records of all its trials."""
    study, rng = _study(recipe), np.random.default_rng(7)
    return study, [record for arm in study.arms for record in _records(recipe, study, arm, rng)]


def make_findings(recipe: Recipe | None = None) -> Findings:
    """A whole crossed study; the arm that is best by validation is named by hand."""
    study, records = made(recipe or Recipe())
    found = short(analyzed(study, records))
    return replace(found, best=study.arms[-1], best_by="val_accuracy")


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
def nothing() -> Findings:
    """The same study before any trial has run."""
    study, _ = made(Recipe())
    return replace(short(analyzed(study, ())), effects=(), gates=())


@pytest.fixture(scope="session")
def failed() -> Findings:
    """The same study with one arm that has no record but two failures, and a missing trial."""
    study, records = made(Recipe())
    lost = [record for record in records if record.arm == study.arms[3]]
    bare = {"status": "failed", "metrics": (), "epochs": (), "steps": (), "exhibits": ()}
    found = analyzed(
        study,
        [
            *(record for record in records if record.arm != study.arms[3]),
            replace(lost[0], reason="diverged", message="epoch 2: 'loss' is not finite", **bare),
            replace(lost[1], reason="raised", message="ValueError: <b>bold</b>", **bare),
        ],
    )
    return replace(short(found), effects=(), best=study.arms[-1], best_by="val_accuracy")


MODELS = {f"model{i}": {"width": i} for i in (1, 2, 3, 4)}
GAPS = {
    "model1": (0.33, 0.35, 0.31),
    "model2": (0.01, 0.02, 0.00),
    "model3": (0.03, 0.09, 0.06),
    "model4": (-0.04, -0.03, -0.05),
}
"""Training minus validation accuracy by seed: overfits, does not, cannot be told, below zero."""


def _extra(record: RunRecord) -> RunRecord:
    """Adds what an image study records of a trial besides accuracy and time."""
    model, place = record.arm.level("model"), record.seed
    frozen = 2_257_984 if model == "model4" else 0
    numbers: dict[str, tuple[Unit, float]] = {
        "overfit_gap": ("fraction", GAPS[model][place]),
        "majority_accuracy": ("fraction", 0.5),
        "val_accuracy": ("fraction", (0.60, 0.62, 0.61)[place]),
        "best_val_accuracy": ("fraction", (0.64, 0.66, 0.65)[place]),
        "test_in_any_validation": ("fraction", (0.95, 0.96, 0.97)[place]),
        "held_out_accuracy": ("fraction", (0.63, 0.64, 0.62)[place]),
        "parameters": ("count", 2562 + frozen),
        "trainable_parameters": ("count", 2562),
    }
    added = (Metric(name, value, unit, "higher") for name, (unit, value) in numbers.items())
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
    own = (replace(e, sample=bool(e.image_png)) for e in record.exhibits)
    exhibits = (*own, *(shown if model == "model3" else ()))
    return replace(record, metrics=(*record.metrics, *added), exhibits=exhibits)


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
    study, records = made(recipe)
    titles = ("First model", "Data augmentation", "Data preprocessing", "Transfer learning")
    chapters = (Chapter(title, {"model": m}) for title, m in zip(titles, MODELS, strict=True))
    told = replace(study, chapters=tuple(chapters))
    found = short(analyzed(told, list(map(_extra, records))))
    return replace(
        found,
        best=study.arms[-1],
        best_by="best_val_accuracy",
        reproductions=tuple(map(_reproduction, found.arms)),
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
