"""The part of fdep_mm that needs mmdet: importing it fills the registries.

Configs of detectors name it in ``custom_imports``; the rest of the package
runs without mmdet.
"""

from .core.compat import import_quietly

_WAY_OUT = (
    'Detection needs mmdet 3 and an mmcv with compiled operators. OneDL '
    'stack: `MMCV_WITH_OPS=1 pip install --no-build-isolation --no-deps '
    'onedl-mmcv` with torch installed before it, then `pip install '
    'onedl-mmdetection`. Upstream stack: the same with `mmcv` and `mmdet`.'
)

try:
    import_quietly('mmdet.models')
    import_quietly('mmdet.datasets')
except ImportError as error:
    raise ImportError(
        f'the detection part of fdep_mm cannot be imported: {error}. '
        f'{_WAY_OUT}',
        name=error.name,
    ) from error

from .datasets.transforms import pack_det  # noqa: E402, F401
from .models import (  # noqa: E402, F401
    data_preprocessors,
    dense_heads,
    detectors,
    task_modules,
)
