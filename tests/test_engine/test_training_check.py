"""Trainings that would teach nothing end before, or in, their first step."""

from pathlib import Path

import cv2
import mmseg
import numpy as np
import pytest
import torch
from fault_training import tiny_config
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from fdep_mm.engine.hooks import finite_loss_hook
from fdep_mm.registry import MODELS

FCN = dict(
    type='FCNHead',
    in_channels=64,
    channels=8,
    num_convs=1,
    num_classes=2,
    norm_cfg=dict(type='BN'),
)
ONE = dict(FCN, out_channels=1)
BINARY = dict(type='CrossEntropyLoss', use_sigmoid=True)
ONE_BINARY = dict(ONE, loss_decode=BINARY)
UPDATE = dict(  # of KNet's mask kernels
    type='KernelUpdateHead',
    num_classes=2,
    num_ffn_fcs=2,
    num_heads=1,
    num_mask_fcs=1,
    feedforward_channels=8,
    in_channels=8,
    out_channels=8,
    conv_kernel_size=1,
    with_ffn=True,
    feat_transform_cfg=dict(conv_cfg=dict(type='Conv2d'), act_cfg=None),
    kernel_updator_cfg=dict(
        type='KernelUpdator',
        in_channels=8,
        feat_channels=8,
        out_channels=8,
        act_cfg=dict(type='ReLU', inplace=True),
        norm_cfg=dict(type='LN'),
    ),
)
USELESS = [
    (dict(type='TverskyLoss'), 'TverskyLoss teaches nothing'),
    (dict(type='DiceLoss'), 'DiceLoss teaches nothing'),
    (dict(type='DiceLoss', use_sigmoid=False), 'DiceLoss teaches nothing'),
    (dict(type='CrossEntropyLoss'), 'CrossEntropyLoss cannot score'),
    (dict(type='FocalLoss'), 'FocalLoss cannot score'),
    (dict(BINARY, class_weight=[1.0, 9.0]), 'CrossEntropyLoss cannot score'),
    ([BINARY, dict(type='TverskyLoss')], 'TverskyLoss teaches nothing'),
]


def train(tmp_path, decode_head, **val_data):
    cfg = tiny_config(tmp_path, epochs=1)
    cfg.val_dataloader.dataset.update(val_data)
    cfg.model.decode_head = decode_head
    cfg.val_evaluator = dict(type='fdep_mm.SIRSTMetric')
    cfg.default_hooks.checkpoint.save_best = 'sirst/IoU'
    cfg.default_hooks.checkpoint.rule = 'greater'
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


@pytest.mark.parametrize(('loss', 'message'), USELESS)
def test_losses_for_several_classes_on_one_channel(tmp_path, loss, message):
    init_default_scope('mmseg')
    with pytest.raises(ValueError, match=f'{message}.*use_sigmoid=True'):
        MODELS.build(dict(type='fdep_mm.ALCNetHead', loss_decode=loss))
    with pytest.raises(ValueError, match=message):
        train(tmp_path, dict(ONE, loss_decode=loss))


@pytest.mark.parametrize(
    'loss',
    [
        BINARY,
        dict(BINARY, class_weight=[9.0]),
        dict(type='LovaszLoss', loss_type='binary', per_image=True),
        dict(type='fdep_mm.SoftIoULoss'),
        [dict(type='fdep_mm.EdgeBCELoss'), dict(type='fdep_mm.SoftIoULoss')],
    ],
)
def test_losses_that_the_message_names(loss):
    init_default_scope('mmseg')
    MODELS.build(dict(type='fdep_mm.ALCNetHead', loss_decode=loss))


def test_a_loss_without_gradient_ends_the_first_step(tmp_path, monkeypatch):
    name = 'fdep_mm.engine.hooks.finite_loss_hook.check_training'
    monkeypatch.setattr(name, lambda runner: None)
    head = dict(ONE, loss_decode=dict(type='TverskyLoss'))
    with pytest.raises(ValueError, match='first step has no gradient'):
        train(tmp_path, head)


def knet():
    return dict(
        type='IterativeDecodeHead',
        num_stages=1,
        kernel_generate_head=FCN,
        kernel_update_head=[UPDATE],
    )


