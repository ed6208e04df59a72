"""Networks of a config and a checkpoint, run by PyTorch."""

import warnings
from os import PathLike
from pickle import UnpicklingError

import numpy as np
import torch
from mmcv.transforms import LoadAnnotations, LoadImageFromFile
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.device import get_device
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from fdep_mm.core.checkpoints import (
    TRAINING_ONLY,
    compare_weights,
    read_checkpoint,
    weights_of,
)
from fdep_mm.core.config_check import read_config
from fdep_mm.core.foreground import foreground
from fdep_mm.core.normalization import compare_normalization
from fdep_mm.core.stored_config import read_stored_config
from fdep_mm.core.text import first_line
from fdep_mm.models.segmentors import host_cfg
from fdep_mm.registry import MODELS, TRANSFORMS

# What mmdet's demos show; the heads keep boxes far below it.
DETECTION_THRESHOLD = 0.3


class TorchBackend:
    """A segmentor or detector; see :class:`.backend.Backend`.

    Of an FDEP network only the light branch is built. Results on 8-bit images
    are bit-identical with those of the config's test loop.

    Args:
        config (str | PathLike | dict, optional): A config, or its path.
            Default: the one that MMEngine stores in `weights`.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: The config holds no model or test pipeline, `weights` is
            no checkpoint, not one of this network or holds NaN, the segmentor
            has more than two output channels, or there is no such device.
    """

    def __init__(
        self,
        config: str | PathLike | dict | None,
        weights: str | PathLike | None = None,
        device: str | None = None,
    ) -> None:
        checkpoint = None if weights is None else _read_weights(str(weights))
        self.file = weights
        cfg = _read_config(config, checkpoint, weights)
        init_default_scope(cfg.get('default_scope', 'mmseg'))
        model_cfg = host_cfg(cfg.model)
        segmentor = 'decode_head' in model_cfg
        self.task = 'segmentation' if segmentor else 'detection'
        model = revert_sync_batchnorm(_build(model_cfg))
        if checkpoint is None:
            text = 'no weights given: the network is not trained'
            warnings.warn(text, stacklevel=2)
        else:
            _load(model, checkpoint, str(weights))
            stored = checkpoint.get('meta', {}).get('cfg')
            text = compare_normalization(cfg, stored, f'{str(weights)!r}')
            if text:
                warnings.warn(text, stacklevel=2)
        self.model = _to_device(model, device or get_device())
        self._read_pipeline(cfg)
        self._read_settings(model_cfg)

    def _read_pipeline(self, cfg: Config) -> None:
        steps = [TRANSFORMS.build(t) for t in read_pipeline(cfg)]
        loaders = [t for t in steps if isinstance(t, LoadImageFromFile)]
        loader = loaders[0] if loaders else None
        self.gray_range = getattr(loader, 'gray_range', 'dtype')
        # mmcv's loader keeps colors
        self.gray = getattr(loader, 'gray', loader is None)
        # bytes are resized as such
        self.whole_numbers = loader is not None and not loader.to_float32
        loading = (LoadImageFromFile, LoadAnnotations)
        steps = [t for t in steps if not isinstance(t, loading)]
        self._pipeline = Compose(steps)

    def _read_settings(self, model_cfg: dict) -> None:
        if self.task == 'detection':
            self.stride, self.threshold = 1, DETECTION_THRESHOLD
            return
        if self.model.out_channels not in (1, 2):
            raise ValueError(
                f'the segmentor has {self.model.out_channels} output '
                'channels; set out_channels=1 in decode_head'
            )
        padding = self.model.data_preprocessor.test_cfg or {}
        self.stride = padding.get('size_divisor') or 1
        head = model_cfg['decode_head']
        head = head[-1] if isinstance(head, (list, tuple)) else head
        # not mmseg's 0.3: what metrics score
        self.threshold = head.get('threshold') or 0.5

    def __call__(self, images: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """See :meth:`.backend.Backend.__call__`."""
        if self.whole_numbers:
            images = np.rint(images).astype(np.uint8)
        data = pseudo_collate([self._pipeline(_sample(i)) for i in images])
        with torch.inference_mode():
            found = self.model.test_step(data)
        if self.task == 'segmentation':
            maps = [foreground(s.seg_logits.data, 'image') for s in found]
            return torch.cat(maps).cpu().numpy()
        return [_boxes(s.pred_instances, images.shape[1:3]) for s in found]


def _sample(image: np.ndarray) -> dict:
    """What a loader would have given."""
    shape = image.shape[:2]
    return dict(
        img=image, img_path='', img_id=0, img_shape=shape, ori_shape=shape
    )


def _boxes(instances, shape: tuple[int, int]) -> np.ndarray:
    boxes = instances.bboxes.detach().cpu().numpy().astype(np.float32)
    scores = instances.scores.detach().cpu().numpy().astype(np.float32)
    height, width = shape
    boxes = boxes.clip(0, np.float32([width, height, width, height]))
    order = np.argsort(-scores, kind='stable')
    return np.column_stack([boxes, scores])[order]


def _read_config(
    config: str | PathLike | dict | None,
    checkpoint: dict | None,
    weights: str | PathLike | None,
) -> Config:
    if isinstance(config, (str, PathLike)):
        cfg = read_config(config)
    elif config is not None:
        cfg = Config(dict(config))
    else:
        text = (checkpoint or {}).get('meta', {}).get('cfg')
        if not text:
            raise ValueError(
                f'weights {str(weights)!r} hold no config: name theirs'
            )
        cfg = read_stored_config(text)
    if 'model' not in cfg:
        raise ValueError(f'config {str(config)!r} holds no model: add one')
    return cfg


def read_pipeline(cfg: Config) -> list[dict]:
    """Read the test pipeline of a config; ValueError without one."""
    if 'test_dataloader' in cfg and 'pipeline' in cfg.test_dataloader.dataset:
        return cfg.test_dataloader.dataset.pipeline
    if 'test_pipeline' in cfg:
        return cfg.test_pipeline
    raise ValueError(
        "the config has neither 'test_dataloader' nor 'test_pipeline': "
        'inherit one of configs/_base_/datasets'
    )


def _build(model_cfg: dict) -> nn.Module:
    try:
        return MODELS.build(model_cfg)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f'the model of the config cannot be built: {error.args[0]}'
        ) from error


def _read_weights(path: str) -> dict:
    try:
        checkpoint = read_checkpoint(path)
    except UnpicklingError as error:
        raise ValueError(f'weights {error}') from None
    if not isinstance(checkpoint, dict):
        raise ValueError(
            f'weights {path!r} hold a {type(checkpoint).__name__}; give a '
            'state dict or a checkpoint of MMEngine'
        )
    return checkpoint


def _load(model: nn.Module, checkpoint: dict, path: str) -> None:
    state = weights_of(checkpoint)
    state = {k: v for k, v in state.items() if not k.startswith(TRAINING_ONLY)}
    problems = compare_weights(model.state_dict(), state)
    if problems:
        raise ValueError(
            f'weights {path!r} are not of this config: {"; ".join(problems)}. '
            'Name the config that they were trained with'
        )
    diverged = [k for k, v in state.items() if torch.isnan(v).any()]
    if diverged:
        raise ValueError(
            f'weights {path!r} hold NaN in {diverged[0]!r}: training '
            'diverged. Take an earlier checkpoint'
        )
    model.load_state_dict(state)


def _to_device(model: nn.Module, device: str) -> nn.Module:
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f'device={device!r}: {first_line(error)}; use cpu'
        ) from error
