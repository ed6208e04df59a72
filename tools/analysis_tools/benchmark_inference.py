"""Parameters, multiply-adds and latency of networks, as one table.

All networks are timed side by side, round by round, in this one process, on
one image of noise; the times hold the network alone, from the normalised
image to the logits.

Example:
    python tools/analysis_tools/benchmark_inference.py --threads 2 \
        configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py \
        configs/alcnet/alcnet_1xb16-400e_nuaa-sirst-256x256.py
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.utils.flop_counter import FlopCounterMode

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


def seconds(model: Callable, image: torch.Tensor) -> float:
    """Time one image."""
    if image.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    with torch.inference_mode():
        model(image)
    if image.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def latencies(models: dict, image: torch.Tensor, rounds: int) -> dict:
    """Median seconds of each model, interleaved; one round is warm-up."""
    times = {name: [] for name in models}
    for _ in range(rounds + 1):
        for name, model in models.items():
            times[name].append(seconds(model, image))
    return {name: statistics.median(t[1:]) for name, t in times.items()}


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
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--threads', type=int, help='CPU threads of torch')
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    models = {Path(path).stem: build_host(path) for path in args.config}
    macs = {name: multiply_adds(m, 256) for name, m in models.items()}
    for model in models.values():
        model.to(device)
    times = [
        latencies(models, torch.randn(1, 3, s, s, device=device), args.rounds)
        for s in args.sizes
    ]
    print(
        f'device {device}, {torch.get_num_threads()} threads, torch '
        f'{torch.__version__}, median of {args.rounds} interleaved rounds'
    )
    sizes = ' | '.join(f'{s}x{s}, ms' for s in args.sizes)
    print(f'| network | params, M | MACs at 256x256, G | {sizes} |')
    print('|---' * (3 + len(args.sizes)) + '|')
    for name, model in models.items():
        params = sum(p.numel() for p in model.parameters()) / 1e6
        cells = ' | '.join(f'{1000 * t[name]:.1f}' for t in times)
        print(
            f'| {name} | {params:.3f} | {macs[name] / 1e9:.3f} | {cells} |',
            flush=True,
        )


if __name__ == '__main__':
    main()
