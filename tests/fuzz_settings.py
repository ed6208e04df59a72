"""What the fuzz tests share."""

import os

from hypothesis import settings

SHARE = 1 if os.environ.get('FDEP_TEST_ALL') else 4


def fuzz(examples: int) -> settings:
    """So many cases with FDEP_TEST_ALL=1, else a quarter of them.

    Neither the time of day nor earlier runs choose them. Hypothesis mixes in
    constants of the modules that happen to be loaded, so a test alone and the
    whole suite may see different ones.
    """
    return settings(
        max_examples=examples // SHARE,
        derandomize=True,
        deadline=None,
        database=None,
    )
