"""Train, validate, keep the best, resume: OSCAR on eight scenes."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

pytest.importorskip('mmdet.models')

CONFIG = (
    Path(__file__).parents[2]
    / 'configs/oscar/oscar_r18_fpn-32_1xb16-12e_synthetic-128x128.py'
)


def train(work_dir: Path, epochs: int, resume: Path | None = None) -> Runner:
    """The synthetic config, shrunk to seconds."""
    cfg = Config.fromfile(CONFIG)
    cfg.work_dir = str(work_dir)
    cfg.train_cfg.update(max_epochs=epochs, val_interval=1)
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    for name in ('train', 'val'):
        loader = cfg[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(
            num_images=8, img_size=(64, 64), num_targets=(1, 3)
        )
    cfg.train_dataloader.batch_size = 4
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]
    cfg.randomness = dict(seed=0, deterministic=True)
    cfg.experiment_name = f'oscar_{work_dir.name}_{epochs}'
    cfg.resume, cfg.load_from = resume is not None, resume and str(resume)
    runner = Runner.from_cfg(copy.deepcopy(cfg))
    runner.train()
    return runner


def read(path: Path) -> dict:
    return torch.load(path, weights_only=False)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('oscar')
    return work_dir, train(work_dir, 2)


def test_scores_and_checkpoints(trained):
    work_dir, runner = trained
    scores = runner.message_hub.log_scalars
    for prefix in ('sirst', 'pixel'):
        for key in ('mNoCoAP', 'NoCoAP10', 'NoCoAP90'):
            history = scores[f'val/{prefix}/{key}'].data[0]
            assert len(history) == 2 and (0 <= history).all()
    names = {path.name for path in work_dir.glob('*.pth')}
    assert {'epoch_1.pth', 'epoch_2.pth'} <= names
    (best,) = work_dir.glob('best_sirst_mNoCoAP_epoch_*.pth')
    hub = read(best)['message_hub']['runtime_info']
    history = scores['val/sirst/mNoCoAP'].data[0]
    assert hub['best_score'] == pytest.approx(max(history))
    first, last = (
        read(work_dir / f'epoch_{i}.pth')['state_dict'] for i in (1, 2)
    )
    assert any(not torch.equal(first[key], last[key]) for key in last)
    assert all(value.isfinite().all() for value in last.values())


def test_resume_continues_exactly(trained, tmp_path):
    work_dir, _ = trained
    runner = train(tmp_path, 2, resume=work_dir / 'epoch_1.pth')
    assert not (tmp_path / 'epoch_1.pth').exists()
    assert runner.epoch == 2
    whole, resumed = (
        read(folder / 'epoch_2.pth')['state_dict']
        for folder in (work_dir, tmp_path)
    )
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key
