"""``torchrun ... --launcher pytorch``, on CPUs: the same as one process."""

import json
from pathlib import Path

import pytest
import torch
from child_processes import run_python

REPO = Path(__file__).parents[2]
CONFIG = REPO / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
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


def run(tool, *args, processes=2, cwd):
    command = [REPO / 'tools' / tool, CONFIG, *args]
    if processes > 1:
        command = [
            # a free port of its own, and no host name to look up
            *('-m', 'torch.distributed.run', '--standalone'),
            *('--local-addr=127.0.0.1', f'--nproc-per-node={processes}'),
            *(*command, '--launcher', 'pytorch'),
        ]
    command += ['--cfg-options', *SMALL]
    done = run_python(*command, cwd=cwd, OMP_NUM_THREADS='1')
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
    for processes in (1, 2):
        run(
            *('test.py', file, '--work-dir', f'{processes}'),
            *('--metric', 'type=fdep_mm.HSEMetric', 'threshold=0.02'),
            'prefix=low',
            processes=processes,
            cwd=tmp_path,
        )
    one, two = scores(tmp_path / '1'), scores(tmp_path / '2')
    assert one == two
    assert {'sirst/IoU', 'hse/HSE', 'low/HSE'} <= one.keys()
