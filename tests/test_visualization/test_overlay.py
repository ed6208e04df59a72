"""Colors are where hits, misses and false alarms are."""

import numpy as np
import pytest

from fdep_mm.core.image import to_display
from fdep_mm.visualization import draw_overlay
from fdep_mm.visualization.overlay import (
    DETECTION,
    FALSE_ALARM,
    GRAY,
    HIT,
    MISS,
    ZOOMS,
)

SIDE, SCALE = 64, 4  # min_side 256


def scene():
    """A hit at (10, 10), a miss at (40, 12), a false alarm at (30, 50)."""
    image = np.random.default_rng(0).integers(40, 90, (SIDE, SIDE), np.uint8)
    mask, pred = np.zeros((2, SIDE, SIDE), bool)
    mask[10:13, 10:13] = pred[10:13, 11:14] = True
    mask[40:42, 12:14] = True
    pred[30:33, 50:53] = True
    return image, pred, mask


def places(picture, color):
    """Pixels of a color, in the main view: (row, col) in image px."""
    main = picture[: SIDE * SCALE, : SIDE * SCALE]
    return np.argwhere((main == color).all(-1)) / SCALE


def test_each_color_is_near_its_kind_and_nowhere_else():
    picture = draw_overlay(*scene(), min_side=256)
    for color, center in (
        (HIT, (11.5, 11.5)),
        (MISS, (41, 13)),
        (FALSE_ALARM, (31.5, 51.5)),
    ):
        found = places(picture, color)
        assert len(found) > 20
        distance = np.hypot(*(found - center).T)
        assert distance.max() < 8
        np.testing.assert_allclose(found.mean(0), center, atol=0.5)


def test_targets_themselves_are_not_painted_over():
    image, pred, mask = scene()
    picture = draw_overlay(image, pred, mask, min_side=256)
    gray = to_display(image)
    inner = picture[: SIDE * SCALE, : SIDE * SCALE][
        40 * SCALE + 1 : 42 * SCALE - 1, 12 * SCALE + 1 : 14 * SCALE - 1
    ]
    expected = gray[40:42, 12:14].repeat(SCALE, 0).repeat(SCALE, 1)[1:-1, 1:-1]
    np.testing.assert_array_equal(inner, np.stack([expected] * 3, axis=-1))


def test_nothing_to_mark_leaves_the_image():
    image, _, _ = scene()
    none = np.zeros((SIDE, SIDE), bool)
    picture = draw_overlay(image, none, none, min_side=256)
    for color in (HIT, MISS, FALSE_ALARM, DETECTION):
        assert not len(places(picture, color))


def test_size_is_enlarged_image_zooms_and_legend():
    picture = draw_overlay(*scene(), min_side=256)
    side = SIDE * SCALE
    assert picture.shape == (side + 36, side + side // ZOOMS, 3)
    assert picture.dtype == np.uint8
    plain = draw_overlay(*scene(), min_side=256, legend=False)
    np.testing.assert_array_equal(plain, picture[:side])
    # legend and close-ups carry all colors
    for part in (picture[side:], picture[:side, side:]):
        for color in (HIT, MISS, FALSE_ALARM):
            assert (part == color).all(-1).any()


def test_close_ups_outline_the_detection_that_hit():
    picture = draw_overlay(*scene(), min_side=256)
    zooms = picture[: SIDE * SCALE, SIDE * SCALE :]
    near = np.abs(zooms.astype(int) - DETECTION).max(-1) < 60
    assert near.any()


def test_radius_decides_what_a_hit_is():
    image, pred, mask = scene()
    picture = draw_overlay(image, pred, mask, radius=0.9, min_side=256)
    assert not len(places(picture, HIT))


@pytest.mark.parametrize('shape', [(8, 40), (40, 8), (300, 20)])
def test_odd_sizes_and_targets_at_the_border(shape):
    image = np.zeros(shape, np.uint8)
    mask, pred = np.zeros((2, *shape), bool)
    mask[0, 0] = mask[-1, -1] = pred[0, -1] = True
    picture = draw_overlay(image, pred, mask, min_side=120)
    height = shape[0] * -(-120 // min(shape))
    assert picture.shape[0] == height + 36
    for color in (MISS, FALSE_ALARM):
        assert (picture[:height] == color).all(-1).any()


def test_sizes_that_differ():
    image, pred, mask = scene()
    with pytest.raises(ValueError, match=r'\(60, 64\).*resize the image'):
        draw_overlay(image[:60], pred, mask)


@pytest.mark.parametrize(
    'image',
    [
        np.array([[0, 65535], [32768, 0]], np.uint16),
        np.array([[-3.0, 5.0], [1.0, -3.0]]),
        np.array([[[7] * 4, [9] * 4], [[8] * 4, [7] * 4]], np.uint8),
    ],
)
def test_any_range_is_stretched_to_8_bit_gray(image):
    shown = to_display(image)
    assert shown.dtype == np.uint8 and shown.shape == (2, 2)
    assert shown.tolist() == [[0, 255], [127, 0]]


def test_a_constant_image_is_black():
    assert to_display(np.full((3, 3), 8, np.uint8)).max() == 0


def many_targets(num):
    """A row of `num` targets, all missed, each with a brightness."""
    image, mask = np.zeros((2, 64, 16 * num), np.uint8)
    for i in range(num):
        mask[30:32, 16 * i + 6 : 16 * i + 8] = 1
    image[mask > 0] = 200
    return image, np.zeros(mask.shape, bool), mask > 0


def close_ups(picture, height, width):
    """Number of tiles with a colored frame beside the image."""
    tile = height // ZOOMS
    zooms = picture[:height, width:]
    corners = zooms[::tile, ::tile][:ZOOMS]
    return int((corners == MISS).all(-1).sum())


@pytest.mark.parametrize('num', [1, 3, 4, 7])
def test_every_target_has_a_close_up(num):
    image, pred, mask = many_targets(num)
    picture = draw_overlay(image, pred, mask, min_side=64)
    scale = -(-64 // min(mask.shape))
    height, width = 64 * scale, 16 * num * scale
    assert close_ups(picture, height, width) == num
    assert picture.shape[1] == width + -(-num // ZOOMS) * (height // ZOOMS)


def test_close_ups_end_at_a_number_and_the_rest_is_counted():
    image, pred, mask = many_targets(9)
    full = draw_overlay(image, pred, mask, min_side=96, max_zooms=9)
    some = draw_overlay(image, pred, mask, min_side=96, max_zooms=4)
    width = 2 * 16 * 9
    assert close_ups(full, 128, width) == 9
    assert close_ups(some, 128, width) == 4
    # one more entry in the legend: '5 without close-up'
    assert (some[128:] == GRAY).all(-1).any()
    assert not (full[128:] == GRAY).all(-1).any()


def test_a_close_up_has_a_contrast_of_its_own():
    image = np.full((64, 64), 10, np.uint8)
    image[0, 0] = 255
    image[40, 40] = 12  # invisible beside 255
    mask = image == 12
    picture = draw_overlay(image, mask, mask, min_side=256)
    zooms = picture[:256, 256:]
    assert (zooms > 200).all(-1).any()
    assert not (picture[:256, :256] == 255).all(-1)[100:].any()


def test_a_picture_too_small_to_see():
    with pytest.raises(ValueError, match='min_side must be at least 64'):
        draw_overlay(*scene(), min_side=10)
