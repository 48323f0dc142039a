"""What the posts' own code does to their test images, shown with the libraries that they use."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ablations.vision.data.splits import Pool, buffered_shuffle, draw
from ablations.vision.recipe.settings import Recipe

pytestmark = pytest.mark.slow  # starts TensorFlow

IMAGES, BATCH, HEAD, BUFFER, PASSES = 1000, 32, 192, 256, 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A thousand images of one pixel, whose colour is the number of the image."""
    root = tmp_path_factory.mktemp("validation")
    for number in range(IMAGES):
        name = ("cats", "dogs")[number % 2]
        (root / name).mkdir(exist_ok=True)
        pixel = Image.new("RGB", (1, 1), (number // 256, number % 256, 0))
        pixel.save(root / name / f"{number:03}.png")
    return root


@pytest.fixture(scope="module")
def published(folder):
    """The posts' lines, word for word but for the folder and a seed; the order of the files."""
    import tensorflow as tf
    from keras import utils

    validation_dataset = utils.image_dataset_from_directory(
        folder, shuffle=True, batch_size=BATCH, image_size=(1, 1), seed=5, verbose=False
    )
    listed = [int(path.rpartition("/")[2][:3]) for path in validation_dataset.file_paths]
    val_batches = tf.data.experimental.cardinality(validation_dataset)
    test_dataset = validation_dataset.take(val_batches // 5)
    validation_dataset = validation_dataset.skip(val_batches // 5)
    return test_dataset, validation_dataset, listed


@pytest.fixture(scope="module")
def passes(published):
    """The images that each of several passes tests on and validates on, as their numbers."""
    test, validation, _ = published
    return [(numbers(test), numbers(validation)) for _ in range(PASSES)]


def numbers(dataset):
    colours = np.concatenate([images.numpy()[:, 0, 0] for images, _ in dataset])
    return (colours[:, 0] * 256 + colours[:, 1]).astype(int)


def near(ours, theirs):
    """Whether two means differ by less than four standard errors."""
    error = np.sqrt(np.var(ours, ddof=1) / len(ours) + np.var(theirs, ddof=1) / len(theirs))
    return abs(np.mean(ours) - np.mean(theirs)) < 4 * error


def test_unseen_test_images_are_validation_images_too(passes):
    for test, validation in passes:
        assert (len(set(test)), len(set(validation))) == (HEAD, IMAGES - HEAD)
        assert np.isin(test, validation).sum() > HEAD / 3
    first = passes[0][0]
    assert set(passes[1][0]) != set(first)
    assert np.isin(first, np.concatenate([validation for _, validation in passes])).all()


def test_our_split_overlaps_as_much_as_theirs(passes):
    theirs = [np.isin(test, validation).sum() for test, validation in passes]
    recipe = Recipe("cats-vs-dogs", split="as-published", epochs=1)
    splits = [draw(recipe, Pool(3000, IMAGES), seed=seed) for seed in range(60)]
    ours = [np.isin(split.test, split.last_validation).sum() for split in splits]
    assert near(ours, theirs)
    assert 0.5 < np.std(ours) / np.std(theirs) < 2


def test_our_shuffle_draws_from_the_same_part_of_the_list_as_theirs(published, passes):
    places = np.argsort(published[2])
    theirs = np.array([places[test] for test, _ in passes])
    recipe, rng = Recipe("cats-vs-dogs", split="as-published"), np.random.default_rng(0)
    ours = np.array([buffered_shuffle(np.arange(IMAGES), recipe, rng)[:HEAD] for _ in range(60)])
    # Each draw looks no further than the buffer, which moves on by one image a draw.
    steps = np.arange(HEAD)
    assert (theirs < steps + BUFFER).all()
    assert (ours < steps + BUFFER).all()
    for limit in (BUFFER // 2, BUFFER, BUFFER + HEAD // 2):
        assert near((ours < limit).mean(axis=1), (theirs < limit).mean(axis=1))
    assert near(ours.mean(axis=1), theirs.mean(axis=1))
