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
from pathlib import Path
from pickle import UnpicklingError

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from fdep_mm.core import config_check
from fdep_mm.core.command import USER_ERRORS, Parser, user_errors
from fdep_mm.core.options import add_cfg_options
from fdep_mm.engine.cpu_launch import prepare_cpu_launch


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what training and testing have in common."""
    add = parser.add_argument
    add('config', help='path of the config file')
    add(
        '--work-dir',
        help='folder of logs and results (default: work_dirs/CONFIG)',
    )
    add_cfg_options(parser)
    add(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    # torch.distributed.launch passes it; torchrun sets the variable itself.
    add('--local_rank', '--local-rank', type=int, default=0)


def config_from_args(args: argparse.Namespace) -> Config:
    """Read the config and put the command line's settings into it."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = config_check.read_config(args.config)
    cfg.launcher = args.launcher
    config_check.merge_options(cfg, args.cfg_options)
    prepare_cpu_launch(cfg)
    default = cfg.get('work_dir') or f'work_dirs/{Path(args.config).stem}'
    cfg.work_dir = args.work_dir or default
    return cfg


def use_options(cfg: Config, args: argparse.Namespace) -> None:
    """Put --resume and --amp into a config."""
    cfg.resume = args.resume or cfg.get('resume', False)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    amp = 'Amp' in str(cfg.optim_wrapper.type)
    if amp and get_device() in ('cpu', 'mps'):
        raise ValueError(
            'mixed precision (--amp) needs a GPU, and there is none'
        )


def main() -> None:
    """Train."""
    parser = Parser(__doc__)
    add_config_arguments(parser)
    add = parser.add_argument
    add(
        '--resume',
        action='store_true',
        help='go on from the newest checkpoint in the work dir',
    )
    add('--amp', action='store_true', help='train with mixed precision')
    args = parser.parse_args()
    with user_errors(*USER_ERRORS):
        cfg = config_from_args(args)
        use_options(cfg, args)
    with user_errors(UnpicklingError):
        Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
