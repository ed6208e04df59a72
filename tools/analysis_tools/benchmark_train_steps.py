"""Training steps that benchmark_train.py times: whole, and part by part."""

import time
from collections.abc import Callable

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

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


class Clock:
    """Seconds of parts that follow each other."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._last = self._now()

    @staticmethod
    def _now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    def lap(self, name: str) -> None:
        """Give the time since the last call to a part."""
        now = self._now()
        self.parts[name] = self.parts.get(name, 0.0) + now - self._last
        self._last = now


class Step:
    """Training steps of one model.

    Args:
        cfg (Config): With the optimizer.
        model (nn.Module): To be trained.
        loss (Callable): Of inputs and data samples.
    """

    def __init__(
        self, cfg: Config, model: torch.nn.Module, loss: Callable
    ) -> None:
        self.model = model
        self.loss = loss
        self.optim: OptimWrapper = build_optim_wrapper(
            model, cfg.optim_wrapper
        )

    def __call__(self, batch: dict) -> float:
        """Do one step, return its seconds."""
        clock = Clock()
        data = self.model.data_preprocessor(batch, True)
        with self.optim.optim_context(self.model):
            losses = self.loss(data['inputs'], data['data_samples'])
        total, _ = self.model.parse_losses(losses)
        self.optim.update_params(total)
        clock.lap('all')
        return clock.parts['all']

    def parts(self, batch: dict) -> dict[str, float]:
        """Do one CO-ISD step, return the seconds of its parts."""
        model, clock = self.model, Clock()
        data = model.data_preprocessor(batch, True)
        inputs, samples = data['inputs'], data['data_samples']
        clock.lap('to the device, normalise')
        with self.optim.optim_context(model):
            priors = model._priors(inputs, samples)
            clock.lap('VFM')
            feats = list(model._host_feats(inputs))
            clock.lap('encoder')
            fused = model.samf(model._pick(feats), priors)
            clock.lap('SAMF')
            losses = model._decode_both(feats, fused, samples)
            clock.lap('decoder x2')
        total, _ = model.parse_losses(losses)
        self.optim.backward(self.optim.scale_loss(total))
        clock.lap('backward')
        self.optim.step()
        self.optim.zero_grad()
        clock.lap('optimizer')
        return clock.parts


def naive_loss(model: COISDSegmentor) -> Callable:
    """Two full host passes: what one encoder pass saves."""

    def loss(inputs: torch.Tensor, samples: list) -> dict:
        priors = model._priors(inputs, samples)
        fused = list(model._host_feats(inputs))
        fused[model.bottleneck] = model.samf(model._pick(fused), priors)
        main = model._branch_loss(fused, samples, 'main')
        feats = list(model._host_feats(inputs))
        return main | model._branch_loss(feats, samples, 'light')

    return loss


def make_steps(
    cfg: Config, device: str, compiled: bool, channels: int | None
) -> dict:
    """One training step of each kind, each with a model of its own.

    Where priors come with the batch, each has at most `channels`.
    """

    def build(model_cfg: dict) -> torch.nn.Module:
        model = MODELS.build(model_cfg).to(device).train()
        if not compiled:
            return model
        if isinstance(model, COISDSegmentor):
            model._host_feats = torch.compile(model._host_feats)
            model._decode_both = torch.compile(model._decode_both)
        else:
            model.loss = torch.compile(model.loss)
        return model

    host = build(host_cfg(cfg.model))
    online, naive_online = build(cfg.model), build(cfg.model)
    given = cfg.model.copy()
    kept = [min(n, channels or n) for n in online.vfm.channels]
    given.samf = dict(given.samf, prior_channels=kept)
    cached, naive = build(given), build(given)
    for model in (cached, naive):  # as a VFM with such a cache has them
        model.vfm.channels = tuple(kept)
    return {
        'host': Step(cfg, host, host.loss),
        'cached': Step(cfg, cached, cached.loss),
        'online': Step(cfg, online, online.loss),
        'naive': Step(cfg, naive, naive_loss(naive)),
        'naive online': Step(cfg, naive_online, naive_loss(naive_online)),
    }
