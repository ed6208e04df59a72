import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.registry import DATASETS
from scipy import ndimage
from torch.utils.data import DataLoader

from fdep_mm.datasets import SyntheticSIRSTDataset
from fdep_mm.datasets.synthetic_background import (
    BACKGROUNDS,
    power_law_texture,
)

PACK = [dict(type='PackSegInputs')]
EIGHT = np.ones((3, 3))


def scenes(number, **arguments):
    dataset = SyntheticSIRSTDataset(number, **arguments)
    return [dataset.make_scene(i) for i in range(number)]


def test_sample():
    dataset = DATASETS.build(
        dict(
            type='fdep_mm.SyntheticSIRSTDataset',
            num_images=5,
            img_size=(64, 96),
            pipeline=PACK,
        )
    )
    assert len(dataset) == 5
    assert dataset.metainfo['classes'] == ('background', 'target')
    sample = dataset[3]
    image, truth = sample['inputs'], sample['data_samples']
    assert image.shape == (3, 64, 96) and image.dtype == torch.float32
    assert image.min() >= 0 and image.max() <= 255
    assert (image == image.round()).all() and (image[0] == image[2]).all()
    assert truth.gt_sem_seg.data.shape == (1, 64, 96)
    assert truth.img_path == 'synthetic/train_seed0/00003'
    assert truth.ori_shape == truth.img_shape == (64, 96)


def test_same_images_in_worker_processes_and_subsets():
    arguments = dict(img_size=(64, 64), seed=5, pipeline=PACK)
    dataset = SyntheticSIRSTDataset(8, **arguments)
    loader = DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=list)
    loaded = [sample for batch in loader for sample in batch]
    subset = SyntheticSIRSTDataset(8, indices=[6, 1], **arguments)
    for sample, i in (
        *zip(loaded, range(8), strict=True),
        (subset[0], 6),
        (subset[1], 1),
        (RepeatDataset(dataset, 2)[11], 3),
        (ConcatDataset([dataset, dataset])[10], 2),
    ):
        assert torch.equal(sample['inputs'], dataset[i]['inputs'])
        assert torch.equal(
            sample['data_samples'].gt_sem_seg.data,
            dataset[i]['data_samples'].gt_sem_seg.data,
        )
        name = sample['data_samples'].img_path
        assert name == f'synthetic/train_seed5/{i:05d}'


def test_global_random_state_is_not_touched():
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)
    scenes(3)
    assert np.random.rand() == expected


def test_splits_and_seeds_share_no_image():
    images = [
        image.tobytes()
        for split in ('train', 'val', 'test')
        for seed in (0, 1, 2)
        for image, _ in scenes(10, split=split, seed=seed, img_size=(64, 64))
    ]
    assert len(set(images)) == 90


def test_masks_are_separate_targets_of_the_given_size():
    counts = set()
    for _, mask in scenes(150, target_size=(2, 9)):
        labels, number = ndimage.label(mask, EIGHT)
        counts.add(number)
        # Still apart after growing by one pixel: they do not touch.
        grown = ndimage.binary_dilation(mask, EIGHT)
        assert ndimage.label(grown, EIGHT)[1] == number
        for i in range(1, number + 1):
            y, x = np.nonzero(labels == i)
            assert len(y) >= 2
            assert max(np.ptp(y), np.ptp(x)) < 9
    assert counts == {0, 1, 2, 3, 4}


@pytest.mark.parametrize('number', [0, 1, 3, 6])
def test_number_of_targets(number):
    for _, mask in scenes(25, num_targets=(number, number)):
        assert ndimage.label(mask, EIGHT)[1] == number


