"""What MMEngine's checkpoints hold beside tensors.

torch reads files with ``weights_only=True`` unless told otherwise, that is,
no object but those of a list. A checkpoint of MMEngine has smoothed losses in
it, as NumPy arrays. MMEngine 0.10.7 does not put them on the list, so that it
could not read its own checkpoints; OneDL's reads them with a list of its own.
"""

import numpy as np
import torch
from mmengine.logging import HistoryBuffer


def allow_mmengine_checkpoints() -> None:
    """Have ``torch.load(..., weights_only=True)`` read MMEngine's files."""
    core = np._core if hasattr(np, '_core') else np.core
    kinds = (np.bool_, np.int32, np.int64, np.float32, np.float64)
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            np.dtype,
            np.ndarray,
            core.multiarray._reconstruct,
            core.multiarray.scalar,
            getattr,  # of HistoryBuffer's methods; what it gives is not called
            *(type(np.dtype(kind)) for kind in kinds),
        ]
    )
