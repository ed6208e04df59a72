import hashlib
import os.path as osp
import pickle
from functools import partial

import mmseg
import pytest
import torch
from builders import NET_NAMES, build, fdep_cfg, host_cfg, images, samples
from child_processes import run_ranks
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from torch.nn.modules.batchnorm import _BatchNorm
from torch_hosts import torch_cfg

MMSEG_MODELS = osp.join(
    osp.dirname(mmseg.__file__), '.mim', 'configs', '_base_', 'models'
)


def mmseg_cfg(name: str, **kwargs) -> dict:
    """A model of mmseg's base configs under FDEP, by inheritance."""
    cfg = Config.fromfile(osp.join(MMSEG_MODELS, f'{name}.py'))
    cfg.norm_cfg.type = 'BN'  # SyncBN needs a GPU
    cfg.model.backbone.pop('norm_cfg', None)
    cfg.model.decode_head.norm_cfg = cfg.norm_cfg
    cfg.model.decode_head.num_classes = 2
    fdep = fdep_cfg(**kwargs)
    for key in ('backbone', 'decode_head', 'test_cfg'):
        fdep.pop(key)
    cfg.merge_from_dict(dict(model=fdep))
    return cfg.model


def unet_cfg() -> dict:
    cfg = mmseg_cfg('fcn_unet_s5-d16', bottleneck=0)
    cfg.backbone.base_channels = 8  # a test needs no 29 M parameters
    cfg.test_cfg = dict(mode='whole')
    cfg.decode_head.update(in_channels=8, channels=8)
    cfg.auxiliary_head.update(
        in_channels=16, channels=8, norm_cfg=dict(type='BN')
    )
    return cfg


def step(model):
    model.train()
    total, logs = model.parse_losses(model.loss(images(), samples()))
    total.backward()
    return logs


HOSTS = {net: partial(fdep_cfg, net) for net in NET_NAMES} | {
    'ALCNetOrig': lambda: fdep_cfg(  # smaller shifts for smaller images
        'ALCNetOrig',
        decode_head=dict(type='fdep_mm.ALCNetOrigHead', shifts=(5, 7)),
    ),
    'UNet': unet_cfg,
    'SegFormer': lambda: mmseg_cfg('segformer_mit-b0'),
}


@pytest.fixture(scope='module', params=HOSTS)
def stepped(request):
    """A config, its network after one step, and what that logged."""
    cfg = HOSTS[request.param]()
    model = build(cfg)
    return cfg, model, step(model)


def test_one_step_and_both_branches(stepped):
    _, model, logs = stepped
    names = {k for k in logs if k != 'loss'}
    assert {n.split('.')[0] for n in names} == {'main', 'light'}
    unused = [n for n, p in model.named_parameters() if p.grad is None]
    assert unused == []


def test_the_light_branch_is_the_host(stepped, monkeypatch):
    """The same weights, plain host: no key missing, the same bits."""
    cfg, model, _ = stepped
    plain = {
        k: v for k, v in cfg.items() if k not in ('vfm', 'samf', 'bottleneck')
    }
    plain = build(plain | dict(type='EncoderDecoder'))
    keys = plain.load_state_dict(model.state_dict(), strict=False)
    assert keys.missing_keys == []
    assert {k.split('.')[0] for k in keys.unexpected_keys} == {'samf'}
    model.eval(), plain.eval()
    for mode in (
        dict(mode='whole'),
        dict(mode='slide', crop_size=(64, 64), stride=(32, 32)),
    ):
        for m in (model, plain):
            monkeypatch.setattr(m, 'test_cfg', Config(mode))
        out = [m.predict(images(1, (64, 96))) for m in (model, plain)]
        assert torch.equal(
            out[0][0].seg_logits.data, out[1][0].seg_logits.data
        )
    assert torch.equal(model(images()), plain(images()))


def test_testing_touches_neither_vfm_nor_samf(stepped, monkeypatch):
    _, model, _ = stepped

    def fail(*args):
        raise AssertionError('called at test time')

    for part in (model.vfm, model.samf):
        monkeypatch.setattr(part, 'forward', fail)
    model.eval().predict(images())
    model(images())


def test_encoder_runs_once_decoder_twice():
    model = build(fdep_cfg())
    calls = []
    model.backbone.register_forward_hook(lambda *a: calls.append('encoder'))
    model.decode_head.fuse2.register_forward_hook(
        lambda *a: calls.append('decoder')
    )
    step(model)
    assert calls == ['encoder', 'decoder', 'decoder']


def test_unet_is_cut_at_its_bottleneck():
    from fdep_mm.models.segmentors.split import decode, encode

    backbone = build(HOSTS['UNet']()).backbone
    backbone.eval()
    x = images()
    with torch.no_grad():
        parts = decode(backbone, encode(backbone, x))
        whole = backbone(x)
    assert all(torch.equal(a, b) for a, b in zip(parts, whole, strict=True))


@pytest.mark.parametrize('host', ['ACM', 'UNet'])
def test_networks_can_be_pickled(host):
    model = build(HOSTS[host]()).eval()
    copy = pickle.loads(pickle.dumps(model))
    assert torch.equal(copy(images()), model(images()))


