"""Necks."""

from .flex_fpn import FlexFPN
from .samf import SAMF, SAMFNeck
