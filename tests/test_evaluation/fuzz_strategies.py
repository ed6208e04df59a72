"""Small random images for the fuzz tests."""

import numpy as np
from fuzz_settings import fuzz as fuzz
from hypothesis import strategies as st

THRESHOLDS = (0.25, 0.5, 0.8)
TOLERANCES = (1, 2)
# What a pixel may be: nothing in most, and the thresholds themselves.
LEVELS = np.float32([0] * 6 + [0.1, 0.25, 0.3, 0.5, 0.5, 0.6, 0.8, 0.8, 1, 1])
SIDES = st.integers(1, 8)


@st.composite
def pairs(draw, sides=SIDES):
    """A prediction (H, W) float32 and a mask (H, W) bool, from bytes.

    A byte per pixel: far faster than drawing numbers, and still shrunk to
    the emptiest image that fails.
    """
    height, width = draw(sides), draw(sides)
    size = height * width
    pixels = np.frombuffer(
        draw(st.binary(min_size=size, max_size=size)), np.uint8
    ).reshape(height, width)
    return LEVELS[pixels % 16], pixels >= 192


def sets(most=3):
    """Predictions and masks of a few images of different sizes."""
    return st.lists(pairs(), min_size=1, max_size=most).map(
        lambda images: tuple(map(list, zip(*images, strict=True)))
    )
