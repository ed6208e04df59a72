"""Look-alikes, contrast and boxes, against other ways to compute them."""

import cv2
import numpy as np
import pytest
from skimage.measure import label as skimage_label
from skimage.measure import regionprops

from fdep_mm.datasets.check import check_dataset, draw_sheet, to_json
from fdep_mm.datasets.check.boxes import compare_boxes
from fdep_mm.datasets.check.duplicates import best_matches, similar_groups
from fdep_mm.datasets.check.targets import MARGIN, measure_targets
from fdep_mm.datasets.layouts import find_layout, open_layout
from fdep_mm.datasets.transforms import LoadInfraredImage


@pytest.mark.parametrize('block', [3, 2048])
def test_products_equal_single_correlations(monkeypatch, block):
    monkeypatch.setattr('fdep_mm.datasets.check.duplicates.BLOCK', block)
    rng = np.random.default_rng(0)
    scenes = rng.standard_normal((4, 20))
    images = scenes[rng.integers(0, 4, 30)] + rng.normal(0, 0.25, (30, 20))
    images -= images.mean(1, keepdims=True)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    naive = np.corrcoef(images)
    index, value = best_matches(images[:7], images[7:])
    np.testing.assert_array_equal(index, naive[:7, 7:].argmax(1))
    np.testing.assert_allclose(value, naive[:7, 7:].max(1), rtol=1e-5)
    groups = similar_groups(images, 0.95)
    # Spreading along links until nothing changes gives the same groups.
    reached = np.eye(30, dtype=bool)
    for _ in range(30):
        reached |= reached @ (naive > 0.95)
    np.testing.assert_array_equal(groups[:, None] == groups[None], reached)
    assert 4 <= len(set(groups.tolist())) < 30


def test_target_measures_against_scikit_image():
    rng = np.random.default_rng(0)
    gray = rng.uniform(0, 255, (60, 80)).astype(np.float32)
    mask = np.zeros((60, 80), np.uint8)
    for y, x in ((0, 0), (20, 30), (24, 36), (57, 77)):
        mask[y : y + 3, x : x + 2] = 1
    mask[23, 32] = 1  # touches by a corner
    regions = regionprops(skimage_label(mask, connectivity=2))
    targets = measure_targets(gray, mask)
    assert len(targets) == len(regions) == 4
    for target, region in zip(targets, regions, strict=True):
        top, left, bottom, right = region.bbox
        assert target.area == region.area
        assert (target.height, target.width) == (bottom - top, right - left)
        window = (
            slice(max(top - MARGIN, 0), bottom + MARGIN),
            slice(max(left - MARGIN, 0), right + MARGIN),
        )
        around = gray[window][mask[window] == 0]
        own = gray[tuple(region.coords.T)]
        contrast = own.mean() - around.mean()
        assert target.contrast == pytest.approx(contrast, rel=1e-5)
        assert target.scr == pytest.approx(contrast / around.std(), rel=1e-5)
    (whole,) = measure_targets(gray, np.ones_like(mask))
    assert np.isnan(whole.contrast) and np.isnan(whole.scr)


@pytest.mark.parametrize('offset', [(0, 0, 0, 0), (-1, -1, -1, -1)])
def test_boxes_of_any_convention(offset):
    targets = [
        np.array([[10, 10, 13, 14], [30, 20, 34, 22]], float),
        np.array([[5, 5, 8, 8]], float),
        np.zeros((0, 4)),
        np.array([[50, 50, 53, 53]], float),
    ]
    boxes = [box[::-1] + offset for box in targets]
    check = compare_boxes(boxes, targets)
    assert check.differences == {} and check.compared == 4
    assert check.offset == tuple(1 + value for value in offset)
    boxes[1] = boxes[1] + (0, 0, 3, 0)
    boxes[2] = np.array([[1, 1, 2, 2]], float)
    check = compare_boxes(boxes, targets)
    assert set(check.differences) == {1, 2}
    assert check.differences[2] == '1 boxes, 0 targets in the mask'
    assert compare_boxes(boxes, targets, 3).differences.keys() == {2}


def test_leak_of_nudt_sirst(find_data):
    """53 of 664 test images, 8.0 %: the number that was published."""
    report = check_dataset([find_layout(find_data('NUDT-SIRST'))])
    (leak,) = report.leaks
    assert (leak.images, len(leak.pairs)) == (664, 53)
    assert (leak.count(0.99), leak.count(0.999)) == (37, 12)
    first = leak.pairs[0]
    assert first.record.sample.image_id == '000616'
    assert first.match.sample.image_id == '000609'
    assert report.findings.codes('error') == ['near-duplicate']
    statistics = to_json(report)['statistics']['train']
    assert f'{statistics["mean"]:.2f} {statistics["std"]:.2f}' == (
        '108.02 33.21'
    )


def test_misc_111_of_sirst_v2(find_data, tmp_path):
    root = find_data('sirst-v2')
    ids = (root / 'splits/trainval_v1.txt').read_text().split()
    split = tmp_path / 'v1.txt'
    split.write_text('\n'.join(['Misc_111', *ids[:40]]))
    report = check_dataset([open_layout(root, splits=[f'v1={split}'])])
    (item,) = report.findings.items('box-mismatch')
    assert item.where == 'sirst-v2 v1 Misc_111'
    assert item.detail == 'box (260, 206, 274, 217), mask (143, 114, 151, 120)'
    assert report.boxes['sirst-v2'].offset == (1, 1, 1, 1)


def test_constants_under_the_gray_range(tmp_path, make_sirst):
    folder = make_sirst(tmp_path, num_train=4, num_test=2)
    rng = np.random.default_rng(1)
    images = []
    for path in sorted((folder / 'images').iterdir()):
        deep = rng.integers(0, 2**14, (40, 52)).astype(np.uint16)
        deep[:2, :2] = [[0], [2**14 - 1]]
        cv2.imwrite(str(path), deep)
        load = LoadInfraredImage(gray_range=(0, 2**14 - 1))
        images.append(load(dict(img_path=str(path)))['img'])
    train = images[:4]
    mean, std = (np.mean([f(i) for i in train]) for f in (np.mean, np.std))
    found = check_dataset([find_layout(folder)]).findings.items('bit-range')
    text = f'(0, 16383); mean, std of train are then {mean:.2f}, {std:.2f}'
    assert [item.detail for item in found] == [f'gray_range={text}']


def test_contact_sheet(tmp_path, make_sirst):
    folder = make_sirst(tmp_path)
    image = cv2.imread(str(folder / 'images/Misc_0.png'), 0)
    cv2.imwrite(str(folder / 'images/Misc_5.png'), image)
    (folder / 'images/Misc_1.png').write_bytes(b'')
    report = check_dataset([find_layout(folder)])
    sheet = draw_sheet(report, number=6, columns=2, tile=128)
    # The pair, and four of the others: three rows.
    assert sheet.shape == (384, 256, 3) and sheet.dtype == np.uint8
    left, right = sheet[20:110, :100], sheet[20:110, 128:228]
    green = (60, 220, 60)
    assert (left == green).all(-1).any() and (right == green).all(-1).any()
    gray = [
        np.where((part == green).all(-1), 0, part[..., 0]).astype(float)
        for part in (left, right)
    ]
    assert np.corrcoef(gray[0].ravel(), gray[1].ravel())[0, 1] > 0.9
