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
METRIC = 'type=fdep_mm.HSEMetric threshold=0.02 prefix=low'.split()
# One start of the processes for both tools: it takes most of the time.
COMMANDS = [
    ['train.py', CONFIG, '--work-dir', 'run'],
    ['test.py', CONFIG, 'run/epoch_1.pth', '--work-dir', 'two']
    + ['--metric', *METRIC],
]
BOTH = """
import runpy, sys
import torch.distributed
sys.path.insert(0, {tools!r})
for sys.argv in {commands!r}:
    try:
        runpy.run_path(f'{tools}/{{sys.argv[0]}}', run_name='__main__')
    except SystemExit as end:
        assert not end.code, end
    # they stay in one group
    torch.distributed.init_process_group = lambda backend: None
"""


def scores(work_dir):
    (file,) = Path(work_dir).glob('*/2*.json')  # the log, not result.json
    return {
        key: value
        for key, value in json.loads(file.read_text()).items()
        if 'time' not in key
    }


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Where two processes have trained, in `run`, and tested, in `two`."""
    folder = tmp_path_factory.mktemp('two processes')
    more = ['--launcher', 'pytorch', '--cfg-options', *SMALL]
    commands = [[*map(str, words + more)] for words in COMMANDS]
    script = folder / 'both.py'
    script.write_text(BOTH.format(tools=str(TOOLS), commands=commands))
    done = run_python(
        # a free port of its own, and no host name to look up
        *('-m', 'torch.distributed.run', '--standalone'),
        *('--local-addr=127.0.0.1', '--nproc-per-node=2', script),
        cwd=folder,
        OMP_NUM_THREADS='1',
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-8000:]
    return folder


def test_one_process_writes(trained):
    assert len(list(trained.glob('run/epoch_*.pth'))) == 1
    assert len(list(trained.glob('run/2*'))) == 1  # one folder of logs


def test_checkpoints_have_the_keys_of_one_process(trained):
    file = trained / 'run/epoch_1.pth'
    keys = torch.load(file, weights_only=False)['state_dict']
    assert not any(key.startswith('module.') for key in keys)


def test_two_processes_test_as_one(trained, tmp_path):
    file = trained / 'run/epoch_1.pth'
    alone = ('--work-dir', 'one', '--metric', *METRIC)
    alone = (*alone, '--cfg-options', *SMALL)
    done = run_tool('test.py', CONFIG, file, *alone, cwd=tmp_path)
    assert done.code == 0, done.log
    one, two = scores(tmp_path / 'one'), scores(trained / 'two')
    assert one == two
    assert {'sirst/IoU', 'hse/HSE', 'low/HSE'} <= one.keys()
