"""``torchrun ... --launcher pytorch``, on CPUs: the same as one process."""

import json
from pathlib import Path

import pytest
import torch
from child_processes import run_python
from tool_runs import TOOLS, run_tool

CONFIG = TOOLS.parent / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
# An odd number of images to test: the sampler pads the last round.
SMALL = [
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'train_dataloader.batch_size=2',
    'train_dataloader.dataset.num_images=8',
    'val_dataloader.dataset.num_images=5',
    'test_dataloader.dataset.num_images=5',
    *(
        f'{name}_dataloader.{setting}'
        for name in ('train', 'val', 'test')
        for setting in ('num_workers=0', 'persistent_workers=False')
    ),
]


def run(tool, *args, cwd):
    """By two processes."""
    done = run_python(
        # a free port of its own, and no host name to look up
        *('-m', 'torch.distributed.run', '--standalone'),
        *('--local-addr=127.0.0.1', '--nproc-per-node=2'),
        *(TOOLS / tool, CONFIG, *args, '--launcher', 'pytorch'),
        *('--cfg-options', *SMALL),
        cwd=cwd,
        OMP_NUM_THREADS='1',
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-8000:]


def scores(work_dir):
    (file,) = Path(work_dir).glob('*/2*.json')  # the log, not result.json
    return {
        key: value
        for key, value in json.loads(file.read_text()).items()
        if 'time' not in key
    }


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('two processes')
    run('train.py', '--work-dir', 'run', cwd=folder)
    return folder / 'run'


def test_one_process_writes(trained):
    assert len(list(trained.glob('epoch_*.pth'))) == 1
    assert len(list(trained.glob('2*'))) == 1  # one folder of logs


def test_checkpoints_have_the_keys_of_one_process(trained):
    (file,) = trained.glob('epoch_*.pth')
    keys = torch.load(file, weights_only=False)['state_dict']
    assert not any(key.startswith('module.') for key in keys)


def test_two_processes_test_as_one(trained, tmp_path):
    (file,) = trained.glob('epoch_*.pth')
    words = '--metric', 'type=fdep_mm.HSEMetric', 'threshold=0.02'
    words += 'prefix=low', '--work-dir'
    run('test.py', file, *words, 'two', cwd=tmp_path)
    alone = (*words, 'one', '--cfg-options', *SMALL)
    done = run_tool('test.py', CONFIG, file, *alone, cwd=tmp_path)
    assert done.code == 0, done.log
    one, two = scores(tmp_path / 'one'), scores(tmp_path / 'two')
    assert one == two
    assert {'sirst/IoU', 'hse/HSE', 'low/HSE'} <= one.keys()
