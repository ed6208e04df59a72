"""Masks to boxes and points of other formats, and back."""

from .reading import list_labels, read_masks
from .writing import convert
