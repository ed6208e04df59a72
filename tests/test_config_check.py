"""Misspelt settings are refused with the nearest names."""

from argparse import ArgumentParser

import pytest
from mmengine.config import Config

from fdep_mm.core.config_check import check_arguments, check_options
from fdep_mm.core.config_names import one_slip
from fdep_mm.core.options import OptionAction


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


@pytest.mark.parametrize(
    ('change', 'where', 'meant'),
    [
        ({'trian_cfg': dict(max_epochs=3)}, "'trian_cfg'", 'train_cfg'),
        ({'resmue': True}, "'resmue'", 'resume'),
        ({'custom_hook': []}, "'custom_hook'", 'custom_hooks'),
        ({'train_cfg.max_epoch': 3}, 'train_cfg: .*', 'max_epochs'),
        ({'val_cfg.fp_16': True}, 'val_cfg: .*', 'fp16'),
        (
            {'optim_wrapper.optimzer': dict(lr=1)},
            'optim_wrapper: .*',
            'optimizer',
        ),
        (
            {'optim_wrapper.acumulative_counts': 2},
            'optim_wrapper: .*',
            'accumulative_counts',
        ),
        (
            {'optim_wrapper.optimizer.weight_decy': 0.1},
            'optim_wrapper.optimizer: .*',
            'weight_decay',
        ),
        (
            {'train_dataloader.batch_sise': 2},
            'train_dataloader: .*',
            'batch_size',
        ),
        ({'val_dataloader.nonesuch': 2}, 'val_dataloader: .*', ''),
        (
            {'train_dataloader.sampler.shufle': True},
            'train_dataloader.sampler: DefaultSampler .*',
            'shuffle',
        ),
        (
            {'model.data_preprocessor.sice': (8, 8)},
            'model.data_preprocessor: SegDataPreProcessor .*',
            'size',
        ),
        (
            {'train_dataloader.dataset.pipeline.0.type': 'RandomFlip'}
            | {'train_dataloader.dataset.pipeline.0.porb': 0.5},
            'dataset.pipeline.0: RandomFlip .*',
            'prob',
        ),
        ({'default_hooks.timr': {}}, 'default_hooks: .*', 'timer'),
        ({'env_cfg.cudnn_benchmrk': 1}, 'env_cfg: .*', 'cudnn_benchmark'),
        ({'randomness.sed': 1}, 'randomness: .*', 'seed'),
        ({'auto_scale_lr.enabel': 1}, 'auto_scale_lr: .*', 'enable'),
    ],
)
def test_misspelt_settings_of_others(cfg, change, where, meant):
    """They are in the config file, and MMEngine ignores some of them."""
    cfg.merge_from_dict(change)
    with pytest.raises(ValueError, match=f"{where}.*'{meant}"):
        check_arguments(cfg)


@pytest.mark.parametrize(
    'change',
    [
        {'train_pipelines': [dict(type='RandomFlip', prob=0.3)]}
        | {'a': [dict(type='RandomFlip', prob=0.3)]},  # used, so well spelt
        {'val_pipeline': []},
        {'vit_cfg': dict(depth=3)},
        {'test_dataloader2': dict(batch_size=1)},
        {'models': ['a'], 'img_scale': (1, 1), 'vfm': {}, 'steps': [1]},
        {'model.decode_head.norm_cfg': dict(type='BN', requires_grad=True)},
        {'model.auxiliary_head': dict(type='FCNHead', of_the_user=1)},
        {'model.loss': dict(type='CrossEntropyLoss', bg_cls_weight=0.1)},
        {'model.head': dict(type='FCNHead', in_indices=1)},
        {'model.extra': dict(type='NobodysNetwork', sice=1)},
        {'model.other': dict(type='nopackage.Network', sice=1)},
        {'train_cfg': dict(type='UsersLoop', max_epoch=3)},
        {'train_cfg': dict(by_epoch=False, max_iters=3, val_begin=2)},
        {'optim_wrapper': dict(type='AmpOptimWrapper', loss_scale=8)},
        {'train_dataloader.collate_fn': dict(type='pseudo_collate')},
        {'test_dataloader': [dict(batch_size=1)]},
    ],
    ids=str,
)
def test_what_may_be_meant_is_accepted(cfg, change):
    if 'model.decode_head.norm_cfg' in change:
        cfg.model.decode_head = dict(type='FCNHead', channels=8)
    for key in ('train_cfg', 'optim_wrapper', 'test_dataloader'):
        if key in change:
            cfg.pop(key)
    cfg.merge_from_dict(change)
    check_arguments(cfg)


def test_one_slip():
    name = 'train_cfg'
    for word in ('trian_cfg', 'tran_cfg', 'train__cfg', 'train_cgf'):
        assert one_slip(word, name), word
    assert one_slip('train_cff', name)
    for word in (name, 'train1_cfg', 'train_cf1', 'trianc_fg', 'train', ''):
        assert not one_slip(word, name), word
    assert one_slip('modle', 'model') and not one_slip('models', 'model')
    assert one_slip('models', 'model', length=4)


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


def test_dicts_of_a_command_line():
    parser = ArgumentParser()
    parser.add_argument('--set', nargs='+', action=OptionAction)
    args = ['a.b=3', "hooks=[dict(type='X', n=(1, 2)), {'type': 'Y'}]"]
    assert vars(parser.parse_args(['--set', *args, 'c=x']))['set'] == {
        'a.b': 3,
        'hooks': [dict(type='X', n=(1, 2)), dict(type='Y')],
        'c': 'x',
    }


@pytest.mark.parametrize('text', ['dict(n=open(1))', '[dict(n=1]', 'dict(1)'])
def test_dicts_that_are_no_settings(text, capsys):
    parser = ArgumentParser()
    parser.add_argument('--set', nargs='+', action=OptionAction)
    with pytest.raises(SystemExit):
        parser.parse_args(['--set', f'hooks={text}'])
    assert f'hooks={text}: give literals' in capsys.readouterr().err
