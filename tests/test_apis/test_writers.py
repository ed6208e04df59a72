"""Files of results, read again by others' readers."""

import csv
import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_backends import FakeDetector, FakeSegmentor
from scipy import ndimage

from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.outputs import OUTPUTS
from fdep_mm.apis.results import targets_of_boxes, targets_of_map
from fdep_mm.core import run_lengths


@pytest.fixture
def image():
    image = np.zeros((40, 60), np.uint8)
    image[5:8, 10:14] = 255
    image[8, 14] = 200  # touches at a corner: one target
    image[39, 59] = 180
    return image


@pytest.fixture
def segment():
    return SIRSTInferencer(FakeSegmentor(0), show_progress=False)


@pytest.fixture
def detect():
    return SIRSTInferencer(FakeDetector(jitter=0), show_progress=False)


def test_targets_against_scipy():
    rng = np.random.default_rng(0)
    for density in (0, 0.01, 0.3, 1):
        noise = rng.random((50, 70), np.float32) * (
            rng.random((50, 70)) < density
        )
        prob = noise.astype(np.float32)
        labels, count = ndimage.label(prob > 0.5, np.ones((3, 3)))
        targets = targets_of_map(prob, 0.5)
        assert len(targets) == count
        for number, target in enumerate(targets, start=1):
            own = labels == number
            row, col = ndimage.center_of_mass(own)
            assert target.x == pytest.approx(col)
            assert target.y == pytest.approx(row)
            assert target.area == own.sum()
            assert target.peak == prob[own].max()
            assert target.score == pytest.approx(prob[own].mean())
            rows, cols = np.nonzero(own)
            assert target.box == (
                *(cols.min(), rows.min()),
                *(cols.max() + 1, rows.max() + 1),
            )


def test_threshold_is_exclusive_in_single_precision():
    prob = np.full((4, 4), 0.15, np.float32)
    assert targets_of_map(prob, 0.15) == []
    (target,) = targets_of_map(prob, 0.1)
    assert target.area == 16


def test_targets_of_boxes():
    boxes = np.array([[0, 0, 1, 1, 0.9], [7, 2, 3, 5, 0.5]], np.float32)
    one, swapped = targets_of_boxes(boxes)
    assert (one.x, one.y, one.area, one.peak) == (0, 0, 1, one.score)
    assert swapped.box == (3, 2, 7, 5) and swapped.area == 12


