"""The prior reaches what is deployed, or a sentence says why it cannot."""

import pytest
from builders import RANDOM_VFM, build, fdep_cfg, images, samples
from mmengine.model import BaseModule
from torch import nn

from fdep_mm.models.layers import SIRSTHead
from fdep_mm.registry import MODELS


@MODELS.register_module(force=True)
class Pyramid(BaseModule):
    """Features of strides 2, 8, 4; one tensor, or others in evaluation."""

    def __init__(self, kind: str = 'pyramid'):
        super().__init__()
        self.kind = kind
        self.convs = nn.ModuleList(nn.Conv2d(3, 4, 1) for _ in range(3))

    def forward(self, x):
        feats = [
            conv(x[:, :, ::stride, ::stride])
            for conv, stride in zip(self.convs, (2, 8, 4), strict=True)
        ]
        if self.kind == 'one tensor':
            return feats[1]
        one = dict(differs=self, inside=self.convs[0]).get(self.kind)
        if one is not None and not one.training:
            return feats[0]
        return feats


@MODELS.register_module(force=True)
class PickingHead(SIRSTHead):
    """Reads one feature, or the tensor that it is given."""

    def __init__(self, index: int | None = 0, in_place: bool = False):
        super().__init__(in_channels=(4,))
        self.index = index
        self.in_place = in_place
        self.conv = nn.Conv2d(4, 1, 1)

    def forward(self, inputs):
        x = inputs if self.index is None else inputs[self.index]
        if self.in_place:
            x += 1
        return self.conv(x)


def cfg(kind='pyramid', head=None, **kwargs):
    return fdep_cfg() | dict(
        backbone=dict(type='fdep_mm.Pyramid', kind=kind),
        decode_head=dict(head or {}, type='fdep_mm.PickingHead'),
        **kwargs,
    )


def step(model):
    return model.train().loss(images(), samples())


@pytest.mark.parametrize(
    'given, index', [('deepest', 1), ('finest', 0), (2, 2), (-1, -1)]
)
def test_which_feature_is_replaced(given, index):
    model = build(cfg(bottleneck=given))
    assert model.bottleneck == index
    assert model._find_features() == [4]


def test_several_features_get_a_samf_each():
    model = build(fdep_cfg(bottleneck=[-1, -2, -1]))
    channels = [feat.shape[1] for feat in model.extract_feat(images())]
    assert [samf.blocks[0].conv_e.in_channels for samf in model.samf] == [
        *channels[:-3:-1]
    ]
    model.parse_losses(step(model))[0].backward()
    assert all(weight.grad.any() for weight in model.samf.parameters())


def test_no_feature_at_all_is_refused():
    with pytest.raises(ValueError, match=r'bottleneck=\[\]: '):
        build(fdep_cfg(bottleneck=[]))


def test_each_of_several_features_is_read():
    with pytest.raises(ValueError, match=r'=\[0, 1\]: .*reads \[0\]'):
        step(build(cfg(bottleneck=[0, 1])))


def test_an_auxiliary_head_alone_does_not_count():
    auxiliary = dict(type='fdep_mm.PickingHead', index=1)
    model = build(cfg(auxiliary_head=auxiliary))
    with pytest.raises(ValueError, match=r'bottleneck=1: .*It reads \[0\]'):
        step(model)
    model = build(cfg(auxiliary_head=auxiliary, bottleneck=0))
    losses = step(model)
    key = 'decode.loss_edge_bce'
    assert losses[f'main.{key}'] != losses[f'light.{key}']


def test_an_encoder_of_one_tensor():
    model = build(cfg('one tensor', dict(index=None)))
    losses = step(model)
    assert len(set(losses.values())) == 2
    assert model.eval()(images()).shape == (2, 1, 8, 8)


@pytest.mark.parametrize('index', [0, 1])
def test_changes_in_place_are_found(index):
    head = dict(index=index, in_place=True)
    model = build(cfg(head=head, bottleneck=0))
    with pytest.raises(ValueError, match=r'changes a feature .* in place'):
        step(model)


def test_features_of_training_are_those_of_evaluation():
    message = 'Pyramid gives .*in evaluation'
    with pytest.raises(ValueError, match=message):
        build(cfg('differs'))
    model = build(cfg('inside'))
    with pytest.raises(ValueError, match=message):
        step(model)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(num_stages=2), r"without \['num_stages'\]"),
        (dict(decode_head=[dict(), dict()]), 'no cascade of heads'),
    ],
)
def test_other_segmentors_are_refused(change, message):
    with pytest.raises(TypeError, match=message):
        build(cfg() | change)


@pytest.mark.parametrize(
    'parts', [('backbone', 'rpn_head', 'roi_head'), ('detector',)]
)
def test_other_detectors_are_refused(parts):
    pytest.importorskip('mmdet.models')
    import fdep_mm.detection  # noqa: F401, registers

    other = dict.fromkeys(parts, {})
    other |= dict(type='fdep_mm.COISDDetector', vfm=RANDOM_VFM, samf={})
    with pytest.raises(TypeError, match=rf"'{parts[-1]}'\] belong"):
        build(other)
