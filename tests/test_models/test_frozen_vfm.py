import copy

import pytest
import timm
import torch
from builders import build

from fdep_mm.models.backbones import FrozenVFM

SMALL = dict(model_name='test_vit', out_indices=(1, 3, 5), pretrained=False)


@pytest.fixture
def vit_file(tmp_path):
    """A file with weights of timm's smallest ViT, and the model."""
    torch.manual_seed(1)
    model = timm.create_model('test_vit', dynamic_img_size=True).eval()
    path = tmp_path / 'a b.pth'
    torch.save(model.state_dict(), path)
    return str(path), model


def test_maps_equal_timms(vit_file):
    path, model = vit_file
    vfm = FrozenVFM('test_vit', (1, 3), checkpoint=path)
    pixels = torch.rand(2, 3, 160, 160) * 255
    x = (pixels / 255 - 0.5) / 0.5  # timm's record of this model
    expected = model.forward_intermediates(
        x, indices=[1, 3], norm=True, intermediates_only=True
    )
    for got, want in zip(vfm(pixels), expected, strict=True):
        torch.testing.assert_close(got, want)


def test_safetensors(vit_file, tmp_path):
    from safetensors.torch import save_file

    path, model = vit_file
    save_file(model.state_dict(), tmp_path / 'vit.safetensors')
    other = FrozenVFM(
        'test_vit', (1,), checkpoint=str(tmp_path / 'vit.safetensors')
    )
    pixels = torch.rand(1, 3, 32, 32) * 255
    assert torch.equal(
        other(pixels)[0],
        FrozenVFM('test_vit', (1,), checkpoint=path)(pixels)[0],
    )


