"""What is misspelt on a command line is an error, what may be meant is not."""

import sys
from argparse import ArgumentParser

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from fdep_mm.core.config_check import merge_options
from fdep_mm.core.options import OptionAction
from fdep_mm.registry import MODELS

CONFIG = 'acm/acm_1xb16-12e_synthetic-128x128'


@pytest.fixture
def cfg(repo):
    return Config.fromfile(repo / f'configs/{CONFIG}.py')


@pytest.mark.parametrize(
    ('key', 'nearest'),
    [
        ('train_cf.max_epochs', 'train_cfg'),
        ('load_form', 'load_from'),
        ('train_cfg.max_epoch', 'max_epochs'),
        ('randomness.sed', 'seed'),
        ('train_dataloader.batchsize', 'batch_size'),
        ('model.decode_head.dropot', 'dropout'),
        ('optim_wrapper.optimizer.weightdecay', 'weight_decay'),
        ('default_hooks.finite_loss.actoin', 'action'),
        ('default_hooks.checkpiont.interval', 'checkpoint'),
        ('test_evaluator.0.treshold', 'threshold'),
        ('train_dataloader.dataset.num_image', 'num_images'),
    ],
)
def test_the_nearest_name_is_told(cfg, key, nearest):
    with pytest.raises(ValueError) as error:
        merge_options(cfg, {key: 1})
    assert f'nearest: {nearest!r}' in str(error.value)
    assert str(error.value).startswith(f'--cfg-options {key.split(".")[0]}')


@pytest.mark.parametrize(
    'options',
    [
        {'train_dataloader.pin_memory': True},
        {'default_hooks.checkpoint_all': dict(type='CheckpointHook')},
        {'default_hooks.checkpoint.filename_tmpl': '{}.pth'},
        {
            'optim_wrapper.type': 'AmpOptimWrapper',
            'optim_wrapper.loss_scale': 'dynamic',
        },
        {'optim_wrapper.clip_grad.max_norm': 1},
        {'optim_wrapper.paramwise_cfg': dict(norm_decay_mult=0)},
        {'model.test_cfg.crop_size': (64, 64)},
        {'model.backbone.init_cfg': None},
        {'param_scheduler.0.convert_to_iter_based': True},
        {'randomness.deterministic': True, 'compile': True},
        {'auto_scale_lr.enable': True, 'sync_bn': 'torch'},
        {'custom_hooks.0.num_images': 2, 'visualizer.save_dir': 'x'},
    ],
    ids=str,
)
def test_what_may_be_meant_is_accepted(cfg, options):
    merge_options(cfg, options)
    for key, value in options.items():
        if '.0.' not in key:
            assert value == cfg.get(key) if '.' not in key else True


class Inner:
    """What a component is made of."""

    def __init__(self, depth=1, out_channels=2):
        pass


@MODELS.register_module(force=True)
class Wraps(nn.Module):
    """Hands on what it does not name, as many backbones do."""

    def __init__(self, in_channels=3, **kwargs):
        super().__init__()
        self.inner = Inner(**kwargs)


@MODELS.register_module(force=True)
class WrapsToo(Wraps):
    """Hands it to its base."""

    def __init__(self, width=1, **kwargs):
        super().__init__(in_channels=max(1, 3), **kwargs)


@pytest.mark.parametrize('kind', ['Wraps', 'WrapsToo'])
def test_arguments_of_a_member_are_accepted(cfg, kind):
    """And those that nearly are the component's own are not."""
    cfg.model.backbone = dict(type=f'fdep_mm.{kind}')
    options = {'model.backbone.depth': 2, 'model.backbone.out_channels': 1}
    merge_options(cfg, options)
    assert cfg.model.backbone.depth == 2
    with pytest.raises(ValueError, match="nearest: 'in_channels'"):
        merge_options(cfg, {'model.backbone.in_chanels': 1})


def test_arguments_of_a_base_are_known(cfg):
    """Nothing takes others, though the head hands them on."""
    with pytest.raises(ValueError, match="model.decode_head has no 'depth'"):
        merge_options(cfg, {'model.decode_head.depth': 1})


def test_variables_of_a_config_are_its_own_affair(cfg):
    cfg.update(work_dirs='a', launchers=[], log_levels='b', crop=1)
    merge_options(cfg, {'crop': 2, 'train_cfg.max_epochs': 3})
    assert (cfg.crop, cfg.train_cfg.max_epochs) == (2, 3)


def test_dicts_of_a_command_line():
    parser = ArgumentParser()
    parser.add_argument('--set', nargs='+', action=OptionAction)
    args = ['a.b=3', 'd= my data (2)/']
    args += ["hooks=[dict(type='X', n=(1, 2)), {'type': 'Y'}]"]
    assert vars(parser.parse_args(['--set', *args, 'c=x']))['set'] == {
        'a.b': 3,
        'd': 'my data (2)/',
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


def test_a_place_that_a_list_lacks(cfg):
    with pytest.raises(ValueError, match='Index 99 exceeds'):
        merge_options(cfg, {'train_dataloader.dataset.pipeline.99.a': 1})


def test_other_programs_hear_of_it_too(repo, tmp_path, monkeypatch):
    """As mmseg's own script, which ``mim train`` calls, reads options."""
    words = ['train.py', '--cfg-options', 'train_cf.max_epochs=1']
    monkeypatch.setattr(sys, 'argv', words)
    cfg = Config.fromfile(repo / f'configs/{CONFIG}.py')
    cfg.merge_from_dict({'train_cf.max_epochs': 1})
    cfg.work_dir = str(tmp_path)
    with pytest.raises(ValueError, match="nearest: 'train_cfg'"):
        Runner.from_cfg(cfg).train()
