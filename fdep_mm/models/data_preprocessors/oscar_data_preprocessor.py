"""mmdet's preprocessor, which also pads the NoCo maps."""

import torch
import torch.nn.functional as F
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import PixelData
from torch import Tensor

from fdep_mm.registry import MODELS


@MODELS.register_module()
class OSCARDataPreprocessor(DetDataPreprocessor):
    """Pads ``gt_noco`` with 0, right and below, to the shape of the batch.

    Takes the arguments of :class:`mmdet.models.DetDataPreprocessor`.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalize, pad and stack images, and pad their NoCo maps.

        Args:
            data (dict): ``inputs``, a list of (3, h, w) uint8 images, and
                ``data_samples``; those with ``gt_noco`` hold a (1, h, w) map.

        Raises:
            ValueError: A map has not the size of its image.
        """
        data = super().forward(data, training)
        height, width = data['inputs'].shape[-2:]
        for sample in data['data_samples'] or []:
            if 'gt_noco' in sample:
                noco = sample.gt_noco.data
                _check_size(noco, sample)
                below, right = height - noco.shape[-2], width - noco.shape[-1]
                padded = F.pad(noco, (0, right, 0, below))
                sample.gt_noco = PixelData(data=padded)
        return data


def _check_size(noco: Tensor, sample: DetDataSample) -> None:
    found = tuple(noco.shape[-2:])
    shape = tuple(sample.get('img_shape', found)[:2])
    if found != shape:
        raise ValueError(
            f'{sample.get("img_path", "an image")}: gt_noco is {found} and '
            f'the image {shape} (height, width). BatchSyncRandomResize and '
            'the like do not resize the map: resize in the pipeline, before '
            'GenerateNoCoMap'
        )


def stack_noco(samples: SampleList) -> Tensor:
    """Stack the padded NoCo maps of a batch to (B, 1, H, W)."""
    maps = [sample.gt_noco.data for sample in samples if 'gt_noco' in sample]
    if len(maps) < len(samples):
        raise ValueError(
            'OSCAR learns from NoCo maps, and a sample has no gt_noco: put '
            'fdep_mm.GenerateNoCoMap after the resizing and flipping '
            'transforms, and fdep_mm.PackSIRSTDetInputs last'
        )
    shapes = {tuple(noco.shape[-2:]) for noco in maps}
    batch_shape = tuple(samples[0].batch_input_shape)
    if shapes != {batch_shape}:
        raise ValueError(
            f'gt_noco has the shapes {sorted(shapes)}, the batch '
            f'{batch_shape}: let fdep_mm.OSCARDataPreprocessor pad them'
        )
    return torch.stack(maps)
