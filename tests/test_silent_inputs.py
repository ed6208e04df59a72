"""What a tired researcher feeds it: right numbers, or a clear sentence."""

import json
import warnings
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image
from tool_runs import run_tool
from torch import nn

from fdep_mm.core import gray as core_gray
from fdep_mm.core.gray import gray_limits
from fdep_mm.core.masks import read_mask
from fdep_mm.datasets.check import check_dataset
from fdep_mm.datasets.converters.coco import read_coco
from fdep_mm.datasets.layouts import find_layout
from fdep_mm.datasets.transforms import LoadInfraredImage
from fdep_mm.models.segmentors.tta import SIRSTTTAModel

SHAPE = (24, 40)
score = partial(run_tool, 'analysis_tools/eval_pngs.py')


@pytest.fixture
def target():
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:8, 30:34] = 1
    return mask


@pytest.fixture
def folders(tmp_path, target):
    """Images and masks of one name."""
    for kind, array in (('images', target * 200 + 9), ('masks', target * 255)):
        (tmp_path / kind).mkdir()
        cv2.imwrite(str(tmp_path / kind / 'a.png'), array)
    return tmp_path


@pytest.mark.parametrize('threshold', [255, -1])
def test_a_threshold_that_every_mask_is_beyond(folders, threshold):
    path = folders / 'masks/a.png'
    with pytest.raises(ValueError, match='full or empty'):
        read_mask(path, threshold)


def test_masks_scored_against_themselves(folders):
    masks = folders / 'masks'
    code, _, errors = score(masks, masks, '--binary')
    assert code == 2 and 'the same files' in errors


def test_a_split_that_counts_an_image_twice(folders):
    (folders / 'split.txt').write_text('a\na.png\n')
    found = score(
        *(folders / 'images', folders / 'masks'),
        *('--split', folders / 'split.txt'),
    )
    assert found[0] == 2 and 'a is listed twice' in found[2]


def test_a_full_scale_of_nothing(folders):
    code, _, errors = score(
        folders / 'images', folders / 'masks', '--max-value', 0
    )
    assert code == 2 and '--max-value: 0: give a number from' in errors


def test_a_sequence_in_one_file_is_one_image(folders):
    frames = [Image.fromarray(np.full(SHAPE, v, np.uint8)) for v in (9, 90)]
    frames[1].paste(200, (3, 3, 9, 9))
    (folders / 'images/a.png').unlink()
    path = folders / 'images/a.tif'
    frames[1].save(path, save_all=True, append_images=frames[:1])
    findings = check_dataset([find_layout(folders)]).findings
    (item,) = findings.items('image-pages')
    assert item.detail == '2 pages'


def test_a_camera_that_was_turned(folders, target):
    """EXIF orientation moves neither the image nor the mask."""
    exif = Image.Exif()
    exif[274] = 6
    picture = Image.fromarray(target * 200 + 9)
    path = folders / 'images/a.jpg'
    picture.save(path, exif=exif, quality=100)
    image = LoadInfraredImage()(dict(img_path=str(path)))['img']
    assert image.shape[:2] == SHAPE
    np.testing.assert_array_equal(image[..., 0] > 100, target)
    (folders / 'images/a.png').unlink()
    assert check_dataset([find_layout(folders)]).findings.clean


def test_16_bit_masks(tmp_path, target):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), target.astype(np.uint16) * 65535)
    with pytest.raises(ValueError, match='0, 65535.*threshold=32767'):
        read_mask(path)
    np.testing.assert_array_equal(read_mask(path, 32767), target)


@pytest.mark.parametrize(
    'head',
    [SimpleNamespace(threshold=None), nn.Identity(), nn.ModuleList()],
    ids=['two channels', 'of masks', 'cascade'],
)
def test_augmented_views_of_two_channels(head):
    """Their mean is that of probabilities; mmseg leaves logits in them."""
    module = nn.Module()
    module.test_step = None
    model = SIRSTTTAModel(module)
    model.module.decode_head = head
    views = []
    for logit in (-1.0, 4.0):
        half = torch.full(SHAPE, logit / 2)
        maps = torch.stack([-half, half])
        views.append(SegDataSample(seg_logits=PixelData(data=maps)))
    (merged,) = model.merge_preds([views])
    expected = torch.sigmoid(torch.tensor([-1.0, 4.0])).mean()
    prob = merged.seg_logits.data
    torch.testing.assert_close(prob, expected.expand(1, *SHAPE))
    assert merged.pred_sem_seg.data.bool().all()


def test_two_images_of_one_id(tmp_path):
    item = dict(id=1, file_name='a.png', height=24, width=40)
    box = dict(id=1, image_id=1, category_id=1, bbox=[3, 4, 3, 3])
    images = [item, dict(item, file_name='b.png')]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(images=images, annotations=[box])))
    with pytest.raises(ValueError, match='two of its images have one id'):
        read_coco(path)


@pytest.mark.parametrize(
    ('dtype', 'low', 'high', 'gray_range', 'wrong'),
    [
        (np.uint8, 100, 255, (0, 16383), True),
        (np.uint16, 2000, 4000, 'dtype', True),
        (np.uint16, 30000, 32000, 'dtype', True),
        (np.uint16, 100, 200, (0, 16383), True),
        (np.uint16, 30000, 60000, (0, 255), True),
        (np.uint16, 7000, 9040, (0, 16383), True),
        (np.uint16, 7000, 7200, (7000, 9040), False),
        (np.uint8, 20, 40, 'dtype', False),
        (np.uint16, 8000, 16000, (0, 16383), False),
        (np.uint16, 30000, 60000, 'dtype', False),
        (np.uint16, 7000, 7000, 'dtype', False),
        (np.uint16, 2000, 4000, 'minmax', False),
    ],
)
def test_brightness_of_another_scale(
    monkeypatch, dtype, low, high, gray_range, wrong
):
    monkeypatch.setattr(core_gray, '_told', set())
    array = np.linspace(low, high, 960).reshape(SHAPE).astype(dtype)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        for _ in range(3):
            gray_limits(array, gray_range, 'a.png')
    assert len(caught) == wrong
    if wrong:
        words = str(caught[0].message).partition('--gray-range ')[2]
        found = [float(word) for word in words.rstrip(')').split()]
        assert found == pytest.approx([low, high], abs=1 + (high - low) / 400)
