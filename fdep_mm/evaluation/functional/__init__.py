"""Metrics as functions: arrays in, counts or numbers out."""

from .auc import pd_fa_auc, pd_fa_points, roc_auc, roc_points
from .box_counts import box_components, count_boxes
from .counts import EvalProtocol, count_image, unpack
from .hse import Evaluation, evaluate_curves, evaluate_masks, reduce_records
from .inputs import check_pair
from .nocoap import (
    CENTROID_MODES,
    NoCoRecord,
    average_precisions,
    mnocoap,
    record_detections,
)
from .points import PEAKS, prob_points
from .report import (
    as_json,
    format_table,
    per_image_csv,
    plain,
    read_json,
    read_per_image,
    scale_scores,
    write_json,
)