def mask2former():
    """mmseg's, for three levels, with few queries and layers."""
    pytest.importorskip('mmdet.models')
    name = 'mask2former/mask2former_r50_8xb2-90k_cityscapes-512x1024.py'
    folder = Path(mmseg.__file__).parent / '.mim/configs'
    head = Config.fromfile(folder / name).model.decode_head
    head.update(
        in_channels=[16, 32, 64],
        strides=[4, 8, 16],
        num_classes=2,
        num_queries=5,
        num_transformer_feat_level=2,
    )
    head.pixel_decoder.num_outs = 2
    encoder = head.pixel_decoder.encoder
    encoder.num_layers = 1
    encoder.layer_cfg.self_attn_cfg.num_levels = 2
    head.transformer_decoder.num_layers = 1
    head.loss_cls.class_weight = [1.0, 1.0, 0.1]
    head.train_cfg.num_points = 64
    return head


@pytest.mark.parametrize(
    'head',
    [lambda: FCN, knet, mask2former],
    ids=['fcn', 'knet', 'mask2former'],
)
def test_two_channels_are_trained_and_scored(tmp_path, head):
    runner = train(tmp_path, head())
    (iou,) = runner.message_hub.get_scalar('val/sirst/IoU').data[0]
    assert 0 <= iou <= 100


def test_three_channels_are_refused_before_the_first_step(tmp_path):
    with pytest.raises(ValueError, match='3 output channels.*out_channels=1'):
        train(tmp_path, dict(FCN, num_classes=3))


def test_a_validation_without_targets_chooses_no_checkpoint(tmp_path):
    with pytest.raises(ValueError, match='Pd is not defined: .*no target'):
        train(tmp_path, ONE_BINARY, num_targets=(0, 0))
    assert not list(tmp_path.glob('best_*'))


@pytest.mark.parametrize(('epochs', 'enough'), [(1, 256), (3, 4)])
def test_a_training_without_targets_ends(
    tmp_path, epochs, enough, monkeypatch
):
    monkeypatch.setattr(finite_loss_hook, 'ENOUGH', enough)
    cfg = tiny_config(tmp_path, epochs)
    cfg.train_dataloader.dataset.num_targets = (0, 0)
    with pytest.raises(ValueError, match='none of the first 4 images had a'):
        Runner.from_cfg(cfg).train()
    assert not list(tmp_path.glob('*.pth'))


def test_crops_of_few_images_may_miss_all_targets_at_first(
    tmp_path, monkeypatch
):
    samples = []

    def has_target(sample):
        samples.append(sample)
        return len(samples) > 4  # as many as an epoch has

    monkeypatch.setattr(finite_loss_hook, 'has_target', has_target)
    Runner.from_cfg(tiny_config(tmp_path, epochs=2)).train()
    assert len(samples) > 4 and (tmp_path / 'epoch_2.pth').is_file()


@pytest.mark.parametrize('target', [1, 255])
def test_targets_that_are_read_as_ignore(tmp_path, target):
    for folder, value in (('images', 99), ('masks', target)):
        (tmp_path / folder).mkdir()
        for name in 'ab':
            array = np.zeros((32, 32), np.uint8)
            if folder == 'images' or name == 'b':
                array[4:8, 4:8] = value
            cv2.imwrite(str(tmp_path / folder / f'{name}.png'), array)
    cfg = tiny_config(tmp_path / 'work', epochs=1)
    cfg.train_dataloader.dataset = dict(
        type='fdep_mm.SIRSTDataset',
        data_root=str(tmp_path),
        pipeline=[
            dict(type='fdep_mm.LoadInfraredImage'),
            dict(type='LoadAnnotations'),
            dict(type='PackSegInputs'),
        ],
    )
    if target == 1:
        Runner.from_cfg(cfg).train()
        return
    match = r"b\.png: mmseg's LoadAnnotations.*fdep_mm.LoadSIRSTMask"
    with pytest.raises(ValueError, match=match):
        Runner.from_cfg(cfg).train()


@pytest.mark.parametrize('net', ['ACM', 'DNANet'])
def test_networks_for_one_channel_take_grey_images(net):
    init_default_scope('mmseg')
    cfg = dict(type=f'fdep_mm.{net}Encoder', in_channels=1)
    encoder = MODELS.build(cfg).eval()
    gray = torch.rand(1, 1, 64, 64)
    for one, other in zip(
        encoder(gray), encoder(gray.expand(1, 3, 64, 64)), strict=True
    ):
        torch.testing.assert_close(one, other)
    cfg['in_channels'] = 3
    with pytest.raises(ValueError, match='in_channels=3, got images of 1'):
        MODELS.build(cfg)(gray)
