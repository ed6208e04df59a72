"""Train the network of a config: ``mim train mmseg`` for people without MIM.

Examples:
    python tools/train.py \\
        configs/alcnet/alcnet_1xb16-12e_synthetic-128x128.py
    python tools/train.py CONFIG --work-dir work_dirs/a --resume
    python tools/train.py CONFIG --cfg-options train_cfg.max_epochs=20
    torchrun --nproc-per-node=4 tools/train.py CONFIG --launcher pytorch
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from fdep_mm.core.config_check import merge_options
from fdep_mm.core.options import OptionAction
from fdep_mm.engine.cpu_launch import prepare_cpu_launch


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what training and testing have in common."""
    parser.add_argument('config', help='path of the config file')
    parser.add_argument(
        '--work-dir',
        help='folder of logs and results (default: work_dirs/CONFIG)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionAction,
        help='settings that replace those of the config, as key=value: '
        'train_cfg.max_epochs=10 model.vfm.out_indices="(2,3)"',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    # torch.distributed.launch passes it; torchrun sets the variable itself.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def require_file(
    parser: argparse.ArgumentParser, name: str, path: str
) -> None:
    """End the program with one line and code 2 if there is no such file."""
    if not Path(path).is_file():
        parser.exit(
            2,
            f'error: {name} {path!r}: no such file, looked from '
            f'{Path.cwd()}\n',
        )


def read_config(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> Config:
    """Read the config and put the command line's settings into it."""
    require_file(parser, 'config', args.config)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    try:
        merge_options(cfg, args.cfg_options)
    except ValueError as error:
        parser.exit(2, f'error: {error}\n')
    prepare_cpu_launch(cfg)
    cfg.work_dir = (
        args.work_dir
        or cfg.get('work_dir')
        or f'work_dirs/{Path(args.config).stem}'
    )
    return cfg


def check_precision(parser: argparse.ArgumentParser, cfg: Config) -> None:
    """End the program where mixed precision has no GPU."""
    if 'Amp' in str(cfg.optim_wrapper.type) and get_device() in (
        'cpu',
        'mps',
    ):
        parser.exit(
            2,
            'error: mixed precision (--amp) needs a GPU, and there is none\n',
        )


@contextmanager
def reading_checkpoints(parser: argparse.ArgumentParser) -> Iterator[None]:
    """End the program with one line where a checkpoint cannot be read."""
    try:
        yield
    except UnpicklingError as error:
        parser.exit(2, f'error: checkpoint {error}\n')


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_arguments(parser)
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the newest checkpoint in the work dir',
    )
    parser.add_argument(
        '--amp', action='store_true', help='train with mixed precision'
    )
    args = parser.parse_args()

    cfg = read_config(parser, args)
    cfg.resume = args.resume
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    check_precision(parser, cfg)
    with reading_checkpoints(parser):
        Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
