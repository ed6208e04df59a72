import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from fdep_mm.datasets.transforms import GenerateNoCoMap
from fdep_mm.evaluation import noco_map


def results(boxes):
    rng = np.random.default_rng(0)
    return dict(
        img_path='a.png',
        img=rng.integers(0, 256, (30, 44, 3)).astype(np.uint8),
        gt_bboxes=np.array(boxes, np.float32).reshape(-1, 4),
    )


def test_map_of_the_image_as_it_is():
    before = results([[4.5, 6.2, 9.9, 11.1], [30, 2, 31, 3]])
    transform = TRANSFORMS.build(dict(type='fdep_mm.GenerateNoCoMap'))
    after = transform(dict(before))
    noco = after['gt_noco_map']
    assert noco.dtype == np.float32 and noco.shape == (30, 44)
    gray = before['img'].astype(float).mean(-1)
    expected = noco_map(gray, [(4, 6, 9, 11), (30, 2, 31, 3)])
    np.testing.assert_allclose(noco, expected, atol=1e-6)


def test_no_target():
    assert not GenerateNoCoMap()(results([]))['gt_noco_map'].any()


def test_overlap_option():
    overlapping = [[5, 5, 10, 10], [8, 8, 14, 12]]
    maps = [
        GenerateNoCoMap(overlap)(results(overlapping))['gt_noco_map']
        for overlap in ('overwrite', 'max')
    ]
    assert (maps[0] != maps[1]).any() and (maps[0] <= maps[1]).all()
    assert repr(GenerateNoCoMap('max')) == "GenerateNoCoMap(overlap='max')"
    with pytest.raises(ValueError, match='overlap'):
        GenerateNoCoMap('min')


def test_bad_box_names_the_image():
    with pytest.raises(ValueError, match='a.png.*GenerateNoCoMap.*inverted'):
        GenerateNoCoMap()(results([[5, 5, 5, 9]]))
    with pytest.raises(ValueError, match='a.png.*not in it'):
        GenerateNoCoMap()(results([[40, 5, 46, 9]]))


class TestPacking:
    @pytest.fixture(autouse=True)
    def needs_mmdet(self):
        pytest.importorskip('mmdet.models')
        pytest.importorskip('fdep_mm.detection')

    @staticmethod
    def pack(**extra):
        transform = TRANSFORMS.build(dict(type='fdep_mm.PackSIRSTDetInputs'))
        sample = results([[4, 6, 9, 11]])
        sample.update(gt_bboxes_labels=np.zeros(1, int), **extra)
        return transform(sample)

    def test_with_map(self):
        noco = np.random.rand(30, 44).astype(np.float32)
        packed = self.pack(
            gt_noco_map=noco,
            img_shape=(30, 44),
            ori_shape=(60, 88),
            img_id='a',
            scale_factor=(0.5, 0.5),
            flip=True,
            flip_direction='horizontal',
            ori_img=np.zeros((60, 88), np.uint8),
            other=1,
        )
        sample = packed['data_samples']
        assert packed['inputs'].shape == (3, 30, 44)
        np.testing.assert_array_equal(sample.gt_noco.data[0], noco)
        assert sample.gt_noco.data.shape == (1, 30, 44)
        assert sample.gt_instances.bboxes.tolist() == [[4, 6, 9, 11]]
        assert set(sample.metainfo_keys()) == {
            *('img_id', 'img_path', 'ori_shape', 'img_shape'),
            *('scale_factor', 'flip', 'flip_direction', 'ori_img'),
        }
        # meta information arrives at the metric as it is
        assert sample.to_dict()['ori_img'].shape == (60, 88)

    def test_without_map(self):
        assert 'gt_noco' not in self.pack()['data_samples']

    def test_map_of_another_size(self):
        with pytest.raises(ValueError, match='a.png.*behind all transforms'):
            self.pack(gt_noco_map=np.zeros((60, 88), np.float32))
