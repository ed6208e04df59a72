import torch
from builders import RANDOM_VFM, build, fdep_cfg, images, samples

from fdep_mm.models.backbones import FrozenVFM, ZeroPriors


def test_zeros_of_the_shapes_that_a_vfm_gives():
    arguments = {k: v for k, v in RANDOM_VFM.items() if k != 'type'}
    vfm, zeros = FrozenVFM(**arguments), ZeroPriors(**arguments)
    pixels = torch.rand(2, 3, 72, 100) * 255
    assert zeros.channels == vfm.channels
    for one, zero in zip(vfm(pixels), zeros(pixels), strict=True):
        assert one.shape == zero.shape and one.dtype == zero.dtype
        assert not zero.any() and one.any()


def test_it_trains_without_weights():
    vfm = dict(RANDOM_VFM, type='fdep_mm.ZeroPriors', pretrained=True)
    model = build(fdep_cfg(vfm=vfm)).train()
    losses = model.loss(images(), samples())
    assert {key.split('.')[0] for key in losses} == {'main', 'light'}
