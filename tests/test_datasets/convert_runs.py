"""Runs of tools/convert.py, and masks to compare what they leave with."""

from pathlib import Path

import cv2
import numpy as np
from skimage.measure import label, regionprops
from tool_runs import Done, run_tool


def convert(
    source: Path, kind: str, to: str, out: Path, *options: object
) -> Done:
    """Run the tool."""
    words = '--from', kind, '--to', to, '--out', out
    return run_tool('convert.py', source, *words, *options)


def regions(mask: np.ndarray) -> list:
    """Targets as scikit-image sees them."""
    return regionprops(label(mask, connectivity=2))


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


def same_masks(left: Path, right: Path, count: int) -> None:
    """Compare a folder of so many masks with one that holds them, too."""
    names = [path.relative_to(left) for path in left.rglob('*.png')]
    assert len(names) == count
    for name in names:
        np.testing.assert_array_equal(read(left / name), read(right / name))


def boxed(root: Path) -> None:
    """Fill each target's box, so that boxes hold the whole mask."""
    for path in (root / 'masks').rglob('*.png'):
        mask = read(path)
        for region in regions(mask > 0):
            top, left, bottom, right = region.bbox
            mask[top:bottom, left:right] = 255
        cv2.imwrite(str(path), mask)
