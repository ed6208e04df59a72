"""Deeply supervised networks: every output of both branches has its loss."""

import pytest
import torch
from builders import build, fdep_cfg, host_cfg, images, samples

from fdep_mm.models.losses import EdgeBCELoss, SoftIoULoss


@pytest.mark.parametrize('net, num', [('DNANet', 4), ('UIUNet', 7)])
def test_every_output_of_both_branches_is_supervised(net, num):
    model = build(fdep_cfg(net)).train()
    calls = []
    model.decode_head.loss_decode.register_forward_hook(
        lambda module, args, value: calls.append((args[0], value))
    )
    losses = model.loss(images(), samples())
    assert len(calls) == 2 * num
    for logits, _ in calls:
        assert logits.shape == (2, 1, 64, 64) and logits.requires_grad
    assert len({id(logits) for logits, _ in calls}) == 2 * num
    values = [value for _, value in calls]
    for branch, part in (('light', values[:num]), ('main', values[num:])):
        found = losses[f'{branch}.decode.loss_edge_bce']
        torch.testing.assert_close(found, sum(part))


@pytest.mark.parametrize('net', ['DNANet', 'UIUNet'])
def test_without_deep_supervision_each_branch_has_one_loss(net):
    head = dict(type=f'fdep_mm.{net}Head', deep_supervision=False)
    model = build(fdep_cfg(net, decode_head=head)).train()
    calls = []
    model.decode_head.loss_decode.register_forward_hook(
        lambda *args: calls.append(args)
    )
    model.loss(images(), samples())
    assert len(calls) == 2


def test_loss_of_several_outputs_is_their_sum():
    cfg = host_cfg('DNANet')
    cfg['decode_head']['loss_decode'] = [
        dict(type='fdep_mm.EdgeBCELoss'),
        dict(type='fdep_mm.SoftIoULoss'),
    ]
    head = build(cfg).decode_head
    logits = torch.randn(4, 2, 1, 64, 64)
    labels = samples()
    target = torch.cat([s.gt_sem_seg.data for s in labels])
    found = head.loss_by_feat(list(logits), labels)
    assert set(found) == {'loss_edge_bce', 'loss_soft_iou'}
    for loss in (EdgeBCELoss(), SoftIoULoss()):
        expected = sum(loss(x, target) for x in logits)
        torch.testing.assert_close(found[loss.loss_name], expected)
    single = head.loss_by_feat(logits[0], labels)
    assert single.keys() == found.keys()
    for name, value in single.items():
        assert value < found[name]
