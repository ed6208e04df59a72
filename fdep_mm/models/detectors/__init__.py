"""Detectors; they need mmdet."""

from .co_isd_detector import COISDDetector
from .oscar import OSCAR
