"""Every detection config: loads, builds, and keeps the house rules.

Those that all configs keep are in test_configs.py.
"""

import copy
import functools
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope, init_default_scope

pytest.importorskip('mmdet.models')

from mmengine.registry import PARAM_SCHEDULERS  # noqa: E402

from fdep_mm.registry import DATASETS, MODELS  # noqa: E402

ROOT = Path(__file__).parents[1] / 'configs'
LEAVES = sorted([*ROOT.rglob('*_r18_*.py'), *ROOT.rglob('*_r50_*.py')])
LEAVES = [p for p in LEAVES if '_base_' not in p.parts]
leaves = pytest.mark.parametrize('path', LEAVES, ids=lambda p: p.stem)

FCOS = ROOT / 'fcos' / 'fcos_r50_fpn_1x_sirstv2.py'
RFLA = ROOT / 'rfla' / 'rfla-fcos_r50_fpn_1x_sirstv2.py'
FASTER_RCNN = ROOT / 'faster_rcnn' / 'faster-rcnn_r50_fpn_1x_sirstv2.py'
FDEP = ROOT / 'fdep'
SYNTHETIC = '{}oscar_r18_fpn-32_1xb16-12e_synthetic-128x128.py'


read = functools.cache(Config.fromfile)


def load(path: Path) -> Config:
    cfg = copy.deepcopy(read(path))
    init_default_scope(cfg.default_scope)
    return cfg


def num_params(model) -> float:
    """In millions, with two digits, as the logs have it."""
    return round(sum(p.numel() for p in model.parameters()) / 1e6, 2)


def test_there_are_leaves():
    names = {p.name for p in LEAVES}
    assert {FCOS.name, RFLA.name, FASTER_RCNN.name} <= names
    for prefix in ('', 'fdep-efficientnet-lite0_'):
        assert SYNTHETIC.format(prefix) in names
    for prefix in ('', 'fdep_'):
        for width in (128, 256):
            assert f'{prefix}oscar_r18_fpn-{width}_1x_sirstv2.py' in names


@leaves
def test_leaf_builds(path):
    cfg = load(path)
    assert DefaultScope.get_current_instance().scope_name == 'mmdet'
    model = MODELS.build(cfg.model)
    preprocessor = model.data_preprocessor
    mean = torch.tensor(cfg.data_preprocessor.mean).view(-1, 1, 1)
    torch.testing.assert_close(preprocessor.mean, mean)
    assert preprocessor.pad_size_divisor == 32
    assert preprocessor._channel_conversion
    assert cfg.train_cfg.max_epochs == 12
    assert cfg.default_hooks.checkpoint.save_best == 'sirst/mNoCoAP'
    head = getattr(model, 'bbox_head', None) or model.roi_head.bbox_head
    assert head.num_classes == 1
    if '_1x_sirstv2' in path.stem:
        assert cfg.train_dataloader.batch_size == 4
    for name in ('val_evaluator', 'test_evaluator'):
        metrics = Evaluator(cfg[name]).metrics
        assert 'NoCoAPMetric' in {type(m).__name__ for m in metrics}


@pytest.mark.parametrize(
    'path', [FCOS, RFLA, FASTER_RCNN], ids=lambda p: p.stem
)
def test_baselines_do_not_make_noco_maps(path):
    cfg = load(path)
    types = [t.type for t in cfg.train_dataloader.dataset.dataset.pipeline]
    assert types == [
        t.type
        for t in Config.fromfile(
            ROOT / '_base_' / 'datasets' / 'sirst-v2_det.py'
        ).train_pipeline
        if 'NoCo' not in t.type
    ]


@pytest.mark.parametrize('path', [FCOS, RFLA], ids=lambda p: p.stem)
def test_backbone_norms_of_fcos_do_not_learn(path):
    """As in the published run of RFLA."""
    backbone = MODELS.build(load(path).model).train().backbone
    norms = [m for m in backbone.modules() if 'BatchNorm' in type(m).__name__]
    assert len(norms) == 53
    assert not any(norm.training for norm in norms)
    assert not any(p.requires_grad for n in norms for p in n.parameters())


def test_parameters_of_the_published_baselines():
    """Those of the logs, which were of the class counts of other data sets."""
    for path, classes, published in (
        (RFLA, 18, 32.15),
        (FASTER_RCNN, 80, 41.75),
    ):
        cfg = load(path)
        assert abs(num_params(MODELS.build(cfg.model)) - published) < 0.5
        head = cfg.model.get('bbox_head') or cfg.model.roi_head.bbox_head
        head.num_classes = classes
        assert num_params(MODELS.build(cfg.model)) == published


