"""One training step of FDEP's configs, at the smallest size.

Of each network with the smallest VFM, and of two with a ViT.
"""

from pathlib import Path

import pytest
from builders import NET_NAMES, SMALLEST, build, images, samples
from mmengine.config import Config

FDEP = Path(__file__).parents[2] / 'configs/fdep'
LEAVES = [
    *sorted(FDEP.glob('fdep-efficientnet-lite0_*_nuaa-sirst-256x256.py')),
    *sorted(FDEP.glob('fdep_alcnet*_nuaa-sirst-256x256.py')),
]


def test_there_are_leaves():
    assert len(LEAVES) >= len(NET_NAMES) + 2


@pytest.mark.parametrize('path', LEAVES, ids=lambda p: p.stem.split('_1x')[0])
def test_one_step(path):
    cfg = Config.fromfile(path).model
    cfg.vfm.update(pretrained=False, checkpoint=None)  # random weights
    if 'net' in cfg.backbone:
        pytest.importorskip(cfg.backbone.net.partition(':')[0])
    model = build(cfg).train()
    net = type(model.backbone).__name__.removesuffix('Encoder')
    assert net in (*NET_NAMES, 'TorchNet')
    size = (SMALLEST.get(net, 64),) * 2
    total, logs = model.parse_losses(
        model.loss(images(2, size), samples(2, size))
    )
    total.backward()
    assert total.isfinite()
    assert {k.split('.')[0] for k in logs} == {'main', 'light', 'loss'}
    for name, p in model.named_parameters():
        if p.grad is None:  # layers that another package never runs
            assert net == 'TorchNet', name
        else:
            assert p.grad.isfinite().all(), name
