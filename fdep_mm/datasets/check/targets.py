"""Size and contrast of the targets of a mask."""

from typing import NamedTuple

import numpy as np

from fdep_mm.core.components import component_crops

MARGIN = 10  # of a target's surroundings in px


class MeasuredTarget(NamedTuple):
    """One component of a mask and its contrast, in gray levels (0..255)."""

    area: int  # px
    width: int
    height: int
    contrast: float  # mean of its pixels minus mean of the surroundings
    scr: float  # contrast by the surroundings' deviation; NaN where that is 0


def measure_targets(
    gray: np.ndarray, mask: np.ndarray
) -> list[MeasuredTarget]:
    """Measure each 8-connected target against its surroundings.

    The surroundings are the window that reaches ``MARGIN`` px beyond its box
    on every side, without the pixels of any target, as in
    :func:`fdep_mm.datasets.synthetic_targets.add_targets`. Targets are in
    raster order; NaN where nothing but targets surrounds one.
    """
    targets = []
    for (rows, cols), own in component_crops(mask):
        window = tuple(
            slice(max(extent.start - MARGIN, 0), extent.stop + MARGIN)
            for extent in (rows, cols)
        )
        around = gray[window][mask[window] == 0]
        contrast = scr = float('nan')
        if around.size:
            contrast = float(gray[rows, cols][own].mean() - around.mean())
            clutter = float(around.std())
            scr = contrast / clutter if clutter > 0 else scr  # stays NaN
        targets.append(
            MeasuredTarget(
                int(np.count_nonzero(own)),
                cols.stop - cols.start,
                rows.stop - rows.start,
                contrast,
                scr,
            )
        )
    return targets
