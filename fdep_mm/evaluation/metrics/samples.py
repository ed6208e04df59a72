"""What metrics take out of the data samples of mmseg and mmdet."""

import numpy as np
import torch

from fdep_mm.core.boxes import check_boxes
from fdep_mm.core.foreground import foreground

AFTER_RESIZE = 'put LoadAnnotations after Resize in the test pipeline'


def image_name(sample: dict, index: int) -> str:
    """What error messages call the image of a sample."""
    return str(sample.get('img_path') or f'image {index}')


def single_channel(sample: dict, field: str, name: str) -> np.ndarray:
    """(H, W), the map of targets in 'seg_logits' or 'gt_sem_seg' of mmseg."""
    if field not in sample:
        raise ValueError(
            f'{name}: the data sample has no {field!r}; the pipeline must '
            'load annotations and the model must be a segmentor'
        )
    data = sample[field]['data'].detach().cpu()
    if field == 'seg_logits':
        # numpy has no bfloat16, which autocast leaves in predictions
        data = foreground(data.float(), name)
    if data.dim() != 3 or len(data) != 1:
        raise ValueError(
            f'{name}: {field} must be (1, H, W), got {tuple(data.shape)}'
        )
    return data[0].numpy()


def original_shape(sample: dict, name: str) -> tuple[int, int]:
    """Height and width of the original image of a ``DetDataSample``."""
    if 'ori_shape' not in sample:
        raise ValueError(
            f"{name}: the data sample has no 'ori_shape'; keep it among the "
            "meta_keys of the pipeline's packing transform"
        )
    return tuple(sample['ori_shape'][:2])


def instances(sample: dict, kind: str, name: str) -> dict:
    """Fields of the detected ('pred') or true ('gt') targets."""
    field = f'{kind}_instances'
    if field not in sample:
        way_out = dict(
            pred='this metric is for detectors; segmentation networks have '
            'fdep_mm.SIRSTMetric',
            gt='put LoadAnnotations(with_bbox=True) after Resize into the '
            'test pipeline',
        )
        raise ValueError(
            f'{name}: the data sample has no {field!r}; {way_out[kind]}'
        )
    return sample[field]


def true_boxes(sample: dict, shape: tuple[int, int], name: str) -> np.ndarray:
    """(G, 4) true boxes in px of the original image.

    Where the sample has ``instances``, the annotation of the data set, the
    boxes must still be those.
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
            f'predictions are in px of the original image: {AFTER_RESIZE}'
        )
    try:
        return check_boxes(boxes, shape, name)
    except ValueError as error:
        raise ValueError(f'{error}; or {AFTER_RESIZE}') from error


def to_numpy(values: torch.Tensor) -> np.ndarray:
    """float64 array of a tensor, which mmdet's box classes hold."""
    values = getattr(values, 'tensor', values)
    return values.detach().cpu().double().numpy()
