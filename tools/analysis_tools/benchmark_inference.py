"""Parameters, multiply-adds and latency of networks, as one table.

Times are those of one image of noise, from pixels to probabilities, in blocks
that take turns. Each network has a process of its own and waits for its blocks
there: in one process they disturb each other, by threads that spin after a run
and by how the memory is fragmented.

With --modes, ways of running each network on the CPU are compared instead:
eager PyTorch; convolutions and norms fused and channels-last memory (fused);
fused and compiled with frozen weights (compile); the exported file with
onnxruntime in float32 (onnx) and in 8-bit integers (int8). Each has a process
of its own, too.

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
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from fdep_mm.deployment.light_branch import build_light_branch
from fdep_mm.deployment.runtimes import MODES, check_equal, prepare
from fdep_mm.models.segmentors import host_cfg
from fdep_mm.registry import MODELS


def build_host(path: str) -> torch.nn.Module:
    """Build the network of a config that is deployed, with new weights."""
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    return MODELS.build(host_cfg(cfg.model)).eval()


def multiply_adds(model: torch.nn.Module, size: int) -> int:
    """Count those of convolutions and matrix products for one image."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, size, size))
    return counter.get_total_flops() // 2


def latencies(blocks: dict[str, Callable], rounds: int) -> dict[str, float]:
    """Median seconds by name; each round takes one block of each."""
    times = {name: [] for name in blocks}
    for _ in range(rounds):
        for name, block in blocks.items():
            times[name] += block()
    return {name: statistics.median(each) for name, each in times.items()}


class Worker:
    """One way of running a network, in a process of its own."""

    run: Callable  # in that process

    def __init__(self, config: str, mode: str, device: str = 'cpu') -> None:
        self.pool = ProcessPoolExecutor(
            1,
            get_context('spawn'),
            Worker._prepare,
            (config, mode, device, torch.get_num_threads()),
        )

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


def noise(size: int) -> np.ndarray:
    """An image (1, 3, size, size) float32."""
    image = np.random.default_rng(0).normal(100, 10, (1, 3, size, size))
    return image.astype(np.float32)


def network_table(
    configs: list[str], sizes: list[int], rounds: int, seconds: float
) -> Iterator[str]:
    """Parameters, multiply-adds and latency: lines of a table."""
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    yield (
        f'device {device}, {torch.get_num_threads()} threads, torch '
        f'{torch.__version__}, from pixels to probabilities, median of '
        f'{rounds} blocks of at least {seconds} s'
    )
    columns = ' | '.join(f'{s}x{s}, ms' for s in sizes)
    yield f'| network | params, M | MACs at 256x256, G | {columns} |'
    yield '|---' * (3 + len(sizes)) + '|'
    workers = {path: Worker(path, 'eager', device) for path in configs}
    times = []
    for size in sizes:
        blocks = {
            path: partial(worker.block, noise(size), seconds)
            for path, worker in workers.items()
        }
        times.append(latencies(blocks, rounds))
    for path in configs:
        model = build_host(path)
        params = sum(p.numel() for p in model.parameters()) / 1e6
        macs = multiply_adds(model, 256) / 1e9
        cells = ' | '.join(f'{1000 * t[path]:.1f}' for t in times)
        name = Path(path).stem
        yield f'| {name} | {params:.3f} | {macs:.3f} | {cells} |'


def mode_table(
    configs: list[str],
    sizes: list[int],
    rounds: int,
    seconds: float,
    modes: list[str],
) -> Iterator[str]:
    """Images per second of each way of running, and its ratio to the first.

    One network after the other is built and timed, its ways side by side.
    """
    yield (
        f'CPU, {torch.get_num_threads()} threads, torch {torch.__version__}, '
        f'onnxruntime {onnxruntime.__version__}, from pixels to '
        f'probabilities, one image at a time, each way in a process of its '
        f'own, median of {rounds} blocks of at least {seconds} s: images per '
        f'second (ratio to {modes[0]})'
    )
    yield f'| network | size | {" | ".join(modes)} |'
    yield '|---' * (2 + len(modes)) + '|'
    for path in configs:
        workers = {mode: Worker(path, mode) for mode in modes}
        for size in sizes:
            image = noise(size)
            check_equal(workers, image)  # compiles, too
            blocks = {
                mode: partial(worker.block, image, seconds)
                for mode, worker in workers.items()
            }
            times = latencies(blocks, rounds)
            cells = ' | '.join(
                f'{1 / t:.1f} ({times[modes[0]] / t:.2f})'
                for t in times.values()
            )
            yield f'| {Path(path).stem} | {size}x{size} | {cells} |'
        for worker in workers.values():
            worker.pool.shutdown()


def add_block_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what tells how to take times."""
    parser.add_argument(
        '--sizes', type=int, nargs='+', default=(256, 512), help='px, square'
    )
    parser.add_argument(
        '--rounds', type=int, default=5, help='blocks of runs for each'
    )
    parser.add_argument(
        '--seconds', type=float, default=1.0, help='shortest block'
    )
    parser.add_argument('--threads', type=int, help='CPU threads')


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', nargs='+', help='hosts or FDEP configs')
    add_block_arguments(parser)
    parser.add_argument(
        '--modes',
        nargs='+',
        choices=MODES,
        help='compare ways of running on the CPU instead; the first is the '
        'reference of the ratios',
    )
    args = parser.parse_args()
    missing = [path for path in args.config if not Path(path).is_file()]
    if missing:
        parser.error(f'config {missing[0]!r}: no such file')
    compiler = os.environ.get('CXX', 'g++')
    if 'compile' in (args.modes or ()) and not shutil.which(compiler):
        parser.error(
            f'mode compile needs a C++ compiler and there is no {compiler!r}: '
            'install one, name it in CXX, or leave the mode out'
        )
    if args.threads:
        torch.set_num_threads(args.threads)
    settings = args.config, args.sizes, args.rounds, args.seconds
    table = (
        mode_table(*settings, args.modes)
        if args.modes
        else network_table(*settings)
    )
    for line in table:
        print(line, flush=True)


if __name__ == '__main__':
    main()
