"""Masks to boxes and points of other formats, and back."""

from .coco import read_coco, to_coco
from .drawing import draw_labels, list_labels, read_labels
from .export import export_labels, mask_labels, write_labels, write_mask
from .labels import ImageLabels
from .points import read_points, write_points
from .polygons import polygons_to_mask
from .regions import boxes_to_mask, mask_centroids, points_to_mask
from .rle import decode_rle, encode_rle
from .voc import format_voc, read_voc
from .yolo import format_yolo, read_yolo

__all__ = [
    'ImageLabels',
    'boxes_to_mask',
    'decode_rle',
    'draw_labels',
    'encode_rle',
    'export_labels',
    'format_voc',
    'format_yolo',
    'list_labels',
    'mask_centroids',
    'mask_labels',
    'points_to_mask',
    'polygons_to_mask',
    'read_coco',
    'read_labels',
    'read_points',
    'read_voc',
    'read_yolo',
    'to_coco',
    'write_labels',
    'write_mask',
    'write_points',
]
