"""The image behind a prediction, wherever it is to be had."""

from collections.abc import Mapping
from pathlib import Path

import mmcv
import numpy as np
from mmseg.structures import SegDataSample
from torch import Tensor


def batch_image(
    sample: SegDataSample,
    data_batch: Mapping,
    i: int,
    shape: tuple[int, int],
) -> np.ndarray:
    """Take an image from its file, else from the batch.

    Data sets that make their images have no files; `img_path` is then only a
    name.

    Args:
        sample (SegDataSample): The prediction; its `img_path` may be missing.
        data_batch (Mapping): What the data loader gave, before the
            preprocessor: ``inputs``, one (C, H, W) tensor per image, or with
            test-time augmentation a list of those per view, of which the
            first is taken.
        i (int): Position in the batch.
        shape (tuple[int, int]): Height and width that are wanted, in px.

    Returns:
        np.ndarray: (H, W) or (H, W, C), of the type that the file or the
        batch has; black if there is neither.
    """
    path = sample.get('img_path', None)
    inputs = data_batch.get('inputs', ())
    if len(inputs) and isinstance(inputs[0], list):
        inputs = inputs[0]
    if path and Path(path).is_file():
        image = mmcv.imread(path, flag='unchanged')
    elif i < len(inputs) and isinstance(inputs[i], Tensor):
        image = inputs[i].float().cpu().numpy().transpose(1, 2, 0)
    else:
        return np.zeros(shape, np.uint8)
    if image.shape[:2] != shape:
        image = mmcv.imresize(image, shape[::-1])
    return image
