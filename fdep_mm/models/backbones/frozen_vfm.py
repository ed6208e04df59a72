"""A frozen vision foundation model (VFM) from timm as a source of priors.

FDEP, arXiv 2512.05511: its figure shows a frozen "Transformer Encoder (DINO)"
without version or size. The choice of layers, the default family and the
handling of input sizes are ours.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from fdep_mm.priors import CacheIndex, PriorCacheError
from fdep_mm.priors.batch import HOW_TO_LOAD
from fdep_mm.priors.geometry import vfm_input_size
from fdep_mm.priors.identity import (
    check_identity,
    vfm_record,
    weights_sha256,
)
from fdep_mm.registry import MODELS

from .vfm_weights import check_name, create, from_file, from_hub


class _Unregistered:
    """Keeps a module out of its owner's parameters and state dict.

    A deep copy of the owner (an EMA model, say) shares the module.
    """

    def __init__(self):
        self.module: nn.Module | None = None
        self.run: Callable | None = None  # compiled or not

    def __deepcopy__(self, memo: dict) -> '_Unregistered':
        return self


@MODELS.register_module()
class FrozenVFM(BaseModule):
    """Intermediate feature maps of a frozen timm model.

    It has no trainable parameter and no key in a checkpoint, and it stays in
    evaluation mode. Construction only reads the architecture; the weights are
    loaded by :meth:`init_weights` (which a Runner calls before training) or
    by the first forward pass, so testing a network never needs them. Also
    usable as a plain mmseg backbone behind a data preprocessor without
    normalization.

    Args:
        model_name (str): Any timm model name with ``forward_intermediates``,
            for example ``'vit_small_patch16_dinov3.lvd1689m'``.
        out_indices (Sequence[int]): Blocks (ViT) or stages (CNN) to return,
            strictly ascending; the pass ends with the last one.
        pretrained (bool): Load timm's own weights. Without a `checkpoint` this
            needs a network or timm's cache.
        checkpoint (str, optional): Local file with the weights, a
            ``.safetensors`` file or a PyTorch file of tensors only.
        input_scale (float): Factor on height and width before the VFM, above
            0; 2 gives four times as many tokens.
        norm (bool): Apply the VFM's last norm to every map, as DINO's own
            feature extraction does.
        amp_dtype (str, optional): 'bfloat16' or 'float16' runs the VFM under
            autocast. Defaults to None, the caller's precision.
        mean, std (Sequence[float], optional): Normalization of the VFM's
            input, for pixel values in 0..1. Default to timm's record.
        seed (int): Seeds the weights if neither `pretrained` nor `checkpoint`
            is set, so that a resumed run sees the same random VFM.
        channels_last (bool): Keep images and convolutions' weights in that
            memory format, which is faster for CNNs on GPUs, and on CPUs with
            bfloat16.
        compile (bool): Run the VFM through ``torch.compile``: slower to start,
            faster from then on.
        cache (str, optional): Folder that ``tools/cache_priors.py`` wrote. The
            priors come with the batch then and the VFM is never built; neither
            timm nor weights are needed. Must have been made by the same VFM.

    Attributes:
        channels (tuple[int]): Channels of each returned map; with a cache,
            those it has stored.
        strides (tuple[int]): Strides of each returned map at input scale 1.
        bgr_to_rgb (bool, optional): Whether the network reverses the channels
            of an image before; None if unknown.

    Raises:
        ValueError: If timm does not know `model_name`, or `out_indices` are
            not ascending or go beyond its depth.
        PriorCacheError: If there is no such `cache`, or it is of another
            VFM.
        RuntimeError: When the weights are loaded: there are none or they do
            not fit.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] = (2, 5, 8, 11),
        pretrained: bool = True,
        checkpoint: str | None = None,
        input_scale: float = 1.0,
        norm: bool = True,
        amp_dtype: str | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        seed: int = 0,
        channels_last: bool = False,
        compile: bool = False,
        cache: str | None = None,
    ):
        super().__init__()
        if not input_scale > 0:
            raise ValueError(f'input_scale={input_scale} is not positive')
        self.model_name = model_name
        self.out_indices = tuple(out_indices)
        if list(out_indices) != sorted(set(out_indices)):
            raise ValueError(
                f'out_indices={self.out_indices} must be ascending, each '
                'once: timm gives maps in that order'
            )
        self.pretrained = pretrained
        self.checkpoint = checkpoint
        self.input_scale = input_scale
        self.norm = norm
        self.amp_dtype = getattr(torch, amp_dtype) if amp_dtype else None
        self.seed = seed
        self.channels_last = channels_last
        self.compile = compile
        self.cache = cache
        self.bgr_to_rgb: bool | None = None
        self._vfm = _Unregistered()
        if cache is None:
            self._read_architecture(mean, std)
        else:
            self._read_cache(mean, std)

    def _read_cache(
        self, mean: Sequence[float] | None, std: Sequence[float] | None
    ) -> None:
        index = CacheIndex.read(self.cache)
        wanted = vfm_record(self, mean, std)
        check_identity(index, self.cache, wanted, self.out_indices)
        self.record = index.record
        chosen = [index.layers.index(i) for i in self.out_indices]
        self.channels = tuple(index.channels[i] for i in chosen)
        self.strides = tuple(index.strides[i] for i in chosen)

    def _read_architecture(
        self, mean: Sequence[float] | None, std: Sequence[float] | None
    ) -> None:
        check_name(self.model_name)
        with torch.device('meta'):
            model = create(self.model_name)
        if not hasattr(model, 'forward_intermediates'):
            raise ValueError(
                f'timm model {self.model_name!r} has no '
                'forward_intermediates; choose another VFM'
            )
        info = list(model.feature_info)
        if (
            not self.out_indices
            or min(self.out_indices) < 0
            or max(self.out_indices) >= len(info)
        ):
            raise ValueError(
                f'out_indices={self.out_indices} of {self.model_name!r} must '
                f'lie in 0..{len(info) - 1}: it has {len(info)} feature maps'
            )
        self.channels = tuple(info[i]['num_chs'] for i in self.out_indices)
        self.strides = tuple(info[i]['reduction'] for i in self.out_indices)
        record = model.pretrained_cfg
        for name, value in (
            ('mean', mean or record['mean']),
            ('std', std or record['std']),
        ):
            self.register_buffer(
                name, torch.tensor(value).view(-1, 1, 1), persistent=False
            )

    def init_weights(self) -> None:
        """Build the VFM and load its weights, once; nothing with a cache."""
        if self._vfm.module is not None or self.cache is not None:
            return
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            if self.checkpoint is not None:
                model = from_file(self.model_name, self.checkpoint)
            elif self.pretrained:
                model = from_hub(self.model_name)
            else:
                model = create(self.model_name)
        model.prune_intermediate_layers(
            list(self.out_indices), prune_norm=not self.norm, prune_head=True
        )
        model = model.eval().requires_grad_(False)
        if self.channels_last:
            model = model.to(memory_format=torch.channels_last)
        self._vfm.module = model
        run = model.forward_intermediates
        self._vfm.run = torch.compile(run) if self.compile else run

    @cached_property
    def record(self) -> dict:
        """What decides the maps; with a cache, what its index knows."""
        found = vfm_record(
            self, self.mean.flatten().tolist(), self.std.flatten().tolist()
        )
        return dict(found, bgr_to_rgb=self.bgr_to_rgb)

    def identity(self) -> dict:
        """What decides the maps, for the index of a cache."""
        self.init_weights()
        return dict(
            self.record, weights_sha256=weights_sha256(self._vfm.module)
        )

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of an image batch.

        Args:
            pixels (Tensor): (B, 3, H, W) RGB or (B, 1, H, W) gray, values in
                0..255, any size; resized to the nearest multiple of the
                VFM's stride where it does not divide.

        Returns:
            tuple[Tensor]: For each of `out_indices` one map
            (B, channels[i], h, w), float32, without gradient.

        Raises:
            PriorCacheError: If there is a cache: the batch should have had
                its maps.
            ValueError: If the last norm changes the number of channels.
        """
        if self.cache is not None:
            raise PriorCacheError(
                f'vfm.cache={self.cache!r}, but the batch has no priors: '
                f'{HOW_TO_LOAD}. Without vfm.cache the VFM computes them'
            )
        self.init_weights()
        self._vfm.module.to(pixels.device)
        x = self._prepare(pixels)
        autocast = (
            nullcontext()
            if self.amp_dtype is None
            else torch.autocast(x.device.type, self.amp_dtype)
        )
        with autocast:
            maps = self._vfm.run(
                x,
                indices=list(self.out_indices),
                norm=self.norm,
                stop_early=True,
                intermediates_only=True,
            )
        channels = tuple(m.shape[1] for m in maps)
        if channels != self.channels:
            raise ValueError(
                f'{self.model_name!r} gave maps of {channels} channels, not '
                f'{self.channels}: set norm=False'
            )
        return tuple(m.float() for m in maps)

    def _prepare(self, pixels: Tensor) -> Tensor:
        x = (pixels.float() / 255 - self.mean) / self.std
        size = vfm_input_size(
            tuple(x.shape[-2:]), max(self.strides), self.input_scale
        )
        if size != tuple(x.shape[-2:]):
            x = F.interpolate(x, size, mode='bilinear', align_corners=False)
        if self.channels_last:
            x = x.to(memory_format=torch.channels_last)
        return x