def test_json_and_csv(segment, image, tmp_path):
    inputs = [image, image.astype(float), image[:20] // 255 * 255]
    found = segment(inputs, out_dir=tmp_path, outputs=['json', 'csv'])
    content = json.loads((tmp_path / 'predictions.json').read_text())
    assert content['task'] == 'segmentation' and content['threshold'] == 0.5
    assert content['model'] == 'FakeSegmentor'
    assert [len(i['targets']) for i in content['images']] == [2, 1]
    assert content['images'][0] == found['predictions'][0].to_dict()
    assert content['images'][1]['height'] == 20
    (failure,) = content['failures']
    assert failure['source'] == 'array 000001'
    assert not content['complete']  # an input is missing
    with open(tmp_path / 'targets.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(r['name'], r['target']) for r in rows] == [
        ('000000', '0'),
        ('000000', '1'),
        ('000002', '0'),
    ]
    assert (rows[1]['x'], rows[1]['x2'], rows[1]['area']) == (
        '59.0',
        '60',
        '1',
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'predictions.json',
        'run.lock',
        'targets.csv',
    ]


def test_masks_and_probabilities(segment, image, tmp_path):
    found = segment(image, out_dir=tmp_path, outputs=['mask', 'prob'])
    (prediction,) = found['predictions']
    mask = cv2.imread(str(tmp_path / 'masks/000000.png'), -1)
    assert (mask == prediction.mask * 255).all() and mask.dtype == np.uint8
    prob = cv2.imread(str(tmp_path / 'probs/000000.png'), -1)
    assert prob.dtype == np.uint16
    np.testing.assert_allclose(prob / 65535, prediction.prob, atol=1e-5)


def test_coco_file_is_read_by_pycocotools(segment, detect, image, tmp_path):
    coco = pytest.importorskip('pycocotools.coco')
    segment([image, image.T], out_dir=tmp_path, outputs=['coco'])
    data = coco.COCO(str(tmp_path / 'coco.json'))
    assert len(data.loadImgs(data.getImgIds())) == 2
    for image_id, truth in ((1, image), (2, image.T)):
        own = data.loadAnns(data.getAnnIds(imgIds=[image_id]))
        masks = [data.annToMask(a) for a in own]
        assert (sum(masks) == (truth > 127)).all()
        for annotation, mask in zip(own, masks, strict=True):
            x, y, w, h = annotation['bbox']
            assert mask[y : y + h, x : x + w].sum() == annotation['area']
    detect(image, out_dir=tmp_path, outputs=['coco'], overwrite=True)
    data = coco.COCO(str(tmp_path / 'coco.json'))
    assert [a['area'] for a in data.loadAnns([1, 2])] == [20, 1]


def test_run_lengths_against_a_loop():
    rng = np.random.default_rng(0)
    for _ in range(50):
        prob = (rng.random((7, 5)) < 0.6).astype(np.float32)
        for target in targets_of_map(prob, 0.5):
            own = np.zeros(prob.shape, bool)
            x1, y1, x2, y2 = target.box
            own[y1:y2, x1:x2] = target.crop
            counts, value = [0], False
            for pixel in own.ravel(order='F'):
                if pixel != value:
                    counts.append(0)
                    value = pixel
                counts[-1] += 1
            found = run_lengths.encode(
                target.crop, target.box[:2], prob.shape
            )['counts']
            assert found == counts


def test_overlays(segment, image, tmp_path):
    found = segment(
        [image, image.astype(np.uint16) * 257],
        out_dir=tmp_path,
        outputs=['overlay'],
        return_vis=True,
    )
    for name, picture in zip(
        ('000000', '000001'), found['visualization'], strict=True
    ):
        assert min(picture.shape[:2]) >= 512 and picture.dtype == np.uint8
        read = cv2.imread(str(tmp_path / f'overlays/{name}.png'))
        assert (read[..., ::-1] == picture).all()
        # something is marked, and the target itself stays visible
        assert (picture[..., 0] != picture[..., 2]).any()
        scale = picture.shape[0] // 40
        assert (picture[5 * scale : 8 * scale, 10 * scale] == 255).all()


def test_a_threshold_of_numpy_is_written(segment, image, tmp_path):
    segment(image, threshold=np.float32(0.5), out_dir=tmp_path)
    assert '"threshold": 0.5' in (tmp_path / 'predictions.json').read_text()


def test_a_gray_range_of_numpy_is_written(image, tmp_path):
    limits = np.uint16(0), np.uint16(255)
    run = SIRSTInferencer(
        FakeSegmentor(), show_progress=False, gray_range=limits
    )
    run(image, out_dir=tmp_path)
    content = json.loads((tmp_path / 'predictions.json').read_text())
    assert content['gray_range'] == [0, 255]


def test_wrong_outputs(segment, detect, image, tmp_path):
    with pytest.raises(ValueError, match='jpeg'):
        segment(image, out_dir=tmp_path, outputs=['jpeg'])
    with pytest.raises(ValueError, match='no probability map'):
        detect(image, out_dir=tmp_path, outputs=['json', 'mask'])


def test_folder_that_cannot_be_written_is_found_first(segment, tmp_path):
    (tmp_path / 'file').write_text('')

    def frames():
        raise AssertionError('nothing may be computed')
        yield

    with pytest.raises(OSError, match='out_dir .*choose another folder'):
        segment(frames(), out_dir=tmp_path / 'file' / 'out')


@pytest.mark.skipif(
    not hasattr(os, 'geteuid') or os.geteuid() == 0,
    reason='root writes into read-only folders',
)
def test_read_only_folder(segment, image, tmp_path):
    (tmp_path / 'locked').mkdir(mode=0o500)
    with pytest.raises(OSError, match='out_dir .*choose another folder'):
        segment(image, out_dir=tmp_path / 'locked')


def test_full_disk_leaves_no_broken_file(
    segment, image, tmp_path, monkeypatch
):
    write_bytes = Path.write_bytes

    def full(path, content):
        write_bytes(path, content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    stream = segment.stream([image] * 3, out_dir=tmp_path, outputs=OUTPUTS)
    next(stream)
    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(OSError, match='No space left'):
        next(stream)
    files = sorted(p.name for p in tmp_path.rglob('*') if p.is_file())
    assert files == ['000000.png'] * 3 + ['run.lock', 'targets.jsonl']


def test_tables_are_written_when_the_run_stops(segment, image, tmp_path):
    stream = segment.stream([image] * 3, out_dir=tmp_path, outputs=['json'])
    next(stream)
    stream.close()
    content = json.loads((tmp_path / 'predictions.json').read_text())
    assert len(content['images']) == 1 and not content['complete']


def test_earlier_results(segment, image, tmp_path):
    """They are refused or deleted, but for what may be a data set's own."""
    segment(image, out_dir=tmp_path)
    own = 'masks/000000.png', 'coco.json', 'notes.txt'
    (tmp_path / 'masks').mkdir()
    for name in own:
        (tmp_path / name).write_text('mine')
    jsonl = dict(out_dir=tmp_path, outputs=['jsonl'])
    with pytest.raises(FileExistsError, match='holds earlier results'):
        segment(image, out_dir=tmp_path, outputs=['prob'])
    (tmp_path / 'targets.csv').unlink()
    (tmp_path / 'targets.csv').symlink_to(tmp_path / 'notes.txt')
    stream = segment.stream([image] * 2, **jsonl, overwrite=True)
    next(stream)  # as if it was killed now
    assert not (tmp_path / 'predictions.json').exists()
    assert all((tmp_path / name).read_text() == 'mine' for name in own)
    assert (tmp_path / 'targets.csv').is_symlink()
    stream.close()


@pytest.mark.parametrize('place', ['images', '.'])
def test_results_beside_or_above_the_images(segment, image, tmp_path, place):
    folder = tmp_path / 'images'
    folder.mkdir()
    cv2.imwrite(str(folder / 'x.png'), image)
    for _ in range(2):
        found = segment(
            *(folder, 1, None, False, tmp_path / place, OUTPUTS, True)
        )
        assert [p.name for p in found['predictions']] == ['x']
