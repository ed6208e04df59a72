"""An image that breaks in the middle of an epoch of a real training."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from fault_training import tiny_config, train, weights
from mmengine.hooks import Hook

from fdep_mm.registry import HOOKS

NUM = 12  # more than the workers have loaded when the first one is trained on
LAST = f'images/{NUM - 1:02}.png'
PIPELINE = [
    dict(type='fdep_mm.LoadInfraredImage'),
    dict(type='fdep_mm.LoadSIRSTMask'),
    dict(type='PackSegInputs'),
]


@HOOKS.register_module(force=True)
class BreakingHook(Hook):
    """Cuts off the last image after the first iteration of epoch 2."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, **_):
        self.seen += [
            (runner.epoch, Path(sample.img_path).name)
            for sample in data_batch['data_samples']
        ]
        if (runner.epoch, batch_idx) == (1, 0):
            content = self.path.read_bytes()
            self.path.write_bytes(content[: len(content) // 2])


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    root = tmp_path / 'data'
    for folder in ('images', 'masks'):
        (root / folder).mkdir(parents=True)
    for i in range(NUM):
        image = rng.integers(0, 255, (32, 32), dtype=np.uint8)
        cv2.imwrite(str(root / f'images/{i:02}.png'), image)
        cv2.imwrite(str(root / f'masks/{i:02}.png'), image // 250 * 255)
    return root


def config(root, on_error, num_workers):
    cfg = tiny_config(root.parent / 'run')
    cfg.train_dataloader.update(
        batch_size=1,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        sampler=dict(type='DefaultSampler', shuffle=False),
    )
    cfg.train_dataloader.dataset = dict(
        type='fdep_mm.SIRSTDataset',
        data_root=str(root),
        pipeline=PIPELINE,
        on_error=on_error,
    )
    cfg.custom_hooks = [
        dict(type='fdep_mm.BreakingHook', path=str(root / LAST))
    ]
    return cfg


def logged(root):
    files = (root.parent / 'run').rglob('*.log')
    return ''.join(path.read_text() for path in files)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_the_training_stops_with_its_name(root, num_workers):
    with pytest.raises(ValueError, match=f'data/{LAST}'):
        train(config(root, 'raise', num_workers))
    work_dir = root.parent / 'run'
    assert [p.name for p in work_dir.glob('epoch_*')] == ['epoch_1.pth']
    assert weights(work_dir / 'epoch_1.pth')


@pytest.mark.parametrize('num_workers', [0, 2])
def test_the_training_goes_on_and_counts_it(root, num_workers):
    runner = train(config(root, 'skip', num_workers))
    assert runner.epoch == 3 and runner.iter == 3 * NUM
    (hook,) = [h for h in runner.hooks if isinstance(h, BreakingHook)]
    read = [epoch for epoch, name in hook.seen if name == Path(LAST).name]
    assert read == [0]
    text = logged(root)
    assert 'could not be read in epoch 1' not in text
    for epoch in (2, 3):
        assert f'1 of {NUM} images could not be read in epoch {epoch}' in text
    assert str(root / LAST) in text
