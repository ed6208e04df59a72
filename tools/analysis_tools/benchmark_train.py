r"""Time of a training step and of its parts: FDEP against the host alone.

For each config and VFM these whole steps, from a batch in the host's memory to
new weights, are timed side by side, round by round, in this one process:
    host            the host alone
    cached          CO-ISD, the priors come with the batch
    online          CO-ISD, the VFM computes the priors in every step
    naive           the whole host twice, the priors come with the batch
    naive online    the whole host twice, the VFM in every step

Then the parts of the online step, each with a synchronisation behind it, and
of data loading: one process makes one batch, workers divide that time.

Weights do not change times: --random-vfm loads none.

On CPUs under Linux, glibc gives the memory of large tensors back after each
use, and the page faults of the next use can take longer than the network. This
keeps it:
GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=68719476736

Example:
    python tools/analysis_tools/benchmark_train.py --random-vfm \
        --vfms dinov3-s16 dinov3-l16 -- \
        configs/fdep/fdep-dinov3-s16_alcnet_1xb16-400e_nuaa-sirst-256x256.py
"""

import argparse
import statistics
from pathlib import Path

import torch
from benchmark_train_steps import Clock, make_batch, make_steps, with_priors
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.utils.data import Dataset

import fdep_mm
from fdep_mm.registry import DATASETS

STEPS = ('host', 'cached', 'online', 'naive', 'naive online')
VFMS = Path(fdep_mm.CONFIG_ROOT, '_base_', 'vfms')


def build_data(cfg: Config) -> Dataset | None:
    """The training images of a config, None if they are not there."""
    try:
        return DATASETS.build(cfg.train_dataloader.dataset)
    except FileNotFoundError:
        return None


def data_seconds(dataset: Dataset, batch: int) -> float:
    """Time to make one batch in one process."""
    clock = Clock()
    for number in range(batch):
        dataset[number % len(dataset)]
    clock.lap('data')
    return clock.parts['data']


def print_steps(times: dict[str, list[float]]) -> None:
    """Print the medians of whole steps, and their ratios."""
    medians = {k: statistics.median(v) for k, v in times.items()}
    others = [k for k in ('host', 'naive', 'cached') if k in medians]
    heads = ''.join(f'{"/ " + other:>10s}' for other in others)
    print(f'  {"step":16s}{"ms":>10s}{heads}')
    for name, value in medians.items():
        ratios = ''.join(f'{value / medians[o]:10.2f}' for o in others)
        print(f'  {name:16s}{1000 * value:10.1f}{ratios}')


def print_parts(parts: list[dict[str, float]], data: list[float]) -> None:
    """Print the medians of the parts of the online step."""
    print('  part of the online step       ms')
    for name in parts[0]:
        value = statistics.median(part[name] for part in parts)
        print(f'    {name:24s}{1000 * value:8.1f}')
    if data:
        value = 1000 * statistics.median(data)
        print(f'    {"data, one process":24s}{value:8.1f}')
    else:
        print('    data: not there, set FDEP_DATA')


def measure(cfg: Config, args: argparse.Namespace, device: str) -> None:
    """Time one host with one VFM and print the result."""
    size = cfg.data_preprocessor.size[0] if args.size is None else args.size
    steps = make_steps(cfg, device, args.compile, args.pca)
    plain = make_batch(size, args.batch, device == 'cuda')
    given = with_priors(plain, steps['online'].model, args.pca)
    batches = dict.fromkeys(steps, plain)
    batches |= dict.fromkeys(('cached', 'naive'), given)
    online = steps['online']
    steps = {name: steps[name] for name in args.steps}
    for name, step in steps.items():
        step(batches[name])  # warm up
    times = {name: [] for name in steps}
    parts, data = [], []
    dataset = build_data(cfg) if 'online' in steps else None
    for _ in range(args.rounds):
        for name, step in steps.items():
            times[name].append(step(batches[name]))
        if 'online' in steps:
            parts.append(online.parts(plain))
        if dataset is not None:
            data.append(data_seconds(dataset, args.batch))
    print_steps(times)
    if parts:
        print_parts(parts, data)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', nargs='+', help='FDEP configs')
    parser.add_argument(
        '--vfms',
        nargs='+',
        default=[None],
        choices=sorted(path.stem for path in VFMS.glob('*.py')),
        help='take these instead of those of the configs',
    )
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument(
        '--size', type=int, help="px (default: the config's crop)"
    )
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument(
        '--steps',
        nargs='+',
        default=STEPS,
        choices=STEPS,
        help='time these only; the parts are those of online (default: all)',
    )
    parser.add_argument('--threads', type=int, help='CPU threads of torch')
    parser.add_argument(
        '--random-vfm',
        action='store_true',
        help='do not load the weights of the VFM; times are the same',
    )
    parser.add_argument(
        '--pca',
        type=int,
        metavar='K',
        help='K channels of each prior that comes with the batch, as '
        'tools/cache_priors.py --pca K stores them (default: all)',
    )
    parser.add_argument(
        '--vfm-dtype', choices=['bfloat16', 'float16'], help='autocast of it'
    )
    parser.add_argument(
        '--channels-last', action='store_true', help='memory format of the VFM'
    )
    parser.add_argument(
        '--compile', action='store_true', help='compile the VFM and the host'
    )
    parser.add_argument(
        '--amp', action='store_true', help='train with mixed precision'
    )
    return parser.parse_args()


def configure(path: str, vfm: str | None, args: argparse.Namespace) -> Config:
    """A config with the VFM and the options of the command line."""
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    if vfm is not None:
        cfg.model.vfm = Config.fromfile(VFMS / f'{vfm}.py').vfm
    cfg.model.vfm.pop('cache', None)
    cfg.model.vfm.update(
        channels_last=args.channels_last, compile=args.compile
    )
    if args.vfm_dtype:
        cfg.model.vfm.amp_dtype = args.vfm_dtype
    if args.random_vfm:
        cfg.model.vfm.update(pretrained=False, checkpoint=None)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
    return cfg


def main() -> None:
    """Print the times of all configs with all VFMs."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    print(
        f'device {device}, {torch.get_num_threads()} threads, torch '
        f'{torch.__version__}, batch {args.batch}, median of {args.rounds} '
        'interleaved rounds'
    )
    for path in args.config:
        for vfm in args.vfms:
            cfg = configure(path, vfm, args)
            print(f'{path}\n  VFM {cfg.model.vfm.model_name}')
            measure(cfg, args, device)


if __name__ == '__main__':
    main()
