from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from PIL import Image

from ablations.vision.images import decode, resize


@given(
    image=stn.arrays(np.uint8, stn.array_shapes(min_dims=3, max_dims=3, max_side=9)),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_resizing_stays_within_the_range_and_commutes_with_flips(image, size):
    small = resize(image, size)
    assert small.shape == (*size, image.shape[2])
    assert small.min() >= image.min()
    assert small.max() <= image.max()
    flipped = resize(image[:, ::-1], size)[:, ::-1].astype(int)
    assert np.abs(flipped - small.astype(int)).max() <= 1


def test_resizing_to_the_same_size_changes_nothing():
    image = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
    assert resize(image, (5, 4)) is image


def test_a_broken_file_is_named_with_the_reason(tmp_path):
    (tmp_path / "notes.jpg").write_text("no image")
    with pytest.raises(ValueError, match=r"cannot identify image file 'notes.jpg'"):
        decode(tmp_path / "notes.jpg")


def read_by_keras(folder):
    import keras

    images, _ = next(
        iter(
            keras.utils.image_dataset_from_directory(
                folder, image_size=(160, 160), batch_size=20, shuffle=False, verbose=False
            )
        )
    )
    return np.asarray(images)


@pytest.mark.slow
def test_resizing_is_that_of_keras(shapes):
    files = sorted((shapes / "dark").iterdir())
    ours = np.stack([resize(decode(file), (160, 160)) for file in files])
    assert np.abs(ours - read_by_keras(shapes)).max() < 0.51  # rounded to whole grey levels


@pytest.mark.slow
def test_photographs_are_those_that_keras_reads(photographs):
    files = sorted((photographs / "validation" / "cats").glob("*.jpg"))[:20]
    ours = np.stack([resize(decode(file), (160, 160)) for file in files])
    apart = np.abs(ours - read_by_keras(photographs / "validation"))
    # TensorFlow unpacks JPEG with a faster, less exact cosine transform than Pillow.
    assert apart.max() < 5
    assert apart.mean() < 1.2


def test_sixteen_bits_keep_their_grey_levels(tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((2, 2), 30000, dtype=np.uint16)).save(path)
    assert decode(path).tolist() == [[[117] * 3] * 2] * 2


def test_pixels_without_a_known_range_are_refused(tmp_path):
    path = tmp_path / "float.tiff"
    Image.fromarray(np.full((2, 2), 0.5, dtype=np.float32)).save(path)
    with pytest.raises(ValueError, match="pixels of mode F have no known range"):
        decode(path)
