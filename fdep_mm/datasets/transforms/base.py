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


def move_fields(
    results: dict, move: Callable[[np.ndarray], np.ndarray]
) -> dict:
    """Move the image and all of its ``seg_fields`` in the same way."""
    for key in ('img', *results.get('seg_fields', ())):
        results[key] = np.ascontiguousarray(move(results[key]))
    results['img_shape'] = results['img'].shape[:2]
    return results
