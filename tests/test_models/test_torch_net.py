"""Networks of other packages as hosts."""

import pytest
import torch
import torch_hosts
from builders import build, fdep_cfg, images, samples
from mmengine.config import Config
from torch_hosts import hand_cut_cfg, torch_cfg


def train(model, steps=2):
    """Losses of some steps; what has no gradient; norms' update counts."""
    torch.manual_seed(1)
    optimizer = torch.optim.AdamW(model.train().parameters(), lr=1e-3)
    logged = []
    for _ in range(steps):
        losses = model.loss(images(), samples())
        total, _ = model.parse_losses(losses)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        logged.append({k: v.item() for k, v in losses.items()})
    return logged


def without_gradient(model):
    return [n for n, p in model.named_parameters() if p.grad is None]


def by_hand_name(key: str) -> str:
    for place in ('encoder', 'decoder'):
        ours = f'backbone.net.{place}.'
        theirs = 'backbone.' if place == 'encoder' else 'decode_head.decoder.'
        key = key.replace(ours, theirs)
    return key


@pytest.mark.parametrize('dropout', [0.0, 0.5])
def test_training_is_that_of_a_network_cut_by_hand(dropout):
    """Losses, weights and norms' statistics, to the bit."""
    found = build(torch_cfg('Net', kwargs=dict(dropout=dropout)))
    expected = build(hand_cut_cfg(dropout))
    state = {by_hand_name(k): v for k, v in found.state_dict().items()}
    expected.load_state_dict(state)
    assert train(found) == train(expected)
    for key, value in found.state_dict().items():
        other = expected.state_dict()[by_hand_name(key)]
        assert torch.equal(value, other), key


@pytest.mark.parametrize(
    'net, kwargs',
    [
        ('DecidesOnData', {}),
        ('Checkpointed', {}),
        ('DeeplySupervised', dict(output=-1)),
        ('GivesDict', dict(output='out')),
        ('EndsInSigmoid', dict(activated=True)),
        ('Net', dict(bottleneck='encoder', index=1)),
        ('Net', dict(bottleneck='encoder', index=0)),
    ],
)
def test_networks_train_and_are_deployed_as_they_are(net, kwargs):
    model = build(torch_cfg(net, **kwargs))
    train(model, 1)
    assert without_gradient(model) == []
    plain = getattr(torch_hosts, net)()
    state = model.state_dict()
    prefix = 'backbone.net.'
    plain.load_state_dict(
        {k[len(prefix) :]: v for k, v in state.items() if 'samf' not in k}
    )
    with torch.no_grad():
        found, expected = model.eval()(images()), plain.eval()(images())
    if net == 'GivesDict':
        expected = expected['out']
    if net == 'EndsInSigmoid':
        torch.testing.assert_close(found.sigmoid(), expected)
    else:
        assert torch.equal(found, expected)
    updates = {k: int(v) for k, v in state.items() if 'num_batches' in k}
    if net != 'Checkpointed':  # whose backward pass runs the stem again
        assert updates[f'{prefix}encoder.stem.1.num_batches_tracked'] == 1


@pytest.mark.parametrize(
    'net, message',
    [('EndsInSigmoid', 'activated=True'), ('Cropped', r'\(2, 1, 60, 60\)')],
)
def test_what_does_not_fit_is_refused_at_test(net, message):
    model = build(torch_cfg(net, fdep=False)).eval()
    with pytest.raises(ValueError, match=message):
        model(images())


def test_a_constant_image_says_nothing_of_a_sigmoid():
    """Tools that count operations or export run one."""
    model = build(torch_cfg('EndsInSigmoid', fdep=False)).eval()
    constant = images()[..., :1, :1].expand(-1, -1, 64, 64)
    assert model(constant).sigmoid().min() > 0.5  # not inverted
    with pytest.raises(ValueError, match='activated=True'):
        model(images())


def test_alone():
    model = build(torch_cfg('DeeplySupervised', fdep=False, output=-1))
    (losses,) = train(model, 1)
    assert without_gradient(model) == []
    assert [*losses] == ['decode.loss_edge_bce']
    assert model.eval().predict(images())[0].seg_logits.shape == (64, 64)


@pytest.mark.parametrize(
    'net, kwargs, message',
    [
        ('Net', dict(bottleneck='encoder.dep'), "nearest: 'encoder.deep'"),
        ('Net', dict(bottleneck=None), 'needs a bottleneck'),
        ('Twice', {}, 'more than once'),
        ('Net', dict(bottleneck='encoder.stem.1'), 'in place'),
        ('DeeplySupervised', dict(bottleneck='side'), 'never run'),
        ('Net', dict(bottleneck='encoder'), r'set index, one of \[0, 1\]'),
        ('DeeplySupervised', {}, 'set output, the index'),
        ('GivesDict', {}, r"\['out', 'feature'\]: set output"),
        ('EndsInSigmoid', {}, 'activated=True'),
        ('Cropped', {}, r'\(2, 1, 60, 60\) for images \(2, 3, 64, 64\)'),
        ('PythonRandom', {}, 'does not repeat its operations'),
        ('ChangesSkip', {}, 'the host changes .* in place'),
        (
            'torch.nn:Flatten',
            dict(kwargs=dict(start_dim=2), bottleneck=''),
            r'gives \(1, 3, 4096\), not',
        ),
    ],
)
def test_what_does_not_fit_is_refused(net, kwargs, message):
    with pytest.raises(ValueError, match=message):
        train(build(torch_cfg(net, **kwargs)), 1)


