"""Metrics as functions: arrays in, counts or numbers out."""

from .counts import EvalProtocol, count_image, unpack
from .hse import check_empty, evaluate_curves, evaluate_masks, summarise
from .report import format_table, scale_scores, write_json
from .targets import match_masks

__all__ = [
    'EvalProtocol',
    'check_empty',
    'count_image',
    'evaluate_curves',
    'evaluate_masks',
    'format_table',
    'match_masks',
    'scale_scores',
    'summarise',
    'unpack',
    'write_json',
]
