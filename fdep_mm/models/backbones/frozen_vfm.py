"""A frozen vision foundation model (VFM) from timm as a source of priors.

FDEP, arXiv 2512.05511: its figure shows a frozen "Transformer Encoder (DINO)"
without version or size. The choice of layers, the default family and the
handling of input sizes are ours.
"""

import difflib
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from fdep_mm.registry import MODELS

# timm is imported where it is used: a process that only runs a host network
# must not pay for it.


class _Unregistered:
    """Keeps a module out of its owner's parameters and state dict.

    A deep copy of the owner (an EMA model, say) shares the module.
    """

    def __init__(self):
        self.module: nn.Module | None = None

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
    normalisation.

    Args:
        model_name (str): Any timm model name with ``forward_intermediates``,
            for example ``'vit_small_patch16_dinov3.lvd1689m'``.
        out_indices (Sequence[int]): Blocks (ViT) or stages (CNN) to return,
            ascending. Defaults to (2, 5, 8, 11).
        pretrained (bool): Load timm's own weights. Without a `checkpoint`
            this needs a network or timm's cache. Defaults to True.
        checkpoint (str, optional): Local file with the weights, a
            ``.safetensors`` file or a PyTorch file of tensors only. Defaults
            to None.
        input_scale (float): Factor on height and width before the VFM; 2
            gives four times as many tokens. Defaults to 1.
        norm (bool): Apply the VFM's last norm to every map, as DINO's own
            feature extraction does. Defaults to True.
        amp_dtype (str, optional): 'bfloat16' or 'float16' runs the VFM under
            autocast. Defaults to None, the caller's precision.
        mean, std (Sequence[float], optional): Normalisation of the VFM's
            input, for pixel values in 0..1. Default to timm's record.
        seed (int): Seeds the weights if neither `pretrained` nor
            `checkpoint` is set, so that a resumed run sees the same random
            VFM. Defaults to 0.

    Attributes:
        channels (tuple[int]): Channels of each returned map.
        strides (tuple[int]): Strides of each returned map at input scale 1.

    Raises:
        ValueError: If timm does not know `model_name`, or `out_indices` go
            beyond its depth.
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
    ):
        super().__init__()
        self.model_name = model_name
        self.out_indices = tuple(out_indices)
        self.pretrained = pretrained
        self.checkpoint = checkpoint
        self.input_scale = input_scale
        self.norm = norm
        self.amp_dtype = getattr(torch, amp_dtype) if amp_dtype else None
        self.seed = seed
        self._vfm = _Unregistered()
        self._read_architecture(mean, std)

    def _read_architecture(
        self, mean: Sequence[float] | None, std: Sequence[float] | None
    ) -> None:
        _check_name(self.model_name)
        with torch.device('meta'):
            model = _create(self.model_name)
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
        """Build the VFM and load its weights, once.

        Raises:
            RuntimeError: If the weights cannot be had or do not fit.
        """
        if self._vfm.module is not None:
            return
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            if self.checkpoint is not None:
                model = self._from_file(self.checkpoint)
            elif self.pretrained:
                model = self._from_hub()
            else:
                model = _create(self.model_name)
        model.prune_intermediate_layers(
            list(self.out_indices), prune_norm=not self.norm, prune_head=True
        )
        self._vfm.module = model.eval().requires_grad_(False)

    def _from_file(self, path: str) -> nn.Module:
        state_dict = _read_state_dict(path, self.model_name)
        try:
            model = _create(
                self.model_name,
                pretrained=True,
                pretrained_cfg_overlay=dict(state_dict=state_dict),
            )
        except (RuntimeError, KeyError) as error:
            raise RuntimeError(
                f'checkpoint={path!r} does not fit the timm model '
                f'{self.model_name!r}; is it of another architecture? '
                f'{str(error)[:400]}'
            ) from error
        model.pretrained_cfg = None  # holds the state dict a second time
        return model

    def _from_hub(self) -> nn.Module:
        try:
            return _create(self.model_name, pretrained=True)
        except Exception as error:  # hub clients raise many types
            raise RuntimeError(
                f'No weights for the timm model {self.model_name!r}: timm '
                'could not download them and its cache has none. '
                f'{_ACCEPTED} ({type(error).__name__}: {error})'
            ) from error

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of an image batch.

        Args:
            pixels (Tensor): (B, 3, H, W) RGB or (B, 1, H, W) grey, values in
                0..255, any size; resized to the nearest multiple of the
                VFM's stride where it does not divide.

        Returns:
            tuple[Tensor]: For each of `out_indices` one map
            (B, channels[i], h, w), float32, without gradient.

        Raises:
            RuntimeError: If the weights cannot be had or do not fit.
            ValueError: If the last norm changes the number of channels.
        """
        self.init_weights()
        model = self._vfm.module.to(pixels.device)
        x = self._prepare(pixels)
        autocast = (
            nullcontext()
            if self.amp_dtype is None
            else torch.autocast(x.device.type, self.amp_dtype)
        )
        with autocast:
            maps = model.forward_intermediates(
                x,
                indices=list(self.out_indices),
                norm=self.norm,
                stop_early=True,
                intermediates_only=True,
            )
        channels = tuple(m.shape[1] for m in maps)
        if channels != self.channels:
            raise ValueError(
                f'{self.model_name!r} gave maps of {channels} channels, '
                f'{self.channels} expected: its last norm changes the width; '
                'set norm=False'
            )
        return tuple(m.float() for m in maps)

    def _prepare(self, pixels: Tensor) -> Tensor:
        x = (pixels.float() / 255 - self.mean) / self.std
        stride = max(self.strides)
        size = tuple(
            max(1, round(side * self.input_scale / stride)) * stride
            for side in x.shape[-2:]
        )
        if size == tuple(x.shape[-2:]):
            return x
        return F.interpolate(x, size, mode='bilinear', align_corners=False)


_ACCEPTED = (
    'Give a local file with checkpoint=...: a .safetensors file or a .pth '
    'file of tensors only, with the keys of the timm model (scripts under '
    'tools/model_converters/ make such files), or set pretrained=False for '
    'a random VFM.'
)


def _check_name(model_name: str) -> None:
    import timm

    if ':' in model_name or timm.is_model(model_name.split('.')[0]):
        return
    near = difflib.get_close_matches(model_name, timm.list_models(), n=3)
    raise ValueError(
        f'timm does not know the model {model_name!r}; nearest '
        f'names: {near}. timm.list_models() lists all.'
    )


def _create(model_name: str, **kwargs) -> nn.Module:
    """timm.create_model, for any input size where the model can do that."""
    import timm

    try:
        return timm.create_model(model_name, dynamic_img_size=True, **kwargs)
    except TypeError:  # CNNs and some ViTs take any size without being told
        return timm.create_model(model_name, **kwargs)


def _read_state_dict(path: str, model_name: str) -> dict[str, Tensor]:
    """Read a file of tensors without unpickling anything else."""
    if not Path(path).is_file():
        raise RuntimeError(
            f'No file {path!r} with weights for the timm '
            f'model {model_name!r}. {_ACCEPTED}'
        )
    try:
        if path.endswith('.safetensors'):
            from safetensors.torch import load_file

            return load_file(path)
        state_dict = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # both readers raise many types
        raise RuntimeError(
            f'Cannot read weights from {path!r}. {_ACCEPTED} '
            f'({type(error).__name__}: {error})'
        ) from error
    for key in ('state_dict', 'model'):
        state_dict = state_dict.get(key, state_dict)
    return state_dict
