"""Classical, model-driven methods as a segmentor, beside the networks."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from mmengine.structures import PixelData
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor
from torch.nn.functional import interpolate

from fdep_mm.core.compat import normalizes
from fdep_mm.registry import MODELS

from ..classical import METHODS
from ..classical.torch_filters import find_filter

BACKENDS = ('auto', 'numpy', 'torch')
# Of red, green and blue.
LUMINANCE = (0.299, 0.587, 0.114)


@CheckpointLoader.register_scheme(prefixes=r'none\Z')
def load_from_nothing(filename: str, map_location: object = None) -> dict:
    """The checkpoint of a model without weights, for tools that demand one.

    Args:
        filename (str): 'none'.
        map_location (object): Not used.

    Returns:
        dict: An empty state dict.
    """
    return dict(state_dict={})


@MODELS.register_module()
class ClassicalSegmentor(BaseSegmentor):
    """A classical method that is tested, shown and scored as networks are.

    ``seg_logits`` of its results holds the score map, scaled to [0, 1] image
    by image. It has no weights: where a tool demands a checkpoint, give
    'none'.

    Args:
        method (str): A name in :data:`fdep_mm.models.classical.METHODS`.
        params (dict, optional): Parameters of the method that are not its
            defaults.
        threshold (float): Foreground is above it. Defaults to 0.5.
        backend (str): 'torch' works on the device of the images where the
            method can (all but disks of 'tophat'), filters on images of one
            size as one batch; 'numpy' on the CPU, 'auto' like 'torch' on a
            GPU and like 'numpy' elsewhere. Defaults to 'auto'.
        data_preprocessor (dict, optional): Config. Normalisation is undone,
            padding is cut off. Defaults to None: neither.

    Raises:
        ValueError: If there is no such method or backend.
        TypeError: If it has no such parameter.
    """

    def __init__(
        self,
        method: str,
        params: dict | None = None,
        threshold: float = 0.5,
        backend: str = 'auto',
        data_preprocessor: dict | None = None,
    ) -> None:
        if data_preprocessor is None:
            data_preprocessor = dict(
                type='SegDataPreProcessor',
                bgr_to_rgb=True,
                test_cfg=dict(size_divisor=1),
            )
        super().__init__(data_preprocessor=data_preprocessor)
        if method not in METHODS:
            raise ValueError(
                f'method must be one of {[*METHODS]}, got {method!r}'
            )
        if backend not in BACKENDS:
            raise ValueError(
                f'backend must be one of {BACKENDS}, got {backend!r}'
            )
        self.method = METHODS[method]
        self.params = dict(params or {})
        known = _parameters(self.method)
        unknown = set(self.params) - set(known)
        if unknown:
            raise TypeError(
                f'{method} has no parameter {sorted(unknown)}; it has {known}'
            )
        self.backend = backend
        self._takes_device = 'device' in known
        self._filter = find_filter(method, self.params)
        # What test-time tools read from a segmentor.
        self.out_channels = 1
        self.align_corners = False
        self.decode_head = SimpleNamespace(threshold=threshold)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """There are no features.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError('a classical method has no features')

    def loss(self, inputs: Tensor, data_samples: list) -> dict:
        """There is nothing to train.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(
            'a classical method is not trained: test it right away'
        )

    def encode_decode(
        self, inputs: Tensor, batch_img_metas: list[dict] | None = None
    ) -> Tensor:
        """Score maps of images as the preprocessor gives them.

        Args:
            inputs (Tensor): (B, 3, H, W), RGB.
            batch_img_metas (list[dict], optional): Not used: images must be
                without padding, see :meth:`predict`.

        Returns:
            Tensor: (B, 1, H, W) in [0, 1].
        """
        return torch.stack(self._scores([*inputs]))

    def predict(
        self, inputs: Tensor, data_samples: list | None = None
    ) -> list[SegDataSample]:
        """Score maps at the original size, and masks.

        Args:
            inputs (Tensor): (B, 3, H, W), RGB.
            data_samples (list[SegDataSample], optional): With padding and
                flip in their meta data.

        Returns:
            list[SegDataSample]: With ``seg_logits``, the map (1, H, W) in
            [0, 1], and ``pred_sem_seg``.
        """
        if data_samples is None:
            data_samples = [SegDataSample() for _ in inputs]
        images = [
            _without_padding(image, sample.metainfo)
            for image, sample in zip(inputs, data_samples, strict=True)
        ]
        for score, sample in zip(
            self._scores(images), data_samples, strict=True
        ):
            score = _as_original(score, sample.metainfo)
            mask = (score > self.decode_head.threshold).to(score)
            sample.set_data(
                dict(
                    seg_logits=PixelData(data=score),
                    pred_sem_seg=PixelData(data=mask),
                )
            )
        return data_samples

    def _forward(
        self, inputs: Tensor, data_samples: list | None = None
    ) -> Tensor:
        return self.encode_decode(inputs)

    def _scores(self, images: list[Tensor]) -> list[Tensor]:
        """(3, H, W) each to (1, H, W), as one batch if of one size."""
        greys = [self._grey(image) for image in images]
        if len({grey.shape for grey in greys}) == 1:
            return [*self._search(torch.stack(greys))]
        return [self._search(grey[None])[0] for grey in greys]

    def _grey(self, image: Tensor) -> Tensor:
        """(3, H, W) to (1, H, W), 0..255."""
        preprocessor = self.data_preprocessor
        if normalizes(preprocessor):
            image = image * preprocessor.std + preprocessor.mean
        if (image == image[:1]).all():
            return image[:1]  # a sum of weights would round
        return torch.tensordot(image.new_tensor(LUMINANCE), image, 1)[None]

    def _search(self, greys: Tensor) -> Tensor:
        """(B, 1, H, W) grey levels to score maps."""
        on_gpu = greys.device.type != 'cpu'
        params = self.params
        if self.backend == 'torch' or (self.backend == 'auto' and on_gpu):
            if self._filter is not None:
                return self._filter(greys, **params)
            if self._takes_device:
                params = dict(dict(device=str(greys.device)), **params)
        scores = [self.method(i, **params) for i in greys[:, 0].cpu().numpy()]
        return torch.from_numpy(np.stack(scores)).to(greys)[:, None]


def _parameters(method: Callable) -> list[str]:
    """Names of the parameters after the image."""
    return list(inspect.signature(method).parameters)[1:]


def _without_padding(image: Tensor, meta: dict) -> Tensor:
    padding = meta.get('img_padding_size', meta.get('padding_size', [0] * 4))
    left, right, top, bottom = padding
    height, width = image.shape[-2:]
    return image[:, top : height - bottom, left : width - right]


def _as_original(score: Tensor, meta: dict) -> Tensor:
    if meta.get('flip'):
        score = score.flip(
            -1 if meta['flip_direction'] == 'horizontal' else -2
        )
    shape = tuple(meta.get('ori_shape', score.shape[-2:]))[:2]
    if tuple(score.shape[-2:]) == shape:
        return score
    return interpolate(score[None], shape, mode='bilinear')[0]