def test_shape_and_feature_info():
    vfm = FrozenVFM('test_efficientnet', (1, 3), pretrained=False)
    info = timm.create_model('test_efficientnet').feature_info
    assert vfm.channels == (info[1]['num_chs'], info[3]['num_chs'])
    maps = vfm(torch.zeros(2, 3, 64, 96))
    for m, channels, stride in zip(
        maps, vfm.channels, vfm.strides, strict=True
    ):
        assert m.shape == (2, channels, 64 // stride, 96 // stride)


@pytest.mark.parametrize('indices', [(3, 1), (1, 1, 3)])
def test_timm_gives_maps_in_ascending_order(indices):
    with pytest.raises(ValueError, match='must be ascending'):
        FrozenVFM('test_vit', indices, pretrained=False)


def test_blocks_after_the_last_index_are_dropped():
    vfm = FrozenVFM('test_vit', (1, 3), pretrained=False)
    vfm.init_weights()
    assert len(vfm._vfm.module.blocks) == 4


def test_nothing_to_train_or_to_save():
    vfm = FrozenVFM(**SMALL).train()
    maps = vfm(torch.rand(1, 3, 32, 32))
    assert list(vfm.parameters()) == []
    assert vfm.state_dict() == {}
    assert not any(m.requires_grad for m in maps)
    assert not vfm._vfm.module.training
    assert not any(p.requires_grad for p in vfm._vfm.module.parameters())


def test_construction_loads_no_weights(vit_file):
    path, _ = vit_file
    vfm = FrozenVFM('test_vit', (1,), checkpoint=path)
    assert vfm._vfm.module is None
    vfm.init_weights()
    assert vfm._vfm.module is not None


def test_random_vfm_is_the_same_every_time():
    pixels = torch.rand(1, 3, 32, 32) * 255
    torch.manual_seed(3)
    first = FrozenVFM(**SMALL)(pixels)[0]
    state = torch.random.get_rng_state()
    second = FrozenVFM(**SMALL)(pixels)[0]
    assert torch.equal(first, second)
    assert torch.equal(state, torch.random.get_rng_state())
    assert not torch.equal(first, FrozenVFM(**SMALL, seed=1)(pixels)[0])


def test_deep_copy_shares_the_weights():
    vfm = FrozenVFM(**SMALL)
    vfm.init_weights()
    assert copy.deepcopy(vfm)._vfm.module is vfm._vfm.module


def test_any_size_and_input_scale():
    maps = FrozenVFM(**SMALL)(torch.zeros(1, 3, 50, 33))
    assert maps[0].shape[-2:] == (3, 2)
    maps = FrozenVFM(**SMALL, input_scale=2.0)(torch.zeros(1, 3, 64, 32))
    assert maps[0].shape[-2:] == (8, 4)


def test_grey_equals_replicated_grey():
    vfm, gray = FrozenVFM(**SMALL), torch.rand(1, 1, 32, 32) * 255
    assert torch.equal(vfm(gray)[0], vfm(gray.expand(-1, 3, -1, -1))[0])


def test_amp_returns_float32():
    pixels = torch.rand(1, 3, 32, 32) * 255
    full = FrozenVFM(**SMALL)(pixels)[0]
    half = FrozenVFM(**SMALL, amp_dtype='bfloat16')(pixels)[0]
    assert half.dtype == torch.float32 and not torch.equal(half, full)
    torch.testing.assert_close(half, full, rtol=0.1, atol=0.1)


def test_as_a_plain_mmseg_backbone():
    model = build(
        dict(
            type='EncoderDecoder',
            data_preprocessor=dict(type='SegDataPreProcessor'),
            backbone=dict(type='fdep_mm.FrozenVFM', **SMALL),
            decode_head=dict(
                type='FCNHead', in_channels=64, channels=8, num_classes=2
            ),
            test_cfg=dict(mode='whole'),
        )
    ).eval()
    assert model(torch.rand(1, 3, 64, 64)).shape == (1, 2, 4, 4)
    assert not any(k.startswith('backbone') for k in model.state_dict())


def test_unknown_name():
    with pytest.raises(ValueError, match='test_vitt.*nearest.*test_vit'):
        FrozenVFM('test_vitt')


@pytest.mark.parametrize('indices', [(1, 6), (-1,), ()])
def test_out_indices_beyond_the_depth(indices):
    with pytest.raises(ValueError, match=r'must lie in 0\.\.5.*6 feature'):
        FrozenVFM('test_vit', indices)


def test_weights_unavailable(monkeypatch):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')

    def offline(name, pretrained=False, **kwargs):
        raise OSError('no network')

    vfm = FrozenVFM('test_vit', (1,))
    monkeypatch.setattr(timm, 'create_model', offline)
    with pytest.raises(
        RuntimeError, match="'test_vit'.*checkpoint=.*safetensors"
    ):
        vfm.init_weights()


def test_missing_file():
    vfm = FrozenVFM('test_vit', (1,), checkpoint='no/such.pth')
    with pytest.raises(RuntimeError, match="'no/such.pth'.*'test_vit'"):
        vfm.init_weights()


def test_file_of_another_architecture(vit_file):
    vfm = FrozenVFM('test_vit2', (1,), checkpoint=vit_file[0])
    with pytest.raises(
        RuntimeError, match="a b.pth.*'test_vit2'.*another architecture"
    ):
        vfm.init_weights()


class Evil:
    def __reduce__(self):
        return print, ('unpickled',)


def test_pickles_are_refused(tmp_path, capsys):
    path = str(tmp_path / 'evil.pth')
    torch.save(dict(weight=Evil()), path)
    vfm = FrozenVFM('test_vit', (1,), checkpoint=path)
    with pytest.raises(RuntimeError, match='evil.pth.*tensors only'):
        vfm.init_weights()
    assert 'unpickled' not in capsys.readouterr().out


def test_norm_that_changes_the_width():
    vfm = FrozenVFM('samvit_base_patch16.sa1b', (0,), pretrained=False)
    with pytest.raises(ValueError, match='set norm=False'):
        vfm(torch.zeros(1, 3, 32, 32))


def test_memory_format_changes_the_time_only():
    pixels = torch.rand(2, 3, 64, 64) * 255
    options = dict(
        model_name='test_efficientnet', out_indices=(1, 3), pretrained=False
    )
    vfm = FrozenVFM(**options, channels_last=True)
    seen = []
    vfm.init_weights()
    vfm._vfm.module.conv_stem.register_forward_hook(
        lambda module, args, out: seen.append((module.weight, args[0]))
    )
    for ours, theirs in zip(
        vfm(pixels), FrozenVFM(**options)(pixels), strict=True
    ):
        torch.testing.assert_close(ours, theirs)
    for tensor in seen[0]:
        assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_compile(monkeypatch):
    """The compiled function runs; what the compiler does is not ours."""
    compiled = []

    def fake(function):
        return lambda *args, **kwargs: (
            compiled.append(1) or function(*args, **kwargs)
        )

    monkeypatch.setattr(torch, 'compile', fake)
    pixels = torch.rand(1, 3, 32, 32) * 255
    maps = FrozenVFM(**SMALL, compile=True)(pixels)
    assert compiled == [1]
    assert torch.equal(maps[0], FrozenVFM(**SMALL)(pixels)[0])
    assert compiled == [1]


def test_attention_is_pytorchs_fused_one():
    vfm = FrozenVFM(**SMALL)
    vfm.init_weights()
    assert all(block.attn.fused_attn for block in vfm._vfm.module.blocks)
