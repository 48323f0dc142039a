from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ablations.vision.exhibits.image_grid import GAP_PIXELS, grid_png


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def opened(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGBA"))


def test_small_images_are_enlarged_pixel_by_pixel():
    image = np.array([[0, 255], [128, 64]], dtype=np.uint8)[..., None]
    shown = opened(grid_png([[image]]))
    assert shown.shape == (96, 96, 4)
    wanted = image[..., 0].repeat(48, axis=0).repeat(48, axis=1)
    for channel in range(3):
        np.testing.assert_array_equal(shown[..., channel], wanted)
    assert (shown[..., 3] == 255).all()


def test_photographs_keep_their_size_and_nearly_their_colours():
    steps = np.linspace(0, 255, 160)
    plane = np.broadcast_to(steps[:, None], (160, 160))
    image = np.stack([plane, plane.T, np.full_like(plane, 90)], axis=-1).astype(np.uint8)
    shown = opened(grid_png([[image] * 4, [image] * 4]))
    assert shown.shape == (2 * 160 + GAP_PIXELS, 4 * 160 + 3 * GAP_PIXELS, 4)
    difference = shown[:160, :160, :3].astype(int) - image
    assert np.abs(difference).mean() < 10


def test_gaps_and_open_places_are_transparent():
    shown = opened(grid_png([[noise(96, 96, 3)] * 2, [noise(96, 96, 3)]]))
    opacity = shown[..., 3]
    assert (opacity[:96, :96] == 255).all()
    assert (opacity[:96, 96 : 96 + GAP_PIXELS] == 0).all()
    assert (opacity[96 : 96 + GAP_PIXELS] == 0).all()
    assert (opacity[96 + GAP_PIXELS :, 96:] == 0).all()


def test_equal_images_give_equal_bytes():
    rows = [[noise(50, 40, 3), noise(50, 40, 3)]]
    assert grid_png(rows) == grid_png(rows)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 6),
    height=st.integers(1, 400),
    width=st.integers(1, 400),
)
def test_no_grid_takes_more_than_300_kilobytes(rows, columns, height, width):
    assert len(grid_png([[noise(height, width, 3)] * columns] * rows)) < 300_000


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_coloured_images_are_shown_alike(channels):
    grey = np.full((8, 8, channels), 77, dtype=np.uint8)
    assert (opened(grid_png([[grey]]))[..., :3] == 77).all()
