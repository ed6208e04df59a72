"""Train, stop, resume, test: the stock Runner on the synthetic config."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

CONFIGS = Path(__file__).parents[2] / 'configs'
FDEP = (
    CONFIGS
    / 'fdep'
    / ('fdep-efficientnet-lite0_alcnet_1xb16-12e_synthetic-128x128.py')
)


def small_config(work_dir: Path, epochs: int = 2) -> Config:
    """The quickstart's config, shrunk to seconds and made deterministic."""
    cfg = Config.fromfile(FDEP)
    cfg.work_dir = str(work_dir)
    cfg.train_cfg.update(max_epochs=epochs, val_interval=1)
    cfg.default_hooks.checkpoint.interval = 1
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    cfg.model.vfm = dict(
        type='fdep_mm.FrozenVFM',
        model_name='test_vit',
        out_indices=(1, 3),
        pretrained=False,
    )
    cfg.model.decode_head.dropout = 0.0  # RNG states are not in checkpoints
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(num_images=8, img_size=(64, 64))
        loader.dataset.pipeline = [dict(type='PackSegInputs')]
    cfg.train_dataloader.batch_size = 4
    cfg.data_preprocessor.size = (64, 64)
    cfg.model.data_preprocessor = cfg.data_preprocessor
    cfg.test_dataloader.dataset.num_targets = (1, 3)
    cfg.randomness = dict(seed=0, deterministic=True)
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]
    cfg.custom_hooks = []  # curves take longer than a test
    cfg.experiment_name = f'run_{work_dir.name}_{epochs}'
    return cfg


def train(cfg: Config) -> Runner:
    runner = Runner.from_cfg(copy.deepcopy(cfg))
    runner.train()
    return runner


def weights(path: Path) -> dict:
    return torch.load(path, weights_only=False)['state_dict']


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('a run')
    return work_dir, train(small_config(work_dir, epochs=3))


def test_checkpoints(trained):
    work_dir, _ = trained
    names = {p.name for p in work_dir.glob('*.pth')}
    assert {'epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth'} <= names
    assert any(n.startswith('best_sirst_IoU') for n in names)
    state = weights(work_dir / 'epoch_3.pth')
    parts = {k.split('.')[0] for k in state}
    assert parts == {'backbone', 'decode_head', 'samf'}


def test_optimizer_has_no_vfm_entry(trained):
    _, runner = trained
    groups = runner.optim_wrapper.optimizer.param_groups
    ours = sum(p.numel() for g in groups for p in g['params'])
    samf = sum(p.numel() for p in runner.model.samf.parameters())
    assert ours == 427_109 + samf


def test_resume_continues_exactly(trained, tmp_path):
    work_dir, _ = trained
    cfg = small_config(tmp_path, epochs=3)
    cfg.resume, cfg.load_from = True, str(work_dir / 'epoch_1.pth')
    train(cfg)
    whole, resumed = (
        weights(folder / 'epoch_3.pth') for folder in (work_dir, tmp_path)
    )
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key
    first = weights(work_dir / 'epoch_1.pth')
    assert not torch.equal(
        first['samf.blocks.0.conv_a.weight'],
        whole['samf.blocks.0.conv_a.weight'],
    )


def test_the_host_config_tests_the_checkpoint_alike(trained, tmp_path):
    """FDEP config and plain host config: the same scores, to the bit."""
    work_dir, _ = trained
    cfg = small_config(tmp_path / 'fdep')
    cfg.load_from = str(work_dir / 'epoch_3.pth')
    host = copy.deepcopy(cfg)
    for key in ('vfm', 'samf'):
        host.model.pop(key)
    host.model.type = 'EncoderDecoder'
    host.work_dir = str(tmp_path / 'host')
    host.experiment_name = 'host'
    scores = [Runner.from_cfg(c).test() for c in (cfg, host)]
    assert scores[0].keys() == scores[1].keys()
    assert {'sirst/IoU', 'sirst/Pd', 'hse/HSE'} <= scores[0].keys()
    for key, value in scores[0].items():
        torch.testing.assert_close(value, scores[1][key], rtol=0, atol=0)


def test_test_leaves_curves_and_overlays(trained, tmp_path):
    work_dir, _ = trained
    cfg = small_config(tmp_path)
    cfg.custom_hooks = Config.fromfile(FDEP).custom_hooks
    cfg.load_from = str(work_dir / 'epoch_3.pth')
    Runner.from_cfg(cfg).test()
    names = {p.name for p in tmp_path.rglob('*.*')}
    assert {'curves_test.png', 'result.json'} <= names
    assert len(list(tmp_path.rglob('overlays/*.png'))) == 8


def test_a_test_set_without_targets(trained, tmp_path):
    work_dir, _ = trained
    cfg = small_config(tmp_path)
    cfg.load_from = str(work_dir / 'epoch_3.pth')
    cfg.test_dataloader.dataset.num_targets = (0, 0)
    with pytest.warns(UserWarning, match='holds a target'):
        scores = Runner.from_cfg(cfg).test()
    assert scores.pop('sirst/Fa') >= 0
    for key in ('sirst/IoU', 'sirst/nIoU', 'sirst/Pd', 'hse/HSE'):
        assert scores[key] != scores[key]  # NaN


def test_slide(trained, tmp_path):
    work_dir, _ = trained
    cfg = small_config(tmp_path)
    cfg.load_from = str(work_dir / 'epoch_3.pth')
    cfg.model.test_cfg = dict(
        mode='slide', crop_size=(32, 32), stride=(16, 16)
    )
    scores = Runner.from_cfg(cfg).test()
    assert 0 <= scores['hse/HSE'] <= 100


def test_tta_is_the_mean_of_the_flips(trained, tmp_path):
    work_dir, _ = trained
    cfg = small_config(tmp_path)
    cfg.load_from = str(work_dir / 'epoch_3.pth')
    cfg.model = dict(cfg.tta_model, module=cfg.model)
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    runner = Runner.from_cfg(cfg)
    scores = runner.test()
    assert 0 <= scores['hse/HSE'] <= 100

    tta = runner.model.eval()
    batch = next(iter(runner.test_dataloader))
    with torch.no_grad():
        (merged,) = tta.test_step(batch)
        host = tta.module
        first = dict(
            inputs=[batch['inputs'][0][0]],
            data_samples=[batch['data_samples'][0][0]],
        )
        x = host.data_preprocessor(first, False)['inputs']
        views = [
            host(x).sigmoid(),
            host(x.flip(-1)).sigmoid().flip(-1),
            host(x.flip(-2)).sigmoid().flip(-2),
        ]
    torch.testing.assert_close(
        merged.seg_logits.data, (sum(views) / 3)[0], rtol=0, atol=1e-6
    )
    assert merged.gt_sem_seg.data.sum() > 0
