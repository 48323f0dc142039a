from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ablations.core.trial_log import TrialLog
from ablations.vision import describe

pytestmark = pytest.mark.slow  # makes Keras layers for real


@pytest.fixture
def exhibits(trial, digits):
    """Describes a study of digits with other settings; returns its exhibits by name."""

    def make(settings, seed=0):
        log = TrialLog()
        describe(trial(digits | settings, seed), log)
        return {exhibit.name: exhibit for exhibit in log.contents().exhibits}

    return make


def opened(exhibit):
    return np.asarray(Image.open(BytesIO(exhibit.image_png)).convert("RGBA"))


def test_an_arm_that_changes_nothing_shows_samples_alone(exhibits):
    shown = exhibits({})
    assert list(shown) == ["samples"]
    samples = shown["samples"]
    assert (samples.scope, samples.sample) == ("study", True)
    assert samples.alt == (
        "Grid of training images with one row for each class, from the top: 5, 6, 7, 8, 9."
    )
    # Five rows of four images of 8 x 8 pixels, each enlarged twelvefold, and the gaps.
    assert opened(samples).shape == (5 * 96 + 4 * 4, 4 * 96 + 3 * 4, 4)


def test_samples_are_training_images_of_the_row_s_class(exhibits, digits):
    from ablations.vision.data import datasets, splits
    from ablations.vision.recipe.settings import read

    recipe = read(digits)
    examples = datasets.load(recipe, None)
    split = splits.draw(recipe, splits.Pool(len(examples.labels)), seed=0)
    shown = opened(exhibits({})["samples"])[..., 0]
    for label in range(5):
        known = examples.images[split.train[examples.labels[split.train] == label]][..., 0]
        for column in range(4):
            top, left = label * 100, column * 100
            image = shown[top : top + 96 : 12, left : left + 96 : 12]
            assert (np.abs(known.astype(int) - image).max(axis=(1, 2)) == 0).any()


def test_arms_of_a_seed_show_the_same_samples(exhibits):
    plain = exhibits({})["samples"]
    assert exhibits({"augment": ["flip"], "scale": "0..1"})["samples"] == plain
    assert exhibits({}, seed=1)["samples"] != plain


def test_copies_are_shown_one_row_an_augmentation(exhibits):
    augment = ["flip:horizontal", "rotation:0..0.25"]
    copies = exhibits({"augment": augment}, seed=1)["augmented-copies"]
    assert (copies.scope, copies.sample) == ("arm", True)
    assert copies.alt == (
        "A training image and 5 augmented copies beside it, from the top: "
        "RandomFlip(mode=horizontal); RandomRotation(factor=0..0.25)."
    )
    shown = opened(copies)[..., 0]
    assert shown.shape == (2 * 96 + 4, 6 * 96 + 5 * 4)
    original, *flips = (shown[:96, left : left + 96] for left in range(0, 600, 100))
    flipped = [np.array_equal(cell, original[:, ::-1]) for cell in flips]
    kept = [np.array_equal(cell, original) for cell in flips]
    assert [a or b for a, b in zip(flipped, kept, strict=True)] == [True] * 5
    assert any(flipped)
    np.testing.assert_array_equal(shown[100:196, :96], original)
    assert not np.array_equal(shown[100:196, 100:196], original)


@pytest.mark.parametrize("first", ["rescale:-1..1", "rescale:0..1"])
def test_copies_of_rescaled_images_are_shown_in_grey_levels(exhibits, first):
    body = ["flatten", "dense:5"]
    plain = exhibits({"layers": ["flip", *body]})["augmented-copies"]
    rescaled = exhibits({"layers": [first, "flip", *body]})["augmented-copies"]
    assert rescaled.image_png == plain.image_png
    by_setting = exhibits({"scale": "standardise", "layers": ["flip", *body]})
    assert by_setting["augmented-copies"].image_png == plain.image_png


