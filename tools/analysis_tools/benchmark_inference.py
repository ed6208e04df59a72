"""Parameters, multiply-adds and latency of networks, as one table.

A time is that of one image of noise, from pixels to probabilities. Networks
(with several --modes, the modes of one network) are timed block by block in
turn, each in its own process: in one process they would disturb each other, by
threads that spin after a run and by fragmented memory.

Modes, all but eager on the CPU: eager PyTorch; convolutions and norms fused
and channels-last memory (fused); fused and compiled with frozen weights
(compile); the exported file with onnxruntime in float32 (onnx) and in 8-bit
integers (int8).

Examples:
    python tools/analysis_tools/benchmark_inference.py --threads 2 \\
        configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py \\
        configs/alcnet/alcnet_1xb16-400e_nuaa-sirst-256x256.py
    python tools/analysis_tools/benchmark_inference.py --threads 2 \\
        --modes eager fused compile onnx int8 -- \\
        configs/*/[!f]*_1xb16-400e_nuaa-sirst-256x256.py
"""

import argparse
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from get_flops import count
from mmengine.config import Config
from torch.utils.benchmark import Timer

from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import open_config
from fdep_mm.deployment.light_branch import build_light_branch
from fdep_mm.deployment.runtimes import MODES, check_equal, prepare
from fdep_mm.models.segmentors import host_cfg


class Worker:
    """One way of running a network, in a process of its own."""

    run: Callable  # in that process

    def __init__(self, config: str, mode: str, device: str) -> None:
        given = config, mode, device, torch.get_num_threads()
        spawn = get_context('spawn')
        self.pool = ProcessPoolExecutor(1, spawn, Worker._prepare, given)

    @staticmethod
    def _prepare(config: str, mode: str, device: str, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.manual_seed(0)  # the same weights in each process
        cfg = Config.fromfile(config)
        Worker.run = prepare(build_light_branch(cfg, None), mode, device)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Probabilities of an image."""
        return self.pool.submit(Worker._once, image).result()

    @staticmethod
    def _once(image: np.ndarray) -> np.ndarray:
        return Worker.run(image)

    def block(self, image: np.ndarray, seconds: float) -> list[float]:
        """Seconds of runs, for so long at least, without the warm-up."""
        return self.pool.submit(Worker._block, image, seconds).result()

    @staticmethod
    def _block(image: np.ndarray, seconds: float) -> list[float]:
        timer = Timer(
            'run(image)',
            globals=dict(run=Worker.run, image=image),
            num_threads=torch.get_num_threads(),
        )
        return timer.blocked_autorange(None, seconds).times


def time_group(
    configs: list[str], args: argparse.Namespace
) -> Iterator[tuple[str, int, list[float]]]:
    """Median seconds of each mode, by config and size."""
    gpu = torch.cuda.is_available() and args.modes == ['eager']
    device = 'cuda' if gpu else 'cpu'
    workers = {
        (config, mode): Worker(config, mode, device)
        for config in configs
        for mode in args.modes
    }
    for size in args.sizes:
        image = np.random.default_rng(0).normal(100, 10, (1, 3, size, size))
        image = image.astype(np.float32)
        for config in configs:  # compiles, too
            check_equal({m: workers[config, m] for m in args.modes}, image)
        times = {key: [] for key in workers}
        for _ in range(args.rounds):
            for key, worker in workers.items():
                times[key] += worker.block(image, args.seconds)
        for config in configs:
            each = [times[config, mode] for mode in args.modes]
            yield config, size, [statistics.median(one) for one in each]
    for worker in workers.values():
        worker.pool.shutdown()


def print_table(args: argparse.Namespace) -> None:
    """Print a line for each network and size."""
    sizes = {  # counted one by one, in the default scope of each config
        path: count(host_cfg(open_config(path).model), (256, 256))
        for path in args.config
    }
    print(
        f'{torch.get_num_threads()} threads, GPU: {torch.cuda.is_available()},'
        f' torch {torch.__version__}, onnxruntime {onnxruntime.__version__}; '
        f'median of {args.rounds} blocks of at least {args.seconds} s: ms '
        f'(times as fast as {args.modes[0]})'
    )
    head = ['network', 'params, M', 'MACs at 256x256, G', 'size', *args.modes]
    print(f'| {" | ".join(head)} |')
    print('|---' * len(head) + '|', flush=True)
    several = len(args.modes) > 1
    groups = [[one] for one in args.config] if several else [args.config]
    for group in groups:
        for path, size, times in time_group(group, args):
            params, macs = sizes[path]
            ratios = (f'{1e3 * t:.1f} ({times[0] / t:.2f})' for t in times)
            cells = [f'{params / 1e6:.3f}', f'{macs / 1e9:.3f}', f'{size}']
            line = ' | '.join([Path(path).stem, *cells, *ratios])
            print(f'| {line} |', flush=True)


@command()
def main() -> None:
    """Print the table."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', nargs='+', help='hosts or FDEP configs')
    add('--sizes', type=int, nargs='+', default=(256, 512), help='px, square')
    add('--rounds', type=int, default=5, help='blocks of runs for each')
    add('--seconds', type=float, default=1.0, help='shortest block')
    add('--threads', type=int, help='CPU threads')
    add('--modes', nargs='+', choices=MODES, default=['eager'])
    args = parser.parse_args()
    compiler = os.environ.get('CXX', 'g++')
    if 'compile' in args.modes and not shutil.which(compiler):
        parser.error(
            f'mode compile needs a C++ compiler and there is no {compiler!r}: '
            'install one, name it in CXX, or leave the mode out'
        )
    if args.threads:
        torch.set_num_threads(args.threads)
    print_table(args)


if __name__ == '__main__':
    sys.exit(main())
