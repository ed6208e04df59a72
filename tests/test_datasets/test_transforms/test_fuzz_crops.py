"""Random images and crops: a window of the padded image, masks with it."""

import numpy as np
from fuzz_settings import fuzz
from hypothesis import given
from hypothesis import strategies as st

from fdep_mm.datasets.transforms import TargetCrop

SIDES = st.integers(1, 12)


@fuzz(700)
@given(
    st.tuples(SIDES, SIDES),
    st.tuples(SIDES, SIDES),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.lists(st.tuples(SIDES, SIDES), max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_a_crop_is_a_window(shape, size, target_prob, targets, seed):
    # pixels name their place, from 1; padding is -1
    place = 1 + np.arange(shape[0] * shape[1]).reshape(shape)
    mask = np.zeros(shape, np.uint8)
    for row, col in targets:
        mask[(row - 1) % shape[0], (col - 1) % shape[1]] = 1
    np.random.seed(seed)
    found = TargetCrop(size, target_prob, pad_val=-1)(
        dict(
            img=np.repeat(place[..., None], 3, -1).astype(np.float32),
            gt_seg_map=mask.copy(),
            seg_fields=['gt_seg_map'],
            img_shape=shape,
        )
    )
    image = found['img']
    assert image.shape == (*size, 3) and found['gt_seg_map'].shape == size
    assert found['img_shape'] == size
    padded = np.pad(
        place,
        [(0, max(0, c - s)) for c, s in zip(size, shape, strict=True)],
        constant_values=-1,
    )
    padded_mask = np.pad(
        mask, [(0, p - s) for p, s in zip(padded.shape, shape, strict=True)]
    )
    windows = [
        np.s_[top : top + size[0], left : left + size[1]]
        for top in range(padded.shape[0] - size[0] + 1)
        for left in range(padded.shape[1] - size[1] + 1)
    ]
    match = [w for w in windows if (padded[w] == image[..., 0]).all()]
    # padding alone may look alike in several
    assert match and (image == image[..., :1]).all()
    assert any((padded_mask[w] == found['gt_seg_map']).all() for w in match)
    if target_prob == 1 and mask.any():
        assert found['gt_seg_map'].any()
