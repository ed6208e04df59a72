"""Priors computed once: a folder of feature maps of a frozen VFM.

``tools/cache_priors.py`` writes it, ``fdep_mm.LoadPrior`` reads it, and
``FrozenVFM(cache=...)`` then needs neither weights nor timm.
"""

from .batch import batch_priors, pack_priors
from .cache import PriorCache
from .geometry import coordinates, map_shapes, places, resample
from .index import CacheIndex, PriorCacheError
