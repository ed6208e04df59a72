"""Time of one training step: CO-ISD against the host and the naive way.

All variants are timed side by side, round by round, in this one process:
    host        the host alone: encoder, decoder, backward, optimizer
    co-isd      encoder once, decoder twice, priors given
    naive       encoder twice, decoder twice, priors given
    co-isd+vfm  co-isd, the VFM computes the priors in every step

Example:
    python tools/analysis_tools/benchmark_train.py \
        configs/fdep/fdep-dinov3-s16_alcnet_1xb16-400e_nuaa-sirst-256x256.py
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from fdep_mm.models.segmentors import COISDSegmentor, host_cfg
from fdep_mm.models.segmentors.split import encode
from fdep_mm.registry import MODELS


def make_batch(size: int, batch: int, device: str) -> tuple:
    """Noise images and labels with one small target each."""
    label = torch.zeros(1, size, size, dtype=torch.long, device=device)
    label[0, size // 2 : size // 2 + 4, size // 2 : size // 2 + 4] = 1
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=label)) for _ in range(batch)
    ]
    return torch.randn(batch, 3, size, size, device=device), samples


def naive_loss(model: COISDSegmentor, priors: tuple) -> Callable:
    """Two full host passes: what one encoder pass saves."""

    def loss(inputs: torch.Tensor, samples: list) -> dict:
        fused = list(encode(model.backbone, inputs))
        fused[model.bottleneck] = model.samf(fused[model.bottleneck], priors)
        main = model._branch_loss(fused, samples, 'main')
        feats = list(encode(model.backbone, inputs))
        return main | model._branch_loss(feats, samples, 'light')

    return loss


def make_step(cfg: Config, model: torch.nn.Module, loss: Callable) -> Callable:
    """A whole training step with this loss, as a function of the batch."""
    optim = build_optim_wrapper(model, cfg.optim_wrapper)

    def step(inputs: torch.Tensor, samples: list) -> None:
        total, _ = model.parse_losses(loss(inputs, samples))
        optim.update_params(total)

    return step


def seconds(step: Callable, batch: tuple) -> float:
    """Time one step."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    step(*batch)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def make_steps(cfg: Config, batch: tuple, random_vfm: bool) -> dict:
    """One training step of each variant, each with a model of its own."""
    if random_vfm:
        cfg.model.vfm.update(pretrained=False, checkpoint=None)
    device = batch[0].device

    def build(model_cfg: dict) -> torch.nn.Module:
        model = MODELS.build(model_cfg).to(device)
        return model.train()

    host = build(host_cfg(cfg.model))
    naive, given, online = (build(cfg.model) for _ in range(3))
    priors = given.vfm(batch[0])
    given.vfm.forward = lambda pixels: priors
    return {
        'host': make_step(cfg, host, host.loss),
        'co-isd': make_step(cfg, given, given.loss),
        'naive': make_step(cfg, naive, naive_loss(naive, priors)),
        'co-isd+vfm': make_step(cfg, online, online.loss),
    }


def main() -> None:
    """Print step times and their ratios to the host's."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', nargs='+', help='FDEP configs')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--size', type=int, default=256, help='px')
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--threads', type=int, help='CPU threads of torch')
    parser.add_argument(
        '--random-vfm',
        action='store_true',
        help='do not load the weights of the VFM; times are the same',
    )
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    batch = make_batch(args.size, args.batch, device)
    print(
        f'device {device}, {torch.get_num_threads()} threads, torch '
        f'{torch.__version__}, batch {args.batch} of {args.size}x{args.size}, '
        f'median of {args.rounds} interleaved rounds'
    )
    for path in args.config:
        cfg = Config.fromfile(path)
        init_default_scope(cfg.default_scope)
        steps = make_steps(cfg, batch, args.random_vfm)
        for step in steps.values():
            step(*batch)  # warm up
        times = {name: [] for name in steps}
        for _ in range(args.rounds):
            for name, step in steps.items():
                times[name].append(seconds(step, batch))
        print(f'{path}')
        host = statistics.median(times['host'])
        for name, values in times.items():
            median = statistics.median(values)
            print(
                f'  {name:12s}{1000 * median:9.1f} ms{median / host:7.2f} x '
                'host'
            )


if __name__ == '__main__':
    main()
