import pytest
import torch

from fdep_mm.models.necks import SAMF, SAMFNeck


def test_block_follows_the_figure():
    torch.manual_seed(0)
    block = SAMF(8, 5).eval()
    feat, prior = torch.randn(2, 8, 6, 4), torch.randn(2, 5, 6, 4)
    half1, half2 = feat[:, :4], feat[:, 4:]
    y1 = block.conv_c(half1 * block.conv_a(prior))
    y2 = block.conv_d(half2 + block.conv_b(prior))
    expected = block.conv_e(torch.cat([y1, y2], 1) + feat)
    torch.testing.assert_close(block(feat, prior), expected)


def test_block_has_five_convolutions():
    block = SAMF(8, 5)
    convs = [m for m in block.modules() if isinstance(m, torch.nn.Conv2d)]
    shapes = [tuple(c.weight.shape) for c in convs]
    assert shapes == [(4, 5, 1, 1)] * 2 + [(4, 4, 3, 3)] * 2 + [(8, 8, 3, 3)]


def test_prior_is_resized_to_the_feature():
    block = SAMF(8, 5).eval()
    feat = torch.randn(1, 8, 6, 4)
    flat = torch.full((1, 5, 2, 3), 0.7)
    torch.testing.assert_close(
        block(feat, flat), block(feat, torch.full((1, 5, 6, 4), 0.7))
    )


def test_chain_takes_priors_in_order():
    neck = SAMFNeck(8, (5, 3)).eval()
    feat = torch.randn(1, 8, 4, 4)
    priors = torch.randn(1, 5, 4, 4), torch.randn(1, 3, 2, 2)
    expected = neck.blocks[1](neck.blocks[0](feat, priors[0]), priors[1])
    torch.testing.assert_close(neck(feat, priors), expected)


def test_norm_and_act_can_be_switched_off():
    block = SAMF(8, 5, norm_cfg=None, act_cfg=None)
    names = [type(m).__name__ for m in block.modules()]
    assert 'BatchNorm2d' not in names and 'ReLU' not in names


def test_odd_channels():
    with pytest.raises(ValueError, match='must be even, got 7'):
        SAMF(7, 5)


def test_wrong_number_of_priors():
    with pytest.raises(ValueError, match='2 blocks.*got 1 priors'):
        SAMFNeck(8, (5, 3))(torch.zeros(1, 8, 4, 4), [torch.zeros(1, 5, 4, 4)])


def test_no_prior():
    with pytest.raises(ValueError, match='at least one prior'):
        SAMFNeck(8, ())


def test_identity_start_changes_nothing_yet_and_learns():
    neck = SAMFNeck(8, (5, 3), identity_start=True)
    neck.init_weights()  # as a Runner does
    feat = torch.randn(2, 8, 4, 4)
    priors = torch.randn(2, 5, 4, 4), torch.randn(2, 3, 2, 2)
    out = neck(feat, priors)
    torch.testing.assert_close(out, feat, atol=0.2, rtol=0)
    out.square().sum().backward()
    assert neck.blocks[0].conv_c.norm.weight.grad.abs().sum() > 0
    with pytest.raises(ValueError, match='needs a norm_cfg'):
        SAMFNeck(8, (5,), norm_cfg=None, identity_start=True)
