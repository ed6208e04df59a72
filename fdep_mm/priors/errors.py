"""What is wrong with a cache of priors."""


class PriorCacheError(RuntimeError):
    """An entry is missing, stale or damaged, or the cache is another's."""
