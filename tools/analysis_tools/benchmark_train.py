r"""Time of a training step: FDEP against the host alone.

For each config these steps, from a batch in the host's memory to new
weights, are timed side by side, round by round, in this one process:
    host            the host alone
    cached          CO-ISD, the priors come with the batch
    online          CO-ISD, the VFM computes the priors in every step

Weights do not change times: --random-vfm loads none.

On CPUs under Linux, set GLIBC_TUNABLES to what `tools/study.py --dry-run`
prints: without it, page faults can take longer than the network.

Examples:
    FDEP_VFM=dinov3-l16 python tools/analysis_tools/benchmark_train.py \
        configs/fdep/fdep_alcnet_1xb16-400e_nuaa-sirst-256x256.py --random-vfm
    python tools/analysis_tools/benchmark_train.py CONFIG --cfg-options \
        optim_wrapper.type=AmpOptimWrapper model.vfm.amp_dtype=bfloat16
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import merge_options, open_config
from fdep_mm.core.options import add_cfg_options
from fdep_mm.models.segmentors import COISDSegmentor, host_cfg
from fdep_mm.priors import pack_priors
from fdep_mm.registry import MODELS


def make_batch(size: int, batch: int, pin: bool) -> dict:
    """Noise images and labels with one small target each, not on a GPU."""
    label = torch.zeros(1, size, size, dtype=torch.long)
    label[0, size // 2 : size // 2 + 4, size // 2 : size // 2 + 4] = 1
    images = torch.rand(batch, 3, size, size) * 255
    samples = []
    for _ in range(batch):
        sample = SegDataSample(gt_sem_seg=PixelData(data=label))
        sample.set_metainfo(dict(img_shape=(size, size)))
        samples.append(sample)
    images = images.pin_memory() if pin else images
    return dict(inputs=list(images), data_samples=samples)


def with_priors(
    batch: dict, model: COISDSegmentor, channels: int | None
) -> dict:
    """The same batch as fdep_mm.LoadPrior would have made it, in float16."""
    vfm = model.vfm
    device = next(model.parameters()).device
    samples = []
    for image, old in zip(batch['inputs'], batch['data_samples'], strict=True):
        sample = old.clone()
        sample.priors = pack_priors(
            [
                one[0, :channels].half().cpu()
                for one in vfm(image[None].to(device))
            ],
            vfm.out_indices,
            vfm.strides,
            vfm.input_scale,
            vfm.record,
            tuple(image.shape[-2:]),
        )
        samples.append(sample)
    return dict(inputs=batch['inputs'], data_samples=samples)


def make_step(cfg: Config, model: torch.nn.Module) -> Callable:
    """A training step of a model: batch -> seconds."""
    optim = build_optim_wrapper(model, cfg.optim_wrapper)

    def synchronized() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    def step(batch: dict) -> float:
        start = synchronized()
        data = model.data_preprocessor(batch, True)
        with optim.optim_context(model):
            losses = model.loss(data['inputs'], data['data_samples'])
        optim.update_params(model.parse_losses(losses)[0])
        return synchronized() - start

    return step


def measure(cfg: Config, args: argparse.Namespace, device: str) -> None:
    """Time one host with one VFM and print the result."""

    def build(model_cfg: dict) -> torch.nn.Module:
        model = MODELS.build(model_cfg).to(device).train()
        if args.compile:
            model.loss = torch.compile(model.loss)
        return model

    size = cfg.data_preprocessor.size[0] if args.size is None else args.size
    plain = make_batch(size, args.batch, device == 'cuda')
    online = build(cfg.model)
    kept = [min(n, args.pca or n) for n in online.vfm.channels]
    samf = dict(cfg.model.samf, prior_channels=kept)
    cached = build(dict(cfg.model, samf=samf))
    cached.vfm.channels = tuple(kept)  # as a VFM with such a cache has them
    batches = dict(
        host=plain, cached=with_priors(plain, online, args.pca), online=plain
    )
    models = dict(
        host=build(host_cfg(cfg.model)), cached=cached, online=online
    )
    steps = {name: make_step(cfg, model) for name, model in models.items()}
    times = {name: [] for name in steps}
    # two warm-ups: under --compile the first step is not compiled
    for warm_up in (True, True, *[False] * args.rounds):
        for name, step in steps.items():
            seconds = step(batches[name])
            if not warm_up:
                times[name].append(seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(f'  {"step":16s}{"ms":>10s}{"/ host":>10s}')
    for name, value in medians.items():
        ratio = value / medians['host']
        print(f'  {name:16s}{1000 * value:10.1f}{ratio:10.2f}')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', nargs='+', help='FDEP configs')
    add('--batch', type=int, default=16)
    add('--size', type=int, help="px (default: the config's crop)")
    add('--rounds', type=int, default=15)
    add('--threads', type=int, help='CPU threads of torch')
    add('--random-vfm', action='store_true', help='a VFM without weights')
    add(
        '--pca',
        type=int,
        metavar='K',
        help='K channels of each prior that comes with the batch, as '
        'tools/cache_priors.py --pca K stores them (default: all)',
    )
    add('--compile', action='store_true', help='compile model.loss')
    add_cfg_options(parser)
    return parser.parse_args()


def configure(path: str, args: argparse.Namespace) -> Config:
    """A config with the options of the command line."""
    cfg = open_config(path)
    cfg.model.vfm.pop('cache', None)
    if args.random_vfm:
        cfg.model.vfm.update(pretrained=False, checkpoint=None)
    merge_options(cfg, args.cfg_options)
    return cfg


@command()
def main() -> None:
    """Print the times of all configs."""
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
        cfg = configure(path, args)
        print(f'{path}\n  VFM {cfg.model.vfm.model_name}')
        measure(cfg, args, device)


if __name__ == '__main__':
    sys.exit(main())