def test_compiled_training():
    """What is cut runs as it is, the rest is compiled."""
    model = build(torch_cfg('Net')).train()
    plain = model.loss(images(), samples())
    torch._dynamo.reset()
    compiled = torch.compile(model.loss, backend='eager')
    torch.testing.assert_close(compiled(images(), samples()), plain)


GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')


@pytest.mark.parametrize(
    'device, dtype',
    [
        ('cpu', torch.bfloat16),
        pytest.param('cuda', torch.bfloat16, marks=GPU),
        pytest.param('cuda', torch.float16, marks=GPU),
    ],
)
@pytest.mark.parametrize(
    'cfg',
    [
        fdep_cfg(decode_head=dict(type='fdep_mm.ALCNetHead', dropout=0.0)),
        torch_cfg('Net'),
    ],
    ids=['ALCNet', 'TorchNet'],
)
def test_mixed_precision(cfg, device, dtype):
    """Losses are those of float32, and a step leaves finite weights."""
    model = build(cfg).to(device).train()
    data = images().to(device), [one.to(device) for one in samples()]
    expected = model.loss(*data)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scaler = torch.amp.GradScaler(
        device, init_scale=128.0, enabled=dtype == torch.float16
    )
    before = [p.detach().clone() for p in model.parameters()]
    with torch.autocast(device, dtype):
        found = model.loss(*data)
        total, _ = model.parse_losses(found)
    scaler.scale(total).backward()
    scaler.step(optimizer)
    torch.testing.assert_close(
        found, expected, rtol=0.05, atol=0.05, check_dtype=False
    )
    after = [*model.parameters()]
    assert all(p.isfinite().all() for p in after)
    assert not all(map(torch.equal, before, after))


def test_onnx(tmp_path):
    pytest.importorskip('onnxruntime')
    from fdep_mm.apis.card import ModelCard
    from fdep_mm.deployment.export import export, max_difference
    from fdep_mm.deployment.light_branch import LightBranch

    model = build(torch_cfg('DeeplySupervised', fdep=False, output=-1))
    card = ModelCard(
        *('0', 'segmentation', 'Net', 'net', ('target',)),
        *((90.0,) * 3, (30.0,) * 3, 1, (0.0,) * 3, 0.5),
    )
    network = LightBranch(model, card, bgr_to_rgb=False)
    batch = torch.rand(1, 3, 96, 64) * 255
    assert max_difference(network, export(network), [batch.numpy()]) < 1e-5


@pytest.mark.parametrize(
    'net, kwargs',
    [
        (
            'segmentation_models_pytorch:Unet',
            dict(
                kwargs=dict(
                    encoder_name='resnet18', encoder_weights=None, classes=1
                ),
                bottleneck='encoder.layer4',
            ),
        ),
        (
            'segmentation_models_pytorch:UnetPlusPlus',
            dict(
                kwargs=dict(
                    encoder_name='resnet18', encoder_weights=None, classes=1
                ),
                bottleneck='encoder.layer4',
            ),
        ),
        (
            'torchvision.models.segmentation:fcn_resnet50',
            dict(
                kwargs=dict(
                    weights=None, weights_backbone=None, num_classes=1
                ),
                bottleneck='backbone.layer4',
                output='out',
            ),
        ),
    ],
)
def test_networks_of_other_packages(net, kwargs):
    pytest.importorskip(net.partition('.')[0].partition(':')[0])
    for fdep in (False, True):
        model = build(torch_cfg(net, fdep=fdep, **kwargs))
        train(model)
        assert without_gradient(model) == []


@pytest.mark.parametrize(
    'name, never_run',
    [
        ('mshnet', {'output_1', 'output_2', 'output_3', 'final'}),
        ('sctransnet', {'mtc'}),  # its position embeddings
    ],
)
def test_networks_with_configs(name, never_run, repo):
    backbone = Config.fromfile(
        repo / f'configs/_base_/models/{name}.py'
    ).model.backbone
    pytest.importorskip(backbone.net.partition(':')[0])
    for fdep in (False, True):
        model = build(torch_cfg(fdep=fdep, **backbone))
        train(model)
        unused = {key.split('.')[2] for key in without_gradient(model)}
        assert unused == never_run
