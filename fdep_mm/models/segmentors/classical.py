"""Classical, model-driven methods as a segmentor, beside the networks."""

import inspect
from types import SimpleNamespace

import torch
from mmengine.runner.checkpoint import CheckpointLoader
from mmengine.structures import PixelData
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor
from torch.nn.functional import interpolate

from fdep_mm.core.choices import check_choice
from fdep_mm.core.compat import denormalized
from fdep_mm.registry import MODELS

from ..classical import METHODS

# Of red, green and blue.
LUMINANCE = (0.299, 0.587, 0.114)


@CheckpointLoader.register_scheme(prefixes=r'none\Z')
def load_from_nothing(filename: str, map_location: object = None) -> dict:
    """The checkpoint of a model without weights, for tools that demand one."""
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
        threshold (float): Foreground is above it.
        data_preprocessor (dict, optional): Config. Normalization is undone,
            padding is cut off. Defaults to None: neither.

    Raises:
        ValueError: If there is no such method.
        TypeError: If it has no such parameter.
    """

    def __init__(
        self,
        method: str,
        params: dict | None = None,
        threshold: float = 0.5,
        data_preprocessor: dict | None = None,
    ) -> None:
        if data_preprocessor is None:
            data_preprocessor = dict(
                type='mmseg.SegDataPreProcessor',
                bgr_to_rgb=True,
                test_cfg=dict(size_divisor=1),
            )
        super().__init__(data_preprocessor=data_preprocessor)
        check_choice('method', method, METHODS)
        self.method = METHODS[method]
        self.params = dict(params or {})
        known = list(inspect.signature(self.method).parameters)[1:]
        unknown = set(self.params) - set(known)
        if unknown:
            raise TypeError(
                f'{method} has no parameter {sorted(unknown)}; it has {known}'
            )
        # What test-time tools read from a segmentor.
        self.out_channels = 1
        self.align_corners = False
        self.decode_head = SimpleNamespace(threshold=threshold)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """There are no features."""
        raise NotImplementedError('a classical method has no features')

    def loss(self, inputs: Tensor, data_samples: list) -> dict:
        """There is nothing to train."""
        raise NotImplementedError(
            'a classical method is not trained: test it right away'
        )

    def encode_decode(
        self, inputs: Tensor, batch_img_metas: list[dict] | None = None
    ) -> Tensor:
        """Score maps (B, 1, H, W) of preprocessed RGB images (B, 3, H, W)."""
        return torch.stack([self._search(image) for image in inputs])

    def predict(
        self, inputs: Tensor, data_samples: list | None = None
    ) -> list[SegDataSample]:
        """Score maps at the original size, and masks, of images (B, 3, H, W).

        Gives samples with ``seg_logits``, (1, H, W) in [0, 1], and
        ``pred_sem_seg``.
        """
        if data_samples is None:
            data_samples = [SegDataSample() for _ in inputs]
        for image, sample in zip(inputs, data_samples, strict=True):
            score = self._search(_without_padding(image, sample.metainfo))
            score = _as_original(score, sample.metainfo)
            mask = (score > self.decode_head.threshold).to(score)
            sample.seg_logits = PixelData(data=score)
            sample.pred_sem_seg = PixelData(data=mask)
        return data_samples

    def _forward(
        self, inputs: Tensor, data_samples: list | None = None
    ) -> Tensor:
        return self.encode_decode(inputs)

    def _search(self, image: Tensor) -> Tensor:
        """(3, H, W) to a score map (1, H, W)."""
        score = self.method(self._gray(image).numpy(force=True), **self.params)
        return torch.from_numpy(score).to(image)[None]

    def _gray(self, image: Tensor) -> Tensor:
        """(3, H, W) to (H, W), 0..255."""
        image = denormalized(self.data_preprocessor, image)
        if (image == image[:1]).all():
            return image[0]  # a sum of weights would round
        return torch.tensordot(image.new_tensor(LUMINANCE), image, 1)


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
