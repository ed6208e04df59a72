"""Many small random cases for NoCo, mNoCoAP and Pd/Fa of boxes."""

import math

import numpy as np
import pytest
from fuzz_strategies import fuzz, pairs
from hypothesis import assume, given
from hypothesis import strategies as st
from naive_evaluation import flood_components, naive_box_counts
from nocoap_loop import run_loop

from fdep_mm.core.boxes import mask_boxes
from fdep_mm.core.components import mask_components
from fdep_mm.evaluation import mnocoap, noco_map
from fdep_mm.evaluation.functional import (
    CENTROID_MODES,
    count_boxes,
    prob_points,
)

SIDES = st.integers(1, 12)


def naive_map(image, boxes):
    """Pixel by pixel, from the definition."""
    height, width = image.shape
    result = np.zeros(image.shape)
    for x1, y1, x2, y2 in boxes:
        w, h = x2 - x1, y2 - y1
        u = np.linspace(-1.5, 1.5, 3 * w)
        v = np.linspace(-1.5, 1.5, 3 * h)
        window = [
            (y, x)
            for y in range(max(0, y1 - h), min(height, y2 + h))
            for x in range(max(0, x1 - w), min(width, x2 + w))
        ]
        low = min(float(image[p]) for p in window)
        high = max(
            float(image[y, x]) for y in range(y1, y2) for x in range(x1, x2)
        )
        values = {}
        for y, x in window:
            distance = np.hypot(u[x - x1 + w], v[y - y1 + h])
            contrast = (image[y, x] - low) / (high - low + 0.01)
            values[y, x] = np.exp(-(distance**2) / 2) * contrast
        bottom, top = min(values.values()), max(values.values())
        for place, value in values.items():
            result[place] = (value - bottom) / (top - bottom + 0.001)
    return result


@st.composite
def scenes(draw):
    """A gray image and boxes inside it."""
    height, width = draw(SIDES), draw(SIDES)
    pixels = draw(st.binary(min_size=height * width, max_size=height * width))
    image = np.frombuffer(pixels, np.uint8).reshape(height, width)
    boxes = []
    for _ in range(draw(st.integers(0, 3))):
        x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height))
        y1 = min(y1, height - 1)
        x2 = draw(st.integers(x1 + 1, width))
        y2 = draw(st.integers(y1 + 1, height))
        boxes.append((x1, y1, x2, y2))
    return image, np.array(boxes).reshape(-1, 4)


@st.composite
def detected(draw):
    """Scenes with NoCo map, true boxes and detections of few scores."""
    image, boxes = draw(scenes())
    place = st.integers(-4, 28).map(lambda n: n / 2)
    rows = [
        (x, y, x + draw(st.integers(1, 8)) / 2, y + 1.5, score / 8)
        for x, y, score in draw(
            st.lists(st.tuples(place, place, st.integers(0, 4)), max_size=5)
        )
    ]
    # those of the truth are among them, or most were misses
    rows += [(*box, 0.5) for box in boxes[: draw(st.integers(0, 3))].tolist()]
    found = np.array(rows, float).reshape(-1, 5)
    return found, noco_map(image, boxes), boxes


@fuzz(500)
@given(scenes())
def test_noco_equals_the_definition(scene):
    image, boxes = scene
    found = noco_map(image, boxes)
    expected = naive_map(image.astype(float), boxes.tolist())
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found.dtype == np.float64
    assert found.min() >= 0 and found.max() < 1
    brighter = noco_map(image.astype(float) + 1000, boxes)
    np.testing.assert_allclose(brighter, found, atol=1e-9)
    flipped = noco_map(
        image[:, ::-1],
        np.column_stack(
            [
                image.shape[1] - boxes[:, 2],
                boxes[:, 1],
                image.shape[1] - boxes[:, 0],
                boxes[:, 3],
            ]
        ),
    )
    np.testing.assert_allclose(flipped[:, ::-1], found, atol=1e-12)
    most = noco_map(image, boxes, 'max')
    single = [noco_map(image, box[None]) for box in boxes]
    np.testing.assert_array_equal(
        most, np.max([np.zeros(image.shape), *single], axis=0)
    )


@fuzz(600)
@given(st.lists(detected(), min_size=1, max_size=2))
def test_mnocoap_equals_a_loop(images):
    found, maps, boxes = map(list, zip(*images, strict=True))
    assume(any(map(len, boxes)))
    expected = run_loop(found, (maps, boxes))
    scores = mnocoap(found, maps, boxes)
    assert scores.keys() == expected.keys()
    for key, value in expected.items():
        assert math.isclose(scores[key], value, abs_tol=1e-12), key


@fuzz(300)
@given(
    st.lists(detected(), min_size=1, max_size=3),
    st.permutations(range(3)),
    st.sampled_from(CENTROID_MODES),
)
def test_bounds_order_and_monotony(images, order, mode):
    found, maps, boxes = map(list, zip(*images, strict=True))
    assume(any(map(len, boxes)))
    # without ties the order cannot matter
    rank = iter(range(1000))
    for rows in found:
        rows[:, 4] += [next(rank) / 10000 for _ in rows]
    scores = mnocoap(found, maps, boxes, mode)
    values = list(scores.values())[1:]
    assert all(0 <= value <= 1 for value in values)
    # a stricter threshold never gives more
    assert (np.diff(values) <= 1e-12).all()
    order = [i for i in order if i < len(found)]
    shuffled = [[side[i] for i in order] for side in (found, maps, boxes)]
    again = mnocoap(*shuffled, mode)
    assert again == pytest.approx(scores, abs=1e-12)
    # a worst false alarm costs nothing, a best one may
    for score, sign in ((-1, 0), (2, -1)):
        more = [np.vstack([r, (-9, -9, -8, -8, score)]) for r in found]
        worse = mnocoap(more, maps, boxes, mode)
        for key, value in worse.items():
            change = value - scores[key]
            assert abs(change) < 1e-12 if sign == 0 else change < 1e-12


@fuzz(500)
@given(pairs(st.integers(1, 10)), st.data())
def test_boxes_of_detectors_are_counted_pixel_by_pixel(image, data):
    mask, shape = image[1], image[1].shape
    corner = st.integers(-4, 22).map(lambda n: n / 2 + 0.25)
    size = st.integers(0, 8).map(lambda n: n / 2)
    boxes = np.array(
        [
            (x, y, x + w, y + h)
            for x, y, w, h in data.draw(
                st.lists(st.tuples(corner, corner, size, size), max_size=4)
            )
        ]
    ).reshape(-1, 4)
    ours = count_boxes(boxes, mask_components(mask), shape, radius=2.5)
    assert ours.tolist() == naive_box_counts(boxes.tolist(), mask, 2.5)


@fuzz(400)
@given(pairs(st.integers(1, 10)), st.sampled_from([4, 8]))
def test_one_point_and_one_box_for_each_region(image, connectivity):
    prob, mask = image
    regions = flood_components(prob > np.float32(0.5), connectivity)
    points = prob_points(prob, 0.5, connectivity)
    assert len(points) == len(regions)
    for (x, y, score), region in zip(points, regions, strict=True):
        rows, cols = zip(*region, strict=True)
        inside = np.s_[min(rows) : max(rows) + 1, min(cols) : max(cols) + 1]
        assert score == prob[inside].max() == prob[int(y), int(x)]
    boxes = mask_boxes(mask, connectivity)
    expected = []
    for region in flood_components(mask, connectivity):
        rows, cols = zip(*region, strict=True)
        expected.append([min(cols), min(rows), max(cols) + 1, max(rows) + 1])
    assert boxes.tolist() == expected
