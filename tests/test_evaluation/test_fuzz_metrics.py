"""Many small random cases for IoU, Pd, Fa, F1 and HSE."""

import math
import warnings
from unittest import mock

import numpy as np
from fuzz_strategies import (
    THRESHOLDS,
    TOLERANCES,
    fuzz,
    pairs,
    sets,
)
from hypothesis import given
from hypothesis import strategies as st
from naive_evaluation import (
    flood_components,
    most_hits,
    naive_curves,
    naive_hse,
)

from fdep_mm.core import components
from fdep_mm.core.components import mask_components
from fdep_mm.core.matching import match_masks
from fdep_mm.evaluation import evaluate_curves, evaluate_masks
from fdep_mm.evaluation.functional import (
    EvalProtocol,
    count_image,
    reduce_records,
    unpack,
)

MATCHES = st.sampled_from(['greedy', 'hungarian'])
CONNECTIVITIES = st.sampled_from([4, 8])
# Gaps between images laid side by side: no match reaches across.
GAP = 7


def quietly(function, *args, **options):
    """Without the warning that there is no target."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)
        return function(*args, **options)


def count(prob, mask, **options):
    """The counts of one image."""
    protocol = EvalProtocol(THRESHOLDS, TOLERANCES, **options)
    record = count_image(prob, mask, protocol, 'image')
    counts = unpack([record], protocol)
    return type(counts)(*(column[0] for column in counts))


def same(one, other):
    return one.keys() == other.keys() and all(
        np.array_equal(one[key], other[key], equal_nan=True) for key in one
    )


@fuzz(1200)
@given(sets(2))
def test_equals_the_naive_implementation(images):
    probs, masks = images
    if not any(mask.any() for mask in masks):
        masks[0] = masks[0].copy()
        masks[0][0, 0] = True  # Pd is undefined without a target
    expected = naive_curves(probs, masks, THRESHOLDS, TOLERANCES)
    found = evaluate_curves(probs, masks, THRESHOLDS, TOLERANCES)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, atol=1e-12, err_msg=key)
    scores = evaluate_masks(probs, masks, THRESHOLDS, TOLERANCES)
    for key, value in naive_hse(expected, THRESHOLDS).items():
        assert math.isclose(scores[key], value, abs_tol=1e-12), key
    for key in ('IoU', 'nIoU', 'Pd', 'Fa'):
        assert math.isclose(scores[key], expected[key][1], abs_tol=1e-12)


@fuzz(1200)
@given(pairs(), CONNECTIVITIES)
def test_components_are_those_of_a_flood_fill(image, connectivity):
    mask = image[1]
    found = mask_components(mask, connectivity)
    expected = flood_components(mask, connectivity)
    assert found.area.tolist() == [len(pixels) for pixels in expected]
    for axis, sums in enumerate((found.sum_y, found.sum_x)):
        assert sums.tolist() == [sum(p[axis] for p in c) for c in expected]


@fuzz(300)
@given(sets(3), st.permutations(range(3)), MATCHES)
def test_the_order_of_the_images_does_not_matter(images, order, match):
    probs, masks = images
    order = [i for i in order if i < len(probs)]
    shuffled = [[side[i] for i in order] for side in images]
    options = dict(tolerances=TOLERANCES, match=match)
    one = quietly(evaluate_masks, probs, masks, THRESHOLDS, **options)
    other = quietly(evaluate_masks, *shuffled, THRESHOLDS, **options)
    assert same(one, other)


@fuzz(400)
@given(sets(3), sets(2), MATCHES, CONNECTIVITIES)
def test_counts_add_up_across_splits(one, other, match, connectivity):
    # with 'nan' a split without targets has no nIoU to add
    rules = dict(match=match, connectivity=connectivity, no_target='zero')
    protocol = EvalProtocol(THRESHOLDS, TOLERANCES, **rules)
    records = [
        [count_image(p, m, protocol, '') for p, m in zip(*split, strict=True)]
        for split in (one, other)
    ]
    sums = [
        [column.sum(axis=0) for column in unpack(split, protocol)]
        for split in (*records, records[0] + records[1])
    ]
    for first, second, whole in zip(*sums, strict=True):
        assert np.array_equal(first + second, whole)
    _, curves = quietly(reduce_records, records[0] + records[1], protocol)
    niou = [quietly(reduce_records, r, protocol)[1]['nIoU'] for r in records]
    sizes = [len(r) for r in records]
    np.testing.assert_allclose(
        curves['nIoU'], np.average(niou, axis=0, weights=sizes), atol=1e-12
    )


@fuzz(600)
@given(pairs(), pairs(), MATCHES)
def test_images_side_by_side_count_as_two(one, other, match):
    height = max(len(one[0]), len(other[0]))
    sides = []
    for left, right in zip(one, other, strict=True):
        width = left.shape[1] + GAP + right.shape[1]
        frame = np.zeros((height, width), left.dtype)
        frame[: len(left), : left.shape[1]] = left
        frame[: len(right), -right.shape[1] :] = right
        sides.append(frame)
    whole = count(*sides, match=match)
    parts = count(*one, match=match), count(*other, match=match)
    for name in whole._fields[1:]:  # all but the pixels
        first, second = (getattr(part, name) for part in parts)
        assert np.array_equal(getattr(whole, name), first + second), name


@fuzz(700)
@given(pairs())
def test_what_grows_and_what_bounds_what(image):
    prob, mask = image
    greedy, best = (count(*image, match=m) for m in ('greedy', 'hungarian'))
    for counts in (greedy, best):
        predicted = counts.union + counts.inter - counts.target_pixels
        # fewer pixels at a higher threshold
        assert (np.diff(predicted) <= 0).all()
        assert (np.diff(counts.inter) <= 0).all()
        # one to one
        assert (counts.hits <= counts.targets).all()
        assert (counts.hits <= counts.detections).all()
        assert (counts.false_pixels >= 0).all()
        assert (counts.false_pixels <= predicted).all()
    # the largest matching grows with the distance, and is the largest
    assert (np.diff(best.matches, axis=0) >= 0).all()
    assert (best.matches >= greedy.matches).all()
    assert (best.hits >= greedy.hits).all()
    # finding more of what is there never costs IoU
    better = count(np.where(mask, np.float32(1), prob), mask)
    assert (better.inter >= greedy.inter).all()
    assert (better.union == greedy.union).all()


@fuzz(400)
@given(pairs(), CONNECTIVITIES)
def test_hungarian_finds_the_most_matches(image, connectivity):
    prob, mask = image
    options = dict(match='hungarian', connectivity=connectivity)
    counts = count(prob, mask, **options)
    targets = flood_components(mask, connectivity)
    for k, threshold in enumerate(THRESHOLDS):
        found = flood_components(prob > np.float32(threshold), connectivity)
        assert counts.hits[k] == most_hits(targets, found, lambda q: q < 9)
        for row, d in zip(counts.matches, TOLERANCES, strict=True):
            most = most_hits(targets, found, lambda q, d=d: q <= d * d)
            assert row[k] == most


@fuzz(400)
@given(pairs(), st.integers(0, 7))
def test_turning_the_image_changes_nothing(image, turn):
    """With 'hungarian'; 'greedy' goes by the raster order."""
    turned = []
    for side in image:
        side = np.rot90(side.T if turn > 3 else side, turn)
        turned.append(side)  # not contiguous
    one, other = (count(*i, match='hungarian') for i in (image, turned))
    for name in set(one._fields) - {'false_pixels'}:
        # false pixels: matchings of equal size and distance may leave out
        # detections of different areas
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@fuzz(300)
@given(pairs(), st.integers(1, 200), CONNECTIVITIES)
def test_large_frames_are_labeled_a_few_thresholds_at_a_time(
    image, canvas, connectivity
):
    whole = count(*image, connectivity=connectivity)
    with mock.patch.object(components, 'MAX_CANVAS', canvas):
        parts = count(*image, connectivity=connectivity)
    for one, other in zip(whole, parts, strict=True):
        assert np.array_equal(one, other)


@fuzz(400)
@given(pairs(), MATCHES, CONNECTIVITIES)
def test_pictures_show_what_is_counted(image, match, connectivity):
    prob, mask = image
    options = dict(match=match, connectivity=connectivity)
    shown = match_masks(prob > np.float32(0.5), mask, **options)
    counts = count(prob, mask, **options)
    assert shown.target_hit.sum() == shown.detection_hit.sum()
    assert shown.target_hit.sum() == counts.hits[1]
    false = np.isin(
        shown.detection_labels, 1 + np.flatnonzero(~shown.detection_hit)
    )
    assert false.sum() == counts.false_pixels[1]


@fuzz(200)
@given(sets(3), MATCHES)
def test_the_truth_itself_is_perfect(images, match):
    masks = images[1]
    perfect = [mask.astype(np.float32) for mask in masks]
    scores = quietly(evaluate_masks, perfect, masks, match=match)
    assert scores.pop('Fa') == 0
    if any(mask.any() for mask in masks):
        assert set(scores.values()) == {1}
    else:
        assert all(map(math.isnan, scores.values()))
