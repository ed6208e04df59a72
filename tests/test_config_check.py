"""Misspelt settings are refused with the nearest names."""

import pytest
from mmengine.config import Config

from fdep_mm.config_check import check_arguments, check_options


@pytest.fixture
def cfg(repo):
    return Config.fromfile(
        repo / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
    )


@pytest.mark.parametrize(
    ('option', 'nearest'),
    [
        ('trian_cfg.max_epochs', 'train_cfg'),
        ('train_cfg.max_epoch', 'max_epochs'),
        ('model.decode_head.dropuot', 'dropout'),
        ('train_dataloader.batch_sise', 'batch_size'),
        ('train_dataloader.pin_memori', 'pin_memory'),
        ('randomness.determinstic', 'deterministic'),
        ('val_dataloader.dataset.num_imgs', 'num_images'),
        ('default_hooks.checkpoint.save_lst', 'save_last'),
        ('default_hooks.epoch_sed.type', 'epoch_seed'),
        ('train_dataloader.dataset.pipeline.0.pob', 'prob'),
        ('train_dataloader.dataset.pipeline.9.prob', 'from 0 to 1'),
    ],
)
def test_misspelt_options(cfg, option, nearest):
    with pytest.raises(ValueError, match=nearest) as error:
        check_options(cfg, {option: 1})
    assert f'--cfg-options {option}' in str(error.value)


@pytest.mark.parametrize(
    'option',
    [
        'model.decode_head.dropout',
        'model.decode_head.threshold',
        'train_dataloader.pin_memory',
        'train_dataloader.dataset.pipeline.0.prob',
        'randomness.deterministic',
        'optim_wrapper.clip_grad.max_norm',
        'default_hooks.checkpoint.save_begin',
        'default_hooks.epoch_seed.priority',
        'auto_scale_lr.enable',
        'env_cfg.dist_cfg.backend',
        'val_dataloader.dataset.scr',
        'work_dir',
    ],
)
def test_options_that_a_config_does_not_spell_out(cfg, option):
    check_options(cfg, {option: 1})


@pytest.mark.parametrize(
    ('change', 'texts'),
    [
        (
            {'val_evaluator.0.radus': 2},
            ('val_evaluator.0', "'radus'", "'radius'", 'It takes'),
        ),
        (
            {'model.decode_head.treshold': 0.5},
            ('model.decode_head', "'threshold'"),
        ),
        (
            {'model.backbone.type': 'fdep_mm.ACMEncodr'},
            ('model.backbone', "'ACMEncodr'", "'ACMEncoder'"),
        ),
    ],
)
def test_misspelt_arguments(cfg, change, texts):
    cfg.merge_from_dict(change)
    with pytest.raises(ValueError) as error:
        check_arguments(cfg)
    assert all(text in str(error.value) for text in texts), error.value


def test_every_config_passes(repo, monkeypatch):
    pytest.importorskip('mmdet')
    # one of each folder that has its own components, and the widest ones
    for name in (
        'acm/acm_1xb16-400e_nuaa-sirst-256x256',
        'classical/fkrw_nuaa-sirst',
        'fdep/fdep-dinov3-s16_dnanet_1xb16-400e_nuaa-sirst-256x256',
        'oscar/oscar_r18_fpn-32_1xb16-12e_synthetic-128x128',
        'rfla/rfla-fcos_r50_fpn_1x_sirstv2',
    ):
        check_arguments(Config.fromfile(repo / f'configs/{name}.py'))