def learning_rates(path: Path, iters: int = 576) -> list[float]:
    """Of every iteration of the 12 epochs."""
    cfg = load(path)
    optim_wrapper = build_optim_wrapper(
        torch.nn.Linear(1, 1), cfg.optim_wrapper
    )
    schedulers = [
        PARAM_SCHEDULERS.build(s | dict(optimizer=optim_wrapper.optimizer))
        for s in cfg.param_scheduler
    ]
    rates = []
    for _ in range(cfg.train_cfg.max_epochs):
        for _ in range(iters):
            rates.append(optim_wrapper.optimizer.param_groups[0]['lr'])
            optim_wrapper.optimizer.step()
            for s in schedulers:
                if not s.by_epoch:
                    s.step()
        for s in schedulers:
            if s.by_epoch:
                s.step()
    return rates


def test_learning_rates_of_the_recipes():
    """Iteration and rate, from the published logs (steps at 8 and 11)."""
    epoch = 576
    rfla = learning_rates(RFLA)
    for start, stop, rate in (
        (0, 5000, 5e-3 / 3),
        (8 * epoch, 5000, 5e-4 / 3),
        (5000, 11 * epoch, 5e-4),
        (11 * epoch, 12 * epoch, 5e-5),
    ):
        stop = min(stop, 8 * epoch) if start == 0 else stop
        for i in (start, stop - 1):
            assert rfla[i] == pytest.approx(rate), i
    fcos = learning_rates(FCOS)
    assert fcos[499] == pytest.approx(5e-3 / 3)
    assert fcos[500] == pytest.approx(5e-3)
    assert fcos[-1] == pytest.approx(5e-5)
    faster = learning_rates(FASTER_RCNN)
    assert faster[0] == pytest.approx(1e-5)
    assert faster[500] == pytest.approx(1e-2)
    assert faster[8 * epoch] == pytest.approx(1e-3)


def test_rfla_is_fcos_with_other_labels():
    fcos, rfla = load(FCOS), load(RFLA)
    assert {k for k in fcos if fcos[k] != rfla[k]} == {
        'model',
        'param_scheduler',
    }
    fcos, rfla = MODELS.build(fcos.model), MODELS.build(rfla.model)
    assert fcos.state_dict().keys() == rfla.state_dict().keys()
    assert rfla.bbox_head.sides == [45.5, 133.5, 213.5, 277.5, 405.5]
    assert rfla.bbox_head.assigner.topk == (6, 1)


def batch_of(cfg: Config, num: int = 2) -> dict:
    cfg.train_dataloader.dataset.num_images = num
    items = DATASETS.build(cfg.train_dataloader.dataset)
    items = [items[i] for i in range(num)]
    return {key: [item[key] for item in items] for key in items[0]}


def test_one_step_of_the_synthetic_fdep_config():
    """From the data set through both branches, and back to the plain one."""
    fdep = load(FDEP / SYNTHETIC.format('fdep-efficientnet-lite0_'))
    plain = load(ROOT / 'oscar' / SYNTHETIC.format(''))
    batch = batch_of(plain)
    assert all('gt_noco' in sample for sample in batch['data_samples'])
    fdep.model.vfm = dict(
        type='fdep_mm.FrozenVFM',
        model_name='test_vit',
        out_indices=(1, 3),
        pretrained=False,
    )
    model, plain = MODELS.build(fdep.model), MODELS.build(plain.model)
    assert (
        model.extract_feat(torch.zeros(1, 3, 64, 64))[model.level].shape[-1]
        == 64 // 8
    )  # the coarse level
    data = model.data_preprocessor(batch, training=True)
    total, _ = model.parse_losses(model.train()(**data, mode='loss'))
    total.backward()
    assert total.isfinite()
    keys = plain.load_state_dict(model.state_dict(), strict=False)
    assert keys.missing_keys == []
    assert {k.split('.')[0] for k in keys.unexpected_keys} == {'samf'}


def test_boxes_of_sirst_v2_are_scored_by_pd_and_fa(find_data):
    """The data set gives the metric what it needs."""
    root = str(find_data('sirst-v2'))
    cfg = load(FCOS)
    cfg.test_dataloader.dataset.update(data_root=root, indices=12)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    evaluator = Evaluator(dict(type='fdep_mm.BoxPdFaMetric'))
    for item in (dataset[i] for i in range(len(dataset))):
        sample = item['data_samples']
        sample.pred_instances = sample.gt_instances.clone()
        sample.pred_instances.scores = torch.ones(len(sample.gt_instances))
        evaluator.process([sample])
    assert evaluator.evaluate(12) == {'sirst/Pd': 100.0, 'sirst/Fa': 0.0}
