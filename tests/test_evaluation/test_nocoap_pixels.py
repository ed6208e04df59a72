"""Boxes with fractions, as of images that were resized, and pixels."""

import numpy as np

from fdep_mm.evaluation import mnocoap, noco_map
from fdep_mm.evaluation.functional import record_detections


def test_a_pixel_that_a_box_touches_is_inside():
    image = np.zeros((24, 24))
    image[12, 10] = 200
    box = [10.4, 10.4, 16.4, 14.4]
    noco = noco_map(image, [box])
    found = [[10, 12, 1]]
    scores = mnocoap([found], [noco], [[box]], 'pixel_center')
    assert scores['mNoCoAP'] == 1
    thin = [10.6, 12, 10.9, 13]
    scores = mnocoap(
        [[[*thin, 1]]], [noco_map(image, [thin])], [[thin]], 'pixel_center'
    )
    assert scores['mNoCoAP'] == 1


def test_touched_pixels_are_those_of_the_box_rounded_outwards():
    rng = np.random.default_rng(0)
    noco = np.zeros((20, 20))
    pixels = np.array([(x, y, 1) for x in range(20) for y in range(20)])
    for _ in range(100):
        box = np.sort(rng.uniform(0, 20, (2, 2)), axis=0)
        outer = np.vstack([np.floor(box[0]), np.ceil(box[1])])
        one, two = (
            record_detections(pixels, noco, b.reshape(1, 4), 'pixel_center')
            for b in (box, outer)
        )
        assert (one.target == two.target).all() and (one.target == 0).any()
