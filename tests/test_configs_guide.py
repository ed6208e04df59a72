"""The code blocks of configs/README.md, run as a reader would."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from tool_runs import run_tool

from fdep_mm.models.segmentors import host_cfg
from fdep_mm.models.two_passes import tensors_in
from fdep_mm.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / 'tests/test_models'))
from builders import images, samples  # noqa: E402

PAGE = (ROOT / 'configs/README.md').read_text()
BLOCKS = re.findall(r'```python\n(.*?)```', PAGE, re.S)
RANDOM_VFM = dict(
    _delete_=True,
    type='fdep_mm.FrozenVFM',
    model_name='test_vit',
    out_indices=(1,),
    pretrained=False,
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder of the reader's with the named blocks as files."""
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    for block in BLOCKS:
        name = re.match(r'# (\w+\.py)\n', block)
        if name:
            (tmp_path / name[1]).write_text(block)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    init_default_scope('mmseg')
    return tmp_path


def one_step(cfg: Config) -> dict:
    model = MODELS.build(cfg.model).train()
    label = torch.zeros(1, 64, 64, dtype=torch.long)
    label[0, 8:12, 8:12] = 1
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label))] * 2
    total, logs = model.parse_losses(
        model.loss(torch.randn(2, 3, 64, 64), samples)
    )
    total.backward()
    assert all(p.grad is not None for p in model.parameters())
    return logs


def test_a_leaf_put_together(project):
    """It differs from that of NUAA-SIRST by the data alone."""
    cfg = Config.fromfile('acm_sirst3.py')
    leaf = Config.fromfile(
        ROOT / 'configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py'
    )
    assert cfg.model.backbone == leaf.model.backbone
    assert cfg.data_preprocessor.mean != leaf.data_preprocessor.mean
    assert cfg.model.data_preprocessor == cfg.data_preprocessor
    for key in ('optim_wrapper', 'train_cfg', 'default_hooks'):
        assert cfg[key] == leaf[key]


