"""``torchrun ... --launcher pytorch``, on CPUs: the same as one process."""

import argparse
import json
import runpy
from pathlib import Path

import pytest
import torch
from child_processes import run_python
from mmengine.config import Config

from fdep_mm.engine.fsdp_strategy import FSDPStrategy

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


FLEXIBLE = dict(runner_type='FlexibleRunner')
FSDP = dict(type='fdep_mm.FSDPStrategy')
SHARDED = [
    'runner_type=FlexibleRunner',
    'strategy.type=fdep_mm.FSDPStrategy',
    'train_cfg.max_epochs=2',
    'default_hooks.checkpoint.interval=1',
    'default_hooks.checkpoint.max_keep_ckpts=2',
]


def run(tool, *args, processes=2, options=(), fails=False, cwd):
    command = [REPO / 'tools' / tool, CONFIG, *args]
    if processes > 1:
        command = [
            # a free port of its own, and no host name to look up
            *('-m', 'torch.distributed.run', '--standalone'),
            *('--local-addr=127.0.0.1', f'--nproc-per-node={processes}'),
            *(*command, '--launcher', 'pytorch'),
        ]
    command += ['--cfg-options', *SMALL, *options]
    done = run_python(*command, cwd=cwd, OMP_NUM_THREADS='1')
    printed = done.stdout + done.stderr
    assert (done.returncode == 0) != fails, printed[-8000:]
    return printed


def scores(work_dir):
    (file,) = Path(work_dir).glob('*/*.json')
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


@pytest.fixture(scope='module')
def sharded(tmp_path_factory):
    """Two epochs by FSDP, a checkpoint of each."""
    folder = tmp_path_factory.mktemp('sharded')
    run('train.py', '--work-dir', 'run', options=SHARDED, cwd=folder)
    return folder / 'run'


def read(path):
    return torch.load(path, weights_only=False)


def test_sharded_run_writes_whole_checkpoints(trained, sharded):
    (file,) = trained.glob('epoch_*.pth')
    expected, found = read(file), read(sharded / 'epoch_1.pth')
    assert found['meta']['epoch'] == 1
    assert found['state_dict'].keys() == expected['state_dict'].keys()
    for key, value in expected['state_dict'].items():
        torch.testing.assert_close(found['state_dict'][key], value)
    assert not list(sharded.glob('*.part'))


def test_sharded_run_resumes(sharded, tmp_path):
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    file = work_dir / 'epoch_1.pth'
    file.write_bytes((sharded / 'epoch_1.pth').read_bytes())
    args = ('train.py', '--work-dir', work_dir, '--resume')
    # this runner reads last_checkpoint before a hook can mend it
    log = run(*args, options=SHARDED, fails=True, cwd=tmp_path)
    assert 'it is mended, start the same command again to go on from' in log
    log = run(*args, options=SHARDED, cwd=tmp_path)
    assert 'resumed epoch: 1, iter: 2' in log
    whole, resumed = (
        read(folder / 'epoch_2.pth') for folder in (sharded, work_dir)
    )
    assert whole['meta']['epoch'] == resumed['meta']['epoch'] == 2
    for key, value in whole['state_dict'].items():
        assert torch.equal(resumed['state_dict'][key], value), key
    for name, state in whole['optimizer']['state'].items():
        for key, value in state.items():
            assert torch.equal(resumed['optimizer']['state'][name][key], value)


def test_sharded_checkpoint_is_tested_by_one_process(sharded, tmp_path):
    file = sharded / 'epoch_2.pth'
    args = ('test.py', file, '--work-dir', 'one')
    run(*args, processes=1, cwd=tmp_path)
    found = scores(tmp_path / 'one')
    (log,) = sharded.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    last = [line for line in lines if 'sirst/IoU' in line][-1]
    assert {k: last[k] for k in found if k.startswith('sirst/')} == {
        k: v for k, v in found.items() if k.startswith('sirst/')
    }


def test_only_sharded_runs_are_resumed_sharded(trained, tmp_path):
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    (file,) = trained.glob('epoch_*.pth')
    (work_dir / 'last_checkpoint').write_text(str(file))
    args = ('train.py', '--work-dir', work_dir, '--resume')
    log = run(*args, options=SHARDED, fails=True, cwd=tmp_path)
    assert 'was saved without FSDP' in log


@pytest.mark.parametrize(
    ('options', 'launcher', 'message'),
    [
        (dict(runner_type='FlexibelRunner'), 'none', 'give Runner or Flex'),
        (dict(strategy=FSDP), 'pytorch', 'needs runner_type=FlexibleRunner'),
        (dict(FLEXIBLE), 'pytorch', 'needs strategy.type=fdep_mm.FSDPStr'),
        (dict(FLEXIBLE, strategy={}), 'pytorch', 'needs strategy.type='),
        (dict(FLEXIBLE, strategy=FSDP), 'none', 'start them by torchrun'),
        (
            dict(FLEXIBLE, strategy=FSDP, compile=True),
            'pytorch',
            'compile: unknown to FlexibleRunner',
        ),
    ],
)
def test_runners_that_cannot_be(options, launcher, message, capsys):
    check = runpy.run_path(str(REPO / 'tools/train.py'))['check_runner']
    cfg = Config(dict(options, launcher=launcher))
    with pytest.raises(SystemExit) as end:
        check(argparse.ArgumentParser(), cfg)
    assert end.value.code == 2 and message in capsys.readouterr().err


def test_sync_bn_reaches_the_strategy():
    check = runpy.run_path(str(REPO / 'tools/train.py'))['check_runner']
    cfg = Config(dict(FLEXIBLE, strategy=dict(FSDP), sync_bn='torch'))
    cfg.launcher = 'pytorch'
    check(argparse.ArgumentParser(), cfg)
    assert cfg.strategy.sync_bn == 'torch'
    check(argparse.ArgumentParser(), Config(dict(launcher='none')))


def test_partial_checkpoints_are_refused():
    with pytest.raises(ValueError, match="'local'.*only 'full'"):
        FSDPStrategy(state_dict_cfg='local')
