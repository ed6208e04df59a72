"""Small models and labels that several tests build."""

import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from fdep_mm.registry import MODELS

# One line for each network in fdep_mm/models/nets: its name, its parameters
# with 3 and with 1 image channels, stride and channels of its bottleneck, and
# its MACs for an image of 3x256x256 in evaluation mode.
NETS = [
    ('ACM', 397_971, 397_823, 16, 64, 345_653_888),
    ('ALCNet', 427_109, 426_961, 16, 64, 297_435_776),
    ('ALCNetOrig', 372_573, 372_285, 4, 64, 3_610_509_312),
    ('DNANet', 4_696_888, 4_696_568, 16, 256, 13_926_958_464),
    ('UIUNet', 50_541_461, 50_540_309, 32, 512, 54_297_565_696),
    ('MLCLNet', 657_249, 656_961, 4, 64, 7_011_827_712),
    ('ALCLNet', 5_668_145, 5_667_857, 16, 256, 6_673_137_664),
    ('GGLNet', 8_988_093, 8_978_877, 16, 256, 9_689_496_704),
    ('MSDANet', 4_791_041, 4_795_343, 16, 64, 20_913_964_288),
]
NET_NAMES = [row[0] for row in NETS]
SMALLEST = {'ALCNetOrig': 72}  # px, where it is not one stride

RANDOM_VFM = dict(
    type='fdep_mm.FrozenVFM',
    model_name='test_vit',
    out_indices=(1, 3, 5),
    pretrained=False,
)


def host_cfg(net: str = 'ALCNet') -> dict:
    return dict(
        type='EncoderDecoder',
        backbone=dict(type=f'fdep_mm.{net}Encoder'),
        decode_head=dict(type=f'fdep_mm.{net}Head'),
        data_preprocessor=dict(
            type='SegDataPreProcessor',
            mean=[100.0] * 3,
            std=[40.0] * 3,
            size=(64, 64),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )


def fdep_cfg(net: str = 'ALCNet', **kwargs) -> dict:
    return (
        host_cfg(net)
        | dict(
            type='fdep_mm.COISDSegmentor',
            vfm=dict(RANDOM_VFM),
            samf=dict(type='fdep_mm.SAMFNeck'),
        )
        | kwargs
    )


def build(cfg: dict):
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return MODELS.build(ConfigDict(cfg))


def size(*modules) -> int:
    """The number of parameters."""
    return sum(p.numel() for m in modules for p in m.parameters())


def samples(batch: int = 2, size: tuple = (64, 64)) -> list:
    """Labels with one 4x4 target each."""
    out = []
    for i in range(batch):
        label = torch.zeros(1, *size, dtype=torch.long)
        label[0, 10:14, 20 + i : 24 + i] = 1
        sample = SegDataSample(gt_sem_seg=PixelData(data=label))
        sample.set_metainfo(
            dict(img_shape=size, ori_shape=size, pad_shape=size)
        )
        out.append(sample)
    return out


def images(batch: int = 2, size: tuple = (64, 64)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, 3, *size, generator=generator)