def test_mask_is_the_support_of_the_signal():
    """The same scene with and without its target differs by the signal."""
    arguments = dict(num_targets=(0, 0), noise_std=(1, 1), seed=3)
    without = scenes(60, **arguments)
    arguments['num_targets'] = (1, 1)
    checked = 0
    pairs = zip(without, scenes(60, **arguments), strict=True)
    for (plain, nothing), (image, mask) in pairs:
        assert not nothing.any()
        if image.max() == 255:  # scaled down as a whole
            continue
        signal = image - plain
        inside, outside = signal[mask > 0], signal[mask == 0]
        # Rounding of either image may move a value by one gray level.
        assert inside.min() >= outside.max() - 1
        assert inside.min() >= 0.35 * inside.max() - 1
        assert signal[~ndimage.binary_dilation(mask, EIGHT, 12)].max() <= 1
        checked += 1
    assert checked > 30


def measured_scr(image, mask):
    """SCR by its definition, with explicit loops."""
    y, x = np.nonzero(mask)
    background = []
    tail = ndimage.binary_dilation(mask, EIGHT, 3)
    for i in range(y.min() - 10, y.max() + 11):
        for j in range(x.min() - 10, x.max() + 11):
            inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
            if inside and not tail[i, j]:
                background.append(image[i, j])
    return (image[mask > 0].mean() - np.mean(background)) / np.std(background)


@pytest.mark.parametrize('scr', [4, 12, 30])
def test_signal_to_clutter_ratio(scr):
    pairs = scenes(
        60,
        scr=(scr, scr),
        num_targets=(1, 1),
        num_hot_pixels=(0, 0),
        noise_std=(2, 2),
    )
    ratios = [measured_scr(*pair) / scr for pair in pairs]
    assert np.median(ratios) == pytest.approx(1, abs=0.1)
    assert np.percentile(ratios, 10) > 0.7
    assert np.percentile(ratios, 90) < 1.4


@pytest.mark.parametrize('kind', BACKGROUNDS)
@pytest.mark.parametrize('size', [(32, 32), (33, 70), (128, 96)])
def test_every_background(kind, size):
    for image, mask in scenes(6, backgrounds=(kind,), img_size=size):
        assert image.shape == mask.shape == size
        assert np.isfinite(image).all() and image.std() > 0
        assert image.min() >= 0 and image.max() <= 255


def test_texture_has_the_wanted_spectrum():
    rng = np.random.default_rng(0)
    power = np.mean(
        [
            np.abs(np.fft.fft2(power_law_texture(rng, (128, 128), 3))) ** 2
            for _ in range(20)
        ],
        axis=0,
    )
    frequency = np.hypot(
        np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128)[None]
    )
    chosen = (frequency > 0.03) & (frequency < 0.4)
    slope = np.polyfit(np.log(frequency[chosen]), np.log(power[chosen]), 1)[0]
    assert slope == pytest.approx(-3, abs=0.1)


def test_images_resemble_nuaa():
    """Ranges around NUAA-SIRST's own medians (107, 24, 20 px)."""
    pairs = scenes(150, img_size=(200, 200))
    areas = [
        (labels == i).sum()
        for labels, number in (ndimage.label(m, EIGHT) for _, m in pairs)
        for i in range(1, number + 1)
    ]
    assert 85 < np.median([image.mean() for image, _ in pairs]) < 130
    assert 12 < np.median([image.std() for image, _ in pairs]) < 36
    assert 12 < np.median(areas) < 28


@pytest.mark.parametrize(
    'wrong',
    [
        dict(num_images=0),
        dict(img_size=(31, 64)),
        dict(img_size=31),
        dict(img_size=(64,)),
        dict(split='dev'),
        dict(backgrounds=('fog',)),
        dict(backgrounds=()),
        dict(num_targets=3),
        dict(num_targets=(3, 1)),
        dict(num_targets=(-1, 1)),
        dict(target_size=(1, 9)),
        dict(target_size=(2, 40)),
        dict(scr=(0, 5)),
    ],
    ids=str,
)
def test_bad_arguments(wrong):
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=f'{name}='):
        SyntheticSIRSTDataset(**{'num_images': 4, **wrong})


def test_one_number_is_both_sides():
    dataset = SyntheticSIRSTDataset(1, img_size=40)
    assert dataset[0]['img'].shape == (40, 40, 3)
