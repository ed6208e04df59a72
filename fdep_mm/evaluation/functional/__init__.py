"""Metrics as functions: arrays in, counts or numbers out."""

from fdep_mm.core.boxes import check_boxes, mask_boxes
from fdep_mm.core.components import mask_components
from fdep_mm.core.matching import match_masks
from fdep_mm.core.noco import OVERLAPS, noco_map

from .auc import pd_fa_auc, pd_fa_points, roc_auc, roc_points
from .box_counts import box_components, count_boxes
from .counts import EvalProtocol, count_image, unpack
from .hse import check_empty, evaluate_curves, evaluate_masks, summarise
from .inputs import check_pair
from .nocoap import (
    CENTROID_MODES,
    NOCO_THRESHOLDS,
    NoCoRecord,
    average_precisions,
    mnocoap,
    record_detections,
    threshold_names,
)
from .per_image import per_image_csv, read_per_image
from .points import PEAKS, noco_peaks, prob_points
from .report import (
    as_json,
    format_table,
    plain,
    read_json,
    scale_scores,
    write_json,
)

__all__ = [
    'CENTROID_MODES',
    'NOCO_THRESHOLDS',
    'NoCoRecord',
    'OVERLAPS',
    'PEAKS',
    'EvalProtocol',
    'as_json',
    'average_precisions',
    'box_components',
    'check_boxes',
    'check_empty',
    'check_pair',
    'count_boxes',
    'count_image',
    'evaluate_curves',
    'evaluate_masks',
    'format_table',
    'mask_boxes',
    'mask_components',
    'match_masks',
    'mnocoap',
    'noco_map',
    'noco_peaks',
    'pd_fa_auc',
    'pd_fa_points',
    'per_image_csv',
    'plain',
    'prob_points',
    'read_json',
    'read_per_image',
    'record_detections',
    'roc_auc',
    'roc_points',
    'scale_scores',
    'summarise',
    'threshold_names',
    'unpack',
    'write_json',
]