def test_light_losses_are_the_hosts_losses():
    model = build(fdep_cfg(loss_weights=dict(main=3.0, light=0.5))).train()
    for m in model.modules():  # dropout would differ between two passes
        if isinstance(m, torch.nn.Dropout):
            m.p = 0.0
    ours = model.loss(images(), samples())
    host = build(host_cfg()).train()
    host.load_state_dict(model.state_dict(), strict=False)
    for m in host.modules():
        if isinstance(m, torch.nn.Dropout):
            m.p = 0.0
    theirs = host.loss(images(), samples())['decode.loss_edge_bce']
    torch.testing.assert_close(
        ours['light.decode.loss_edge_bce'], 0.5 * theirs
    )

    feats = list(model.backbone(images()))
    pixels = images() * 40 + 100
    feats[-1] = model.samf(feats[-1], model.vfm(pixels))
    main = model.decode_head.loss(feats, samples(), {})['loss_edge_bce']
    torch.testing.assert_close(ours['main.decode.loss_edge_bce'], 3 * main)


def test_vfm_sees_the_augmented_pixels():
    model = build(fdep_cfg())
    seen = []
    forward = model.vfm.forward
    model.vfm.forward = lambda x: seen.append(x) or forward(x)
    model.train().loss(images(), samples())
    torch.testing.assert_close(seen[0], images() * 40 + 100)


def running_stats(module):
    return {
        n: (m.running_mean.clone(), m.running_var.clone())
        for n, m in module.named_modules()
        if isinstance(m, _BatchNorm)
    }


@pytest.mark.parametrize('net', ['ACM', 'MSDANet'])
def test_running_statistics_are_the_light_branchs(net):
    """Also of blocks that both branches share, as MSDANet's transfers."""
    model = build(fdep_cfg(net))
    host = build(host_cfg(net))
    host.load_state_dict(model.state_dict(), strict=False)
    step(model), step(host)
    ours, theirs = (
        running_stats(model.decode_head),
        running_stats(host.decode_head),
    )
    assert len(ours) > 5
    for name, stats in theirs.items():
        torch.testing.assert_close(ours[name], stats)
    assert {
        m.momentum for m in model.modules() if isinstance(m, _BatchNorm)
    } == {0.1}


def test_norms_are_restored_after_an_error():
    model = build(fdep_cfg()).train()
    with pytest.raises(ValueError, match='must be the same'):
        model.loss(images(), samples(1))
    assert {
        m.momentum for m in model.modules() if isinstance(m, _BatchNorm)
    } == {0.1}


def test_the_main_branch_can_be_kept_at_test():
    model = build(fdep_cfg(test_branch='main')).eval()
    with torch.no_grad():
        given = dict(inputs=images(), data_samples=samples())
        feats = model.backbone(given['inputs'])
        priors = model.vfm(model._pixels(given['inputs']))
        fused = [*feats[:-1], model.samf(feats[-1], priors)]
        main = model(**given, mode='tensor')
        assert torch.equal(main, model.decode_head(fused))
        model.test_branch = 'light'
        light = model(**given, mode='tensor')
        assert torch.equal(light, model.decode_head(feats))
        assert not torch.allclose(main, light)


def test_bottleneck_out_of_range():
    with pytest.raises(ValueError, match='bottleneck=3.*gives 3 features'):
        build(fdep_cfg(bottleneck=3))


def test_odd_bottleneck_channels():
    cfg = fdep_cfg()
    cfg['samf'] = dict(type='fdep_mm.SAMFNeck', in_channels=63)
    with pytest.raises(ValueError, match='must be even, got 63'):
        build(cfg)


def test_bottleneck_that_no_head_reads():
    cfg = mmseg_cfg('segformer_mit-b0')
    cfg['decode_head'].update(in_channels=[32, 64, 160], in_index=[0, 1, 2])
    with pytest.raises(
        ValueError, match=r'bottleneck=3: .*It reads \[0, 1, 2\]'
    ):
        step(build(cfg))


def test_bad_options():
    with pytest.raises(ValueError, match="test_branch='both': give one of"):
        build(fdep_cfg(test_branch='both'))
    with pytest.raises(ValueError, match=r"got \['light'\]"):
        build(fdep_cfg(loss_weights=dict(light=1.0)))


DDP_CASES = {  # network, and whether in mixed precision
    'float32': (fdep_cfg(), False),
    'bfloat16': (fdep_cfg(), True),
    'TorchNet, bfloat16': (torch_cfg('Net'), True),
}


def ddp_worker(rank: int, world: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=world
    )
    found = {name: train(rank, *case) for name, case in DDP_CASES.items()}
    torch.save(found, f'{folder}/{rank}.pt')
    torch.distributed.destroy_process_group()


def train(rank: int, cfg: dict, amp: bool) -> tuple[str, bool]:
    """Two steps; the hash of the weights, and whether the loss is finite."""
    model = MMDistributedDataParallel(build(cfg), find_unused_parameters=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    for i in range(2):  # the second step fails if a gradient was missing
        torch.manual_seed(10 * rank + i)
        x = torch.randn(2, 3, 64, 64)
        with torch.autocast('cpu', torch.bfloat16, enabled=amp):
            losses = model(x, samples(), mode='loss')
            total, _ = model.module.parse_losses(losses)
        total.backward()
        optimizer.step()
        optimizer.zero_grad()
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    digest = hashlib.sha256(weights.numpy().tobytes()).hexdigest()
    return digest, bool(torch.isfinite(total))


def test_two_processes(tmp_path):
    first, second = run_ranks(ddp_worker, 2, tmp_path)
    assert first == second
    assert len({digest for digest, _ in first.values()}) == len(DDP_CASES)
    assert all(finite for _, finite in first.values())
