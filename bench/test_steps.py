"""One training step and one inference step of each arm of the quickstart, at its real shapes."""

from __future__ import annotations

import numpy as np
import pytest

from ablations.core.study import Trial
from ablations.plan import load_study, plan_trials
from ablations.vision.platform.backend import use_backend
from ablations.vision.recipe.settings import read

TRIALS = {trial.arm.name: trial for trial in plan_trials(load_study("quickstart", seeds=1))}


@pytest.fixture(params=sorted(TRIALS))
def trial(request: pytest.FixtureRequest) -> Trial:
    return TRIALS[request.param]


@pytest.fixture
def ready(trial: Trial):
    """A compiled model and one batch of the arm's own images."""
    recipe = read(trial.settings)
    use_backend(recipe.backend)
    from ablations.vision.data import datasets
    from ablations.vision.model.build import build
    from ablations.vision.model.layers import Streams
    from ablations.vision.model.outputs import read_outputs
    from ablations.vision.training.loop import compile_model

    examples = datasets.load(recipe, trial.data_dir)
    streams = Streams(*map(trial.rng, ("initialization", "augmentation", "dropout")))
    model = build(recipe, examples.images, classes=examples.classes, streams=streams).model
    outputs = read_outputs(model, recipe, len(examples.classes))
    compile_model(model, recipe, outputs)
    images = examples.images[: recipe.batch_size].astype(np.float32)
    return model, images, outputs.targets(examples.labels[: recipe.batch_size])


@pytest.mark.benchmark(group="training step")
def test_training_step(benchmark, ready):
    model, images, targets = ready
    benchmark.extra_info["images"] = len(images)
    loss = benchmark.pedantic(
        model.train_on_batch, args=(images, targets), rounds=50, warmup_rounds=5
    )
    assert np.isfinite(loss).all()


@pytest.mark.benchmark(group="inference step")
def test_inference_step(benchmark, ready):
    model, images, _ = ready
    benchmark.extra_info["images"] = len(images)
    said = benchmark.pedantic(model.predict_on_batch, args=(images,), rounds=50, warmup_rounds=5)
    assert len(said) == len(images)
