"""What the metrics of detectors take out of a sample, with its checks."""

import numpy as np
import torch

from ..functional import check_boxes


def original_shape(sample: dict, name: str) -> tuple[int, int]:
    """Height and width of the original image.

    Returns:
        tuple[int, int]: In px.

    Raises:
        ValueError: The sample has no ``ori_shape``.
    """
    if 'ori_shape' not in sample:
        raise ValueError(
            f"{name}: the data sample has no 'ori_shape'; keep it among the "
            "meta_keys of the pipeline's packing transform"
        )
    return tuple(sample['ori_shape'][:2])


def instances(sample: dict, kind: str, name: str) -> dict:
    """Detected or true targets.

    Raises:
        ValueError: There are none.
    """
    field = f'{kind}_instances'
    if field not in sample:
        way_out = dict(
            pred='this metric is for detectors; segmentation networks have '
            'fdep_mm.SIRSTMetric',
            gt='put LoadAnnotations(with_bbox=True) behind Resize into the '
            'test pipeline',
        )
        raise ValueError(
            f'{name}: the data sample has no {field!r}; {way_out[kind]}'
        )
    return sample[field]


def true_boxes(sample: dict, shape: tuple[int, int], name: str) -> np.ndarray:
    """Boxes of the targets in px of the original image.

    Args:
        sample (dict): ``DetDataSample`` as a dict. Where it has
            ``instances``, the annotation as the data set gave it, the boxes
            must still be those.

    Returns:
        np.ndarray: (G, 4) float64.

    Raises:
        ValueError: There are none, a transform has moved them, or one is not
            inside the image.
    """
    boxes = to_numpy(instances(sample, 'gt', name)['bboxes'])
    annotated = [
        target['bbox']
        for target in sample.get('instances', ())
        if not target.get('ignore_flag')
    ]
    # another number of them: some were filtered, on purpose
    if len(annotated) == len(boxes) and not np.allclose(
        boxes, np.reshape(annotated, (-1, 4)), rtol=1e-6, atol=1e-3
    ):
        raise ValueError(
            f'{name}: the true boxes are not those of the annotation, but '
            'predictions are in px of the original image: put '
            'LoadAnnotations behind Resize in the test pipeline'
        )
    try:
        return check_boxes(boxes, shape, name)
    except ValueError as error:
        raise ValueError(
            f'{error}; or put LoadAnnotations behind Resize in the test '
            'pipeline'
        ) from error


def to_numpy(values: torch.Tensor) -> np.ndarray:
    """Array of a tensor or of mmdet's box class.

    Returns:
        np.ndarray: float64.
    """
    # mmdet's box classes hold a tensor; numpy has no bfloat16
    values = getattr(values, 'tensor', values)
    return values.detach().cpu().double().numpy()
