"""What our transforms share."""

from collections.abc import Callable
from inspect import signature

import numpy as np


class ShowsArguments:
    """Mixin of transforms that keep each argument under its own name."""

    def __repr__(self) -> str:
        names = signature(type(self)).parameters
        given = ', '.join(f'{name}={getattr(self, name)!r}' for name in names)
        return f'{type(self).__name__}({given})'


def common_shape(results: dict) -> tuple[int, int]:
    """Height and width of the image and all of its ``seg_fields``, px."""
    shape = results['img'].shape[:2]
    for key in results.get('seg_fields', ()):
        if (other := results[key].shape[:2]) != shape:
            raise ValueError(
                f'{results.get("img_path")}: the image is {shape}, {key} '
                f'{other} px (height, width): load masks before Resize'
            )
    return shape


def move_fields(
    results: dict, move: Callable[[np.ndarray], np.ndarray]
) -> dict:
    """Move the image and all of its ``seg_fields`` in the same way."""
    common_shape(results)
    for key in ('img', *results.get('seg_fields', ())):
        results[key] = np.ascontiguousarray(move(results[key]))
    results['img_shape'] = results['img'].shape[:2]
    return results