def test_own_folder_of_images_and_masks(project):
    for folder in ('images', 'masks'):
        (project / 'my data' / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem in ('a', 'b'):
        image = rng.integers(0, 255, (300, 280)).astype(np.uint8)
        mask = np.zeros_like(image)
        mask[20:24, 30:33] = 255
        cv2.imwrite(f'my data/images/{stem}.png', image)
        cv2.imwrite(f'my data/masks/{stem}.png', mask)
    Path('my data/train.txt').write_text('a\n')
    Path('my data/test.txt').write_text('b\n')
    cfg = Config.fromfile('my_alcnet.py')
    train = DATASETS.build(cfg.train_dataloader.dataset)[0]
    test = DATASETS.build(cfg.test_dataloader.dataset)[0]
    assert train['inputs'].shape == (3, 256, 256)
    assert test['inputs'].shape == (3, 300, 280)
    assert test['data_samples'].gt_sem_seg.data.sum() == 12
    line = re.search(r'python tools/(check_dataset.py) "(my data)"', PAGE)
    assert '0 errors' in run_tool(*line.groups()).out
    model = MODELS.build(cfg.model)
    assert model.data_preprocessor.std.flatten().tolist() == [31.0] * 3


def two_steps(cfg: Config, data: dict) -> None:
    """Both branches learn; alone, the host gives the light branch's bits."""
    cfg.merge_from_dict(dict(model=dict(vfm=dict(RANDOM_VFM))))
    cfg.model.pop('pretrained', None)
    for part in ('backbone', 'neck', 'bbox_head'):
        if part in cfg.model:
            cfg.model[part].pop('init_cfg', None)
    model = MODELS.build(cfg.model).train()
    model.init_weights()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(2):
        total, logs = model.parse_losses(model.loss(**data))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert total.isfinite()
    both = {branch: {} for branch in ('main', 'light')}
    for key, value in logs.items():
        branch, _, name = key.partition('.')
        both.get(branch, {})[name] = value
    assert both['main'].keys() == both['light'].keys()
    assert both['main'] != both['light']
    plain = MODELS.build(host_cfg(cfg.model)).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    inputs = next(iter(data.values()))
    with torch.no_grad():
        outputs = [list(tensors_in(m(inputs))) for m in (model.eval(), plain)]
    assert len(outputs[0]) > 0 and all(map(torch.equal, *outputs))


def other_host(name: str, host: str) -> Config:
    """A config of the page with the path of another host that it names."""
    (path,) = re.findall(rf'`({host}/\S+\.py)`', PAGE)
    file = Path(name)
    text, times = re.subn(r"'\w+/[\w.-]+\.py'", f"'{path}'", file.read_text())
    assert times == 1
    file.write_text(text)
    return Config.fromfile(file)


@pytest.mark.parametrize('name', ['segformer', 'deeplab', 'torch'])
def test_fdep_on_a_segmentor_of_others(project, name):
    if name == 'torch':
        pytest.importorskip('segmentation_models_pytorch')
    cfg = Config.fromfile(
        f'{"my_unet" if name == "torch" else f"fdep_{name}"}.py'
    )
    assert cfg.model.vfm.model_name.startswith('vit_small_patch16_dinov3')
    assert cfg.train_dataloader.dataset.data_root.endswith('NUAA-SIRST/')
    two_steps(cfg, dict(inputs=images(), data_samples=samples()))


def test_any_network(project, monkeypatch):
    """The commands, with a stand-in for the package of the block."""

    class Unet(torch.nn.Module):
        def __init__(self, encoder_name, encoder_weights, classes):
            super().__init__()
            layer = torch.nn.Conv2d(3, 8, 3, stride=4, padding=1)
            self.encoder = torch.nn.ModuleDict(dict(layer4=layer))
            self.head = torch.nn.Conv2d(8, classes, 1)

        def forward(self, x):
            return self.head(self.encoder['layer4'](x).relu())

    package = SimpleNamespace(Unet=Unet)
    monkeypatch.setitem(sys.modules, 'segmentation_models_pytorch', package)
    lines = re.findall(r'python tools/(\S+) (.*)\n', PAGE)
    (shown,) = [a for tool, a in lines if tool.endswith('/bottlenecks.py')]
    config = shown.partition(' ')[0]
    found = run_tool('analysis_tools/bottlenecks.py', config).out
    cfg = Config.fromfile(config)
    assert f'{cfg.backbone.bottleneck} ' in found
    cfg.merge_from_dict(dict(model=dict(vfm=dict(RANDOM_VFM))))
    net = MODELS.build(cfg.model).backbone.net
    state = {f'backbone.net.{k}': v for k, v in net.state_dict().items()}
    (files,) = [a for tool, a in lines if tool.endswith('/unwrap.py')]
    trained, own = files.split()
    Path(trained).parent.mkdir(parents=True)
    torch.save(dict(state_dict=state), trained)
    done = run_tool('model_converters/unwrap.py', trained, own)
    assert done.code == 0
    Unet('', None, 1).load_state_dict(torch.load(own))


@pytest.mark.parametrize('host', ['upernet', 'unet'])
def test_other_hosts(project, host):
    cfg = other_host('fdep_deeplab.py', host)
    two_steps(cfg, dict(inputs=images(), data_samples=samples()))


@pytest.mark.parametrize(
    'name, settings',
    [
        (
            'stdc/stdc1_4xb12-80k_cityscapes-512x1024.py',
            dict(bottleneck=3),
        ),
        (
            'segmenter/segmenter_vit-t_mask_8xb1-160k_ade20k-512x512.py',
            dict(
                backbone=dict(img_size=(64, 64)),
                decode_head=dict(num_classes=2),
            ),
        ),
    ],
    ids=['STDC', 'Segmenter'],
)
def test_hosts_that_need_settings(name, settings, project):
    cfg = Config.fromfile('configs/_base_/fdep_host.py')
    model = Config.fromfile(cfg.mmseg_configs + name).model
    model.update(cfg.fdep)
    if 'decode_head' not in settings:
        for head in (model.decode_head, *model.auxiliary_head[:2]):
            head.update(cfg.one_channel)
    cfg = Config(dict(model=model))
    cfg.merge_from_dict(dict(model=settings))
    two_steps(cfg, dict(inputs=images(), data_samples=samples()))


@pytest.mark.parametrize('host', ['retinanet', 'rtmdet'])
def test_fdep_on_a_detector_of_others(project, host):
    pytest.importorskip('mmdet.models')
    from detector_builders import det_samples

    name = 'fdep_retinanet.py'
    if host == 'retinanet':
        cfg = Config.fromfile(name)
    else:
        cfg = other_host(name, host)
    init_default_scope('mmdet')
    data = dict(batch_inputs=images(), batch_data_samples=det_samples())
    two_steps(cfg, data)


def test_another_vfm(project):
    (block,) = [b for b in BLOCKS if 'vfm=dict(' in b and '_delete_' in b]
    (project / 'other_vfm.py').write_text(
        "_base_ = 'configs/fdep/fdep_alcnet_1xb16-400e_"
        f"nuaa-sirst-256x256.py'\n{block}"
    )
    cfg = Config.fromfile('other_vfm.py')
    model = MODELS.build(cfg.model)
    assert model.vfm.channels == (192, 384, 768)


def test_own_network(project):
    cfg = Config.fromfile('my_net_nuaa.py')
    assert 'decode' in ' '.join(one_step(cfg))
    cfg.merge_from_dict(
        dict(
            model=dict(
                type='fdep_mm.COISDSegmentor',
                vfm=RANDOM_VFM | dict(_delete_=False),
                samf=dict(type='fdep_mm.SAMFNeck'),
            )
        )
    )
    cfg.model.vfm.pop('_delete_', None)
    one_step(cfg)
    sys.modules.pop('my_net')
