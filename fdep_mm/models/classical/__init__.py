"""Classical, model-driven detectors: an image in, a score map out.

Plain functions of numpy arrays, without training and without torch::

    from fdep_mm.models.classical import mpcm
    score = mpcm(image)  # (H, W) uint8 -> float32 in [0, 1]

Images are (H, W): uint8, uint16, or floating point in 0..255, because
constants of several methods are gray levels. Score maps are (H, W), larger
where a target is likelier, and all zero if nothing stands out. Parameters out
of their range raise ValueError; the low-rank methods also refuse images below
7 x 7 px and strides that leave gaps, and warn with ConvergenceWarning where
`max_iter` ends them.
"""

from collections.abc import Callable

from .fkrw import fkrw
from .ipi import ipi
from .lcm import lcm
from .low_rank import ConvergenceWarning
from .max_median import max_mean, max_median
from .mpcm import mpcm
from .new_tophat import new_tophat
from .nipps import nipps
from .pstnn import pstnn
from .ript import ript
from .rlcm import rlcm
from .score import to_probability
from .smsl import smsl
from .tllcm import tllcm
from .tophat import tophat
from .wldm import wldm

FILTERS = (tophat, new_tophat, max_median, max_mean)
CONTRASTS = (lcm, mpcm, wldm, rlcm, tllcm, fkrw)
LOW_RANK = (ipi, nipps, smsl, ript, pstnn)
METHODS: dict[str, Callable] = {
    method.__name__: method for method in (*FILTERS, *CONTRASTS, *LOW_RANK)
}
"""Name -> function ``f(image, **parameters)``."""