def test_copies_are_those_that_the_model_s_own_layers_make(exhibits, digits, trial):
    from ablations.vision.data import datasets, splits
    from ablations.vision.model.build import build
    from ablations.vision.model.layers import Streams
    from ablations.vision.recipe.settings import read

    settings = digits | {
        "layers": ["rescale:0..1", "RandomInvert:0.5,value_range=0..1", "flatten", "dense:5"]
    }
    recipe, one = read(settings), trial(settings)
    examples = datasets.load(recipe, None)
    split = splits.draw(recipe, splits.Pool(len(examples.labels)), seed=0)
    purposes = ("initialization", "augmentation", "dropout")
    streams = Streams(*(one.rng(purpose) for purpose in purposes))
    model = build(recipe, examples.images, classes=examples.classes, streams=streams).model
    original = examples.images[one.rng("order").permutation(np.sort(split.train))[0]]
    wanted = [
        np.rint(
            np.asarray(model.layers[2](original[None] / np.float32(255), training=True))[0] * 255
        )
        for _ in range(5)
    ]
    shown = opened(exhibits(settings)["augmented-copies"])[..., 0]
    for column, copy in enumerate(wanted, start=1):
        cell = shown[0:96:12, column * 100 : column * 100 + 96 : 12]
        np.testing.assert_allclose(cell, copy[..., 0], atol=1)


@pytest.mark.parametrize(
    ("settings", "low", "high"),
    [
        ({"scale": "0..1"}, 0, 1),
        ({"scale": "-1..1", "augment": ["flip"]}, -1, 1),
        ({"layers": ["flip", "rescale:-1..1", "flatten", "dense:5"]}, -1, 1),
    ],
)
def test_pixel_values_keep_their_shares_when_rescaled(exhibits, settings, low, high):
    histogram = exhibits(settings)["pixel-histogram"]
    assert (histogram.scope, histogram.sample, histogram.chart) == ("arm", False, "histogram")
    table = histogram.table
    assert table.columns == ("series", "from", "to", "share")
    series = {
        name: np.array([row[1:] for row in table.rows if row[0] == name])
        for name in ("before", "after")
    }
    assert [len(bins) for bins in series.values()] == [32, 32]
    np.testing.assert_allclose(series["before"][[0, -1], [0, 1]], [0, 255])
    np.testing.assert_allclose(series["after"][[0, -1], [0, 1]], [low, high], atol=1e-6)
    np.testing.assert_allclose(series["before"][:, 2], series["after"][:, 2])
    assert series["before"][:, 2].sum() == pytest.approx(1)


def test_standardised_values_spread_around_zero(exhibits):
    table = exhibits({"scale": "standardise"})["pixel-histogram"].table
    after = np.array([row[1:] for row in table.rows if row[0] == "after"])
    centres, shares = after[:, :2].mean(axis=1), after[:, 2]
    assert shares.sum() == pytest.approx(1)
    assert abs(centres @ shares) < 0.05
    assert (centres**2 @ shares) == pytest.approx(1, abs=0.1)


def test_layers_behind_the_first_weights_are_not_shown(exhibits):
    layers = ["conv:4", "rescale:0..1", "flip", "flatten", "dense:5"]
    assert list(exhibits({"layers": layers})) == ["samples"]
    assert list(exhibits({"base": ["conv:4"], "layers": layers[1:]})) == ["samples"]


def test_photographs_fit_into_300_kilobytes(trial, photographs):
    settings = {
        "dataset": "cats-vs-dogs",
        "layers": ["rescale:-1..1", "flip", "rotation:0.2", "zoom:0.2", "flatten", "dense:2"],
    }
    log = TrialLog()
    describe(trial(settings, data_dir=str(photographs)), log)
    pictures = [e.image_png for e in log.contents().exhibits if e.image_png]
    assert [20_000 < len(picture) < 300_000 for picture in pictures] == [True, True]
