"""The five posts' studies: each model as its post prints it, planned, described and trained."""

from __future__ import annotations

import os
import runpy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ablations.core.record import Exhibit, Predictions, RunRecord, Table, known_metric
from ablations.core.trial_log import TrialLog
from ablations.plan import load_study, plan_trials

ROOT = Path(__file__).parents[1]
POSTS = [f"post-{letter}" for letter in "abcde"]
CLEAN = [f"{post}-clean" for post in POSTS]

DATA = Path(os.environ.get("ABLATIONS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
WEIGHTS = DATA / "weights" / "mobilenet_v2_1.0_imagenet_no_top.h5"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """A cache folder apart from the user's."""
    monkeypatch.setenv("ABLATIONS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """Sixty of the real photographs, which then pass for the whole data set."""
    from ablations.vision.data import datasets, download
    from ablations.vision.platform import cache

    source, root = DATA / "cats_and_dogs_filtered", tmp_path / "cats_and_dogs_filtered"
    if not source.is_dir():
        pytest.skip("no photographs: set ABLATIONS_TEST_DATA to their folder")
    for part, count in (("train", 10), ("validation", 20)):
        for name in ("cats", "dogs"):
            (root / part / name).mkdir(parents=True)
            for file in sorted((source / part / name).iterdir())[:count]:
                (root / part / name / file.name).symlink_to(file)
    files = download.image_files(datasets.CATS_VS_DOGS, root)
    sample = replace(datasets.CATS_VS_DOGS, sha256=cache.content_digest(root, files))
    monkeypatch.setattr(datasets, "CATS_VS_DOGS", sample)
    return root


@pytest.mark.parametrize("name", POSTS)
def test_a_post_plans_its_four_models(name):
    study = load_study(name)
    trials = plan_trials(study)
    assert [arm.name for arm in study.arms] == [f"model=model{i}" for i in (1, 2, 3, 4)]
    assert len({trial.key for trial in trials}) == len(trials) == 4 * 5
    published = {"split": "as-published", "image_size": 160, "batch_size": 32, "epochs": 20}
    assert published.items() <= dict(study.settings).items()


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_study_crosses_three_factors_over_one_backbone(name):
    study, post = load_study(name), load_study(name.removesuffix("-clean"))
    trials = plan_trials(study)
    assert len({trial.key for trial in trials}) == len(trials) == 6 * 5
    assert all(
        ("preprocessing" in dict(arm.levels)) == (arm.level("initialization") == "scratch")
        for arm in study.arms
    )
    of_post = {arm.name: post.arm_settings(arm)["layers"] for arm in post.arms}
    bodies = {
        level.name: level.settings["layers"] for level in study.factor("initialization").levels
    }
    assert bodies["scratch"] == without_input_steps(of_post["model=model3"])
    assert bodies["transfer"] == without_input_steps(of_post["model=model4"])


def without_input_steps(layers):
    """A model's layers without what the other two factors, and the base, bring in."""
    return [
        layer
        for layer in layers
        if layer.partition(":")[0] not in {"rescale", "flip", "rotation", "base"}
    ]


def built(name, model):
    """Builds a model of a post, with a base that is not pretrained: its shapes are the same."""
    from ablations.vision.model.build import build
    from ablations.vision.model.layers import Streams
    from ablations.vision.recipe.settings import read

    study = load_study(name, overrides=["weights=none"])
    arm = next(arm for arm in study.arms if arm.level("model") == model)
    streams = Streams(*(np.random.default_rng(i) for i in range(3)))
    images = np.zeros((1, 160, 160, 3), dtype=np.uint8)
    recipe = read(study.arm_settings(arm))
    return build(recipe, images, classes=("cats", "dogs"), streams=streams).model


@cache
def layer_rows(name, model):
    from ablations.vision.exhibits.tables import layer_table

    return layer_table(built(name, model)).table.rows


@pytest.mark.slow  # builds Keras models for real
@pytest.mark.parametrize("name", POSTS)
def test_layers_are_those_of_the_post(name, snapshot):
    lines = []
    for model in ("model1", "model2", "model3", "model4"):
        rows = layer_rows(name, model)
        lines.append(f"{name} {model}")
        lines += [f"  {layer}, {shape}, {count}, {own}" for layer, shape, count, own in rows]
    assert "\n".join(lines) == snapshot


@pytest.mark.slow  # builds Keras models for real
@pytest.mark.parametrize(
    ("name", "model", "parameters", "trainable"),
    [
        ("post-c", "model1", 72_210, 72_210),
        ("post-c", "model3", 1_641_362, 1_641_362),
        ("post-a", "model4", 2_260_546, 2_562),
    ],
)
def test_parameters_are_those_that_the_post_prints(name, model, parameters, trainable):
    rows = layer_rows(name, model)
    assert sum(row[2] for row in rows) == parameters
    assert sum(row[3] for row in rows) == trainable


def shown_and_trained(study, arm, folder):
    """Describes and trains an arm's first trial."""
    from ablations.vision import describe, train

    trial = next(t for t in plan_trials(study, data_dir=folder) if t.arm == arm and t.seed == 0)
    shown, trained = TrialLog(), TrialLog()
    describe(trial, shown)
    train(trial, trained)
    return {exhibit.name for exhibit in shown.contents().exhibits}, trained.contents()


def checked(found, *, predicted):
    """Makes sure that one epoch was trained, validated and tested."""
    metrics = {metric.name: metric.value for metric in found.metrics}
    assert [sorted(epoch) for epoch in found.epochs] == [
        ["accuracy", "loss", "val_accuracy", "val_loss"]
    ]
    shapes = {p.split: p.probabilities.shape[0] for p in found.predictions}
    assert shapes == predicted
    assert 0 <= metrics["test_accuracy"] <= 1
    return metrics


# Eight images a step make the five batches of held-out images that the posts' split needs.
SMALL = ["epochs=1", "batch_size=8"]
AUGMENTED, RESCALED = "augmented-copies", "pixel-histogram"


@pytest.mark.slow  # trains Keras for real
@pytest.mark.parametrize("name", POSTS)
def test_a_post_trains_for_an_epoch(name, photographs):
    study = load_study(name, overrides=[*SMALL, "weights=none"])
    for arm in study.arms:
        shown, found = shown_and_trained(study, arm, photographs)
        model = arm.level("model")
        assert (AUGMENTED in shown) == (model != "model1")
        assert (RESCALED in shown) == (model in {"model3", "model4"} or name == "post-e")
        metrics = checked(found, predicted={"test": 8, "validation": 32})
        assert 0 < metrics["test_in_any_validation"] <= 1


@pytest.mark.slow  # trains Keras for real
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_study_trains_for_an_epoch(name, photographs):
    study = load_study(name, overrides=[*SMALL, "test_size=8"])
    for level in ("off", "on"):
        shown, found = shown_and_trained(study, clean_arm(study, level, "scratch"), photographs)
        assert (AUGMENTED in shown) == (level == "on")
        assert (RESCALED in shown) == (level == "on" or name == "post-e-clean")
        assert checked(found, predicted={"test": 8})["test_in_any_validation"] == 1.0


def clean_arm(study, level, initialization):
    levels = {"augmentation": level, "preprocessing": level, "initialization": initialization}
    return study.arm_at(levels)


@pytest.mark.slow  # trains Keras for real
def test_a_pretrained_base_separates_cats_from_dogs_after_a_few_epochs(photographs):
    if not WEIGHTS.is_file():
        pytest.skip("no weights: set ABLATIONS_TEST_DATA to their folder")
    overrides = ["epochs=4", "batch_size=8", "test_size=8", f"weights={WEIGHTS}"]
    study = load_study("post-c-clean", overrides=overrides)
    _, found = shown_and_trained(study, clean_arm(study, "on", "transfer"), photographs)
    assert max(epoch["val_accuracy"] for epoch in found.epochs) > 0.8


@pytest.mark.parametrize("name", [*CLEAN, "cats-vs-dogs", "fine-tuning", "precision"])
def test_where_validation_decides_nothing_all_held_out_images_are_test_images(name):
    from ablations.vision.data.splits import Pool, draw
    from ablations.vision.recipe.settings import read

    study = load_study(name)
    for arm in study.arms:
        split = draw(read(study.arm_settings(arm)), Pool(3000, 1000), seed=0)
        assert np.array_equal(split.test, np.arange(2000, 3000))


@pytest.mark.parametrize("name", [*CLEAN, "fine-tuning"])
def test_committed_records_count_the_images_that_their_networks_were_tested_on(name):
    from ablations.records.readers.jsonl import read_jsonl

    records = read_jsonl(ROOT / "reports" / "posts" / "records" / f"{name}.jsonl")
    record = next(iter(records))
    (tested,) = (len(own.labels) for own in record.predictions if own.split == "test")
    (counts,) = (own.table.rows for own in record.exhibits if own.name == "label-counts")
    assert tested == sum(row[-1] for row in counts) == 1000


def test_a_trained_network_is_scored_on_all_that_was_held_out():
    from ablations.vision.data.splits import draw
    from ablations.vision.recipe.settings import read

    rescore = runpy.run_path(str(ROOT / "bench" / "rescore.py"))
    planned = plan_trials(load_study("post-a-clean"))[0]
    settings = {name: v for name, v in planned.settings.items() if name != "validation_size"}
    split = draw(read(settings), rescore["POOL"], seed=planned.seed)
    answers = np.eye(2, dtype=np.float32)[[0, 1] * 500]
    labels = np.repeat([0, 1], 500)

    def part(name, rows):
        return Predictions(name, labels[rows - 2000], answers[rows - 2000], "as drawn")

    counts = Table(("class", "training", "validation", "test"), (("cats", 1000, 414, 86),))
    trained = RunRecord(
        "earlier", "post-a-clean", "ablations.vision:train", planned.arm, planned.seed, settings,
        "data", "completed", "2026-01-01T00:00:00+00:00", 1.0,
        metrics=(known_metric("test_accuracy", 0.1), known_metric("fit_seconds", 9.0)),
        predictions=(part("validation", split.validation), part("test", split.test)),
        exhibits=(Exhibit("label-counts", "Images per class", table=counts),),
    )  # fmt: skip
    identity = rescore["identity"]
    found = rescore["rescored"](trained, {(identity(planned.settings), planned.seed): planned})
    assert found.key == planned.key
    (own,) = found.predictions
    assert np.array_equal(own.labels, labels)
    assert np.array_equal(own.probabilities, answers)
    values = {metric.name: metric.value for metric in found.metrics}
    assert values["test_accuracy"] == 0.5
    assert values["fit_seconds"] == 9.0
    assert values["test_in_any_validation"] == 0.808
    assert found.exhibits[0].table.rows == (("cats", 1000, 414, 500),)
    assert "recorded predictions" in found.environment["scored"]
