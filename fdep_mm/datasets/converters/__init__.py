"""Masks to boxes and points of other formats, and back."""

from .coco import read_coco, to_coco
from .labels import ImageLabels, draw_labels, mask_labels, point_labels
from .points import read_points, write_points
from .polygons import polygons_to_mask
from .reading import list_labels, read_masks
from .regions import boxes_to_mask, mask_centroids, points_to_mask
from .rle import decode_rle, encode_rle
from .writing import convert
from .yolo import format_yolo, read_yolo

__all__ = [
    'ImageLabels',
    'boxes_to_mask',
    'convert',
    'decode_rle',
    'draw_labels',
    'encode_rle',
    'format_yolo',
    'list_labels',
    'mask_centroids',
    'mask_labels',
    'point_labels',
    'points_to_mask',
    'polygons_to_mask',
    'read_coco',
    'read_masks',
    'read_points',
    'read_yolo',
    'to_coco',
    'write_points',
]
