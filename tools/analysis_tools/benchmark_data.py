"""Images per second of the training pipeline, against the training step.

For each number of workers the config's training data loader is run alone,
from the files to the batch, and then the training step (preprocessing,
losses, backward, optimizer) on one of its batches. Data loading is no
bottleneck where the loader gives more images per second than the step takes;
on a GPU it has the CPU for itself, so the two may be compared, while on a CPU
workers and the step share the cores.

Examples:
    python tools/analysis_tools/benchmark_data.py \
        configs/acm/acm_1xb16-12e_synthetic-128x128.py
    python tools/analysis_tools/benchmark_data.py --workers 0 4 8 \
        configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from fdep_mm.registry import MODELS


def build_loader(cfg: Config, workers: int) -> DataLoader:
    """The training data loader with another number of workers."""
    loader = cfg.train_dataloader.copy()
    loader.update(num_workers=workers, persistent_workers=workers > 0)
    return Runner.build_dataloader(loader, seed=0)


def endless(loader: DataLoader) -> Iterator[dict]:
    """Batches of one epoch after the other."""
    while True:
        yield from loader


def images_per_second(loader: DataLoader, batches: int) -> float:
    """Throughput once the workers run.

    Args:
        loader (DataLoader): Of batches of one size.
        batches (int): How many are timed.

    Returns:
        float: Images per second.
    """
    source = endless(loader)
    # what the workers have made in advance would count as made in no time
    for _ in range(1 + loader.num_workers * (loader.prefetch_factor or 0)):
        next(source)
    images = 0
    start = time.perf_counter()
    for _ in range(batches):
        images += len(next(source)['inputs'])
    return images / (time.perf_counter() - start)


def step_seconds(cfg: Config, batch: dict, steps: int) -> float:
    """Median time of a training step on one batch."""
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    model = MODELS.build(cfg.model).to(device).train()
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    times = []
    for _ in range(1 + steps):
        start = time.perf_counter()
        model.train_step(batch, optim)
        if device == 'cuda':
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])  # the first one warms up


def main() -> None:
    """Print a table per config."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', nargs='+', help='training configs')
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 2, 4])
    parser.add_argument('--batches', type=int, default=40, help='timed')
    parser.add_argument('--steps', type=int, default=15, help='timed')
    parser.add_argument('--threads', type=int, help='CPU threads of torch')
    parser.add_argument(
        '--random-vfm',
        action='store_true',
        help='do not load the weights of the VFM; times are the same',
    )
    args = parser.parse_args()
    if min(args.batches, args.steps) < 1 or min(args.workers) < 0:
        parser.error('--batches and --steps from 1, --workers from 0')
    if args.threads:
        torch.set_num_threads(args.threads)
    device = 'GPU' if torch.cuda.is_available() else 'CPU'
    print(
        f'step on {device}, {torch.get_num_threads()} threads, '
        f'{os.cpu_count()} cores, torch {torch.__version__}'
    )
    for path in args.config:
        cfg = Config.fromfile(path)
        init_default_scope(cfg.default_scope)
        if args.random_vfm and 'vfm' in cfg.model:
            cfg.model.vfm.update(pretrained=False, checkpoint=None)
        loaders = {n: build_loader(cfg, n) for n in args.workers}
        batch = next(iter(loaders[args.workers[0]]))
        seconds = step_seconds(cfg, batch, args.steps)
        taken = len(batch['inputs']) / seconds
        print(f'{path}')
        print(
            f'  step       {taken:9.1f} images/s, {1000 * seconds:.1f} ms for '
            f'a batch of {len(batch["inputs"])}'
        )
        for workers, loader in loaders.items():
            rate = images_per_second(loader, args.batches)
            print(
                f'  {workers} workers  {rate:9.1f} images/s, '
                f'{rate / taken:6.2f} x the step'
            )


if __name__ == '__main__':
    main()
