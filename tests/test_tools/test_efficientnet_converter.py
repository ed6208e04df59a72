"""The converted network computes what the original checkpoint computes."""

from importlib.util import module_from_spec, spec_from_file_location
from math import ceil

import pytest
import timm
import torch
import torch.nn.functional as F
from tool_runs import TOOLS, run_tool

TOOL = TOOLS / 'model_converters/efficientnet_lite.py'
# (blocks, kernel, stride, expansion) of each stage of lite0: arXiv 1905.11946,
# table 1; lite2 has 1.2 times the blocks, rounded up, but at both ends
STAGES = (
    (1, 3, 1, 1),
    (2, 3, 2, 6),
    (2, 5, 2, 6),
    (3, 3, 2, 6),
    (3, 5, 1, 6),
    (4, 5, 2, 6),
    (1, 3, 1, 6),
)


@pytest.fixture(scope='module')
def tool():
    spec = spec_from_file_location('efficientnet_lite_converter', TOOL)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module', params=['lite0', 'lite2'])
def variant(request):
    return request.param


@pytest.fixture(scope='module')
def original(tool, variant):
    package = tool.PACKAGE.format(variant)
    pytest.importorskip(package, reason=f'{package} is not installed')
    path = tool.find_packaged_checkpoint(variant)
    return torch.load(path, weights_only=True)


def _conv(x, weight, stride=1, groups=1):
    """Convolve with TensorFlow's SAME padding: the odd pixel goes last."""
    kernel = weight.shape[-1]
    pads = []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.conv2d(F.pad(x, pads), weight, stride=stride, groups=groups)


def _norm(x, weights, name):
    return F.batch_norm(
        x,
        *(
            weights[f'{name}.{leaf}']
            for leaf in ('running_mean', 'running_var', 'weight', 'bias')
        ),
        eps=1e-3,
    )


def _block(x, weights, name, stride, expansion):
    skip = x
    if expansion > 1:
        x = _conv(x, weights[f'{name}._expand_conv.weight'])
        x = F.relu6(_norm(x, weights, f'{name}._bn0'))
    depthwise = weights[f'{name}._depthwise_conv.weight']
    x = _conv(x, depthwise, stride, groups=x.shape[1])
    x = F.relu6(_norm(x, weights, f'{name}._bn1'))
    x = _conv(x, weights[f'{name}._project_conv.weight'])
    x = _norm(x, weights, f'{name}._bn2')
    return x + skip if stride == 1 and x.shape == skip.shape else x


def _reference_logits(x, weights, scale):
    """EfficientNet-Lite on the original names: (B, 3, H, W) -> (B, 1000)."""
    x = _conv(x, weights['_conv_stem.weight'], stride=2)
    x = F.relu6(_norm(x, weights, '_bn0'))
    number = 0
    for depth, kernel, stride, expansion in STAGES:
        for index in range(depth if depth == 1 else ceil(depth * scale)):
            name = f'_blocks.{number}'
            depthwise = weights[f'{name}._depthwise_conv.weight']
            assert depthwise.shape[-1] == kernel
            x = _block(
                x, weights, name, stride if index == 0 else 1, expansion
            )
            number += 1
    x = _conv(x, weights['_conv_head.weight'])
    x = F.relu6(_norm(x, weights, '_bn1')).mean((2, 3))
    return F.linear(x, weights['_fc.weight'], weights['_fc.bias'])


def test_logits_equal_the_reference_network(original, variant, tmp_path):
    dst = tmp_path / 'new folder' / 'lite 0.pth'
    result = run_tool(TOOL, '--variant', variant, dst)
    assert result.code == 0, result.err
    assert list(dst.parent.iterdir()) == [dst]
    weights = torch.load(dst, weights_only=True)
    model = timm.create_model(f'tf_efficientnet_{variant}', pretrained=False)
    model.load_state_dict(weights, strict=True)
    image = (
        torch.rand(2, 3, 97, 128, generator=torch.Generator().manual_seed(0))
        * 2
        - 1
    )
    with torch.no_grad():
        got = model.eval()(image)
        want = _reference_logits(
            image, original, dict(lite0=1, lite2=1.2)[variant]
        )
    assert want.std() > 0.1  # two dead networks would agree as well
    torch.testing.assert_close(got, want, atol=1e-4, rtol=0)


def test_source_file_can_be_named(original, variant, tool, tmp_path):
    src, dst = tmp_path / 'a.pth', tmp_path / 'b.pth'
    torch.save(original, src)
    result = run_tool(TOOL, '--variant', variant, '--src', src, dst)
    assert result.code == 0, result.err
    got = torch.load(dst, weights_only=True)
    assert got.keys() == tool.convert(original, variant).keys()
    other = 'lite2' if variant == 'lite0' else 'lite0'
    with pytest.raises(ValueError, match='_blocks'):
        tool.convert(original, other)


@pytest.mark.parametrize(
    'key', ['layer1.0.weight', '_blocks.16._bn1.weight', '_bn9.weight']
)
def test_foreign_checkpoint_is_refused(tool, key):
    with pytest.raises(ValueError, match=f"'{key}' is no layer of"):
        tool.convert({key: torch.zeros(1)}, 'lite0')


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['out.bin'], 'end the name with .pth'),
        (['--src', 'none.pth', 'out.pth'], 'none.pth: no such file'),
    ],
)
def test_wrong_arguments_give_one_line(args, message):
    result = run_tool(TOOL, *args)
    assert result.code == 2
    assert message in result.err
