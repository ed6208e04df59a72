"""Parameters, multiply-adds and latency of networks, as one table.

All networks are timed side by side in this one process, on one image of
noise; the times hold the network alone, from the normalised image to the
logits. Each round gives every network a block of runs of its own, warmed up:
run in turn, one at a time, they would disturb each other, since the threads
of onnxruntime keep spinning for a while after a run.

With --modes, ways of running each network on the CPU are compared instead:
eager PyTorch; convolutions and norms fused and channels-last memory (fused);
this compiled (compile); the exported file with onnxruntime in float32 (onnx)
and in 8-bit integers (int8).

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
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from fdep_mm.models.segmentors import host_cfg
from fdep_mm.registry import MODELS

MODES = ('eager', 'fused', 'compile', 'onnx', 'int8')


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


def latencies(
    models: dict[str, Callable],
    image: torch.Tensor | np.ndarray,
    rounds: int,
    seconds: float,
) -> dict[str, float]:
    """Median seconds of each model.

    Args:
        models (dict[str, Callable]): Functions of an image, by name.
        image (torch.Tensor | np.ndarray): (1, 3, H, W).
        rounds (int): Blocks of runs for each model.
        seconds (float): Shortest block.

    Returns:
        dict[str, float]: By name.
    """
    blocks = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            timer = Timer(
                'model(image)',
                globals=dict(model=model, image=image),
                num_threads=torch.get_num_threads(),
            )
            with torch.inference_mode():
                blocks[name].append(timer.blocked_autorange(None, seconds))
    return {
        name: statistics.median(t for block in each for t in block.times)
        for name, each in blocks.items()
    }


def network_table(
    configs: list[str], sizes: list[int], rounds: int, seconds: float
) -> Iterator[str]:
    """Parameters, multiply-adds and latency: lines of a table."""
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    models = {Path(path).stem: build_host(path) for path in configs}
    macs = {name: multiply_adds(m, 256) for name, m in models.items()}
    for model in models.values():
        model.to(device)
    times = [
        latencies(
            models, torch.randn(1, 3, s, s, device=device), rounds, seconds
        )
        for s in sizes
    ]
    yield (
        f'device {device}, {torch.get_num_threads()} threads, torch '
        f'{torch.__version__}, median of {rounds} blocks of at least '
        f'{seconds} s'
    )
    columns = ' | '.join(f'{s}x{s}, ms' for s in sizes)
    yield f'| network | params, M | MACs at 256x256, G | {columns} |'
    yield '|---' * (3 + len(sizes)) + '|'
    for name, model in models.items():
        params = sum(p.numel() for p in model.parameters()) / 1e6
        cells = ' | '.join(f'{1000 * t[name]:.1f}' for t in times)
        yield f'| {name} | {params:.3f} | {macs[name] / 1e9:.3f} | {cells} |'


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
    import onnxruntime

    from fdep_mm.deployment.light_branch import build_light_branch
    from fdep_mm.deployment.runtimes import check_equal, prepare

    yield (
        f'CPU, {torch.get_num_threads()} threads, torch {torch.__version__}, '
        f'onnxruntime {onnxruntime.__version__}, from pixels to '
        f'probabilities, one image at a time, median of {rounds} blocks of '
        f'at least {seconds} s: images per second (ratio to {modes[0]})'
    )
    yield f'| network | size | {" | ".join(modes)} |'
    yield '|---' * (2 + len(modes)) + '|'
    rng = np.random.default_rng(0)
    for path in configs:
        cfg = Config.fromfile(path)
        runs = prepare(build_light_branch(cfg, None), tuple(modes))
        for size in sizes:
            image = rng.normal(100, 10, (1, 3, size, size))
            image = image.astype(np.float32)
            check_equal(runs, image)  # compiles, too
            times = latencies(runs, image, rounds, seconds)
            cells = ' | '.join(
                f'{1 / t:.1f} ({times[modes[0]] / t:.2f})'
                for t in times.values()
            )
            yield f'| {Path(path).stem} | {size}x{size} | {cells} |'


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', nargs='+', help='hosts or FDEP configs')
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
