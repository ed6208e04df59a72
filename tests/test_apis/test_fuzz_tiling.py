"""Random frames, tiles and strides: each pixel once, and no seam."""

import numpy as np
from fuzz_settings import fuzz
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import ndimage

from fdep_mm.apis.tiling import (
    Tiling,
    cut_axis,
    cut_frame,
    merge_maps,
    run_tiles,
)

STRIDES = st.sampled_from([1, 2, 4, 8])


@fuzz(1000)
@given(st.integers(1, 300), st.integers(1, 60), st.integers(0, 59), STRIDES)
def test_an_axis_is_covered_once(length, size, overlap, stride):
    assume(overlap < size)
    tiles = cut_axis(length, size, overlap, stride)
    assert [seen.start for seen, _ in tiles] == sorted(
        {seen.start for seen, _ in tiles}
    )
    end = 0
    for seen, core in tiles:
        assert seen.start % stride == 0
        assert seen.start <= core.start < core.stop <= seen.stop <= length
        assert core.start == end
        end = core.stop
        # as far from the border as promised, unless it is the frame's
        assert seen.start == 0 or core.start - seen.start >= overlap // 2
        assert seen.stop == length or seen.stop - core.stop >= overlap // 2
    assert end == length
    # the last one is of full size once padded
    seen = tiles[-1][0]
    padded = -(-length // stride) * stride
    full = tiles[0][0].stop if len(tiles) > 1 else padded
    assert padded - seen.start == full >= min(size, padded)


@fuzz(300)
@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.integers(2, 30),
    st.integers(0, 29),
    STRIDES,
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_a_local_filter_shows_no_seam(
    shape, size, overlap, stride, batch_size, random
):
    assume(overlap < size)
    tiling = Tiling(size, overlap)
    image = np.random.default_rng(random.getrandbits(32)).random(shape)
    reach = 2 * (overlap // 2) + 1  # what the overlap allows for

    def filtered(pixels):
        return ndimage.maximum_filter(pixels, reach, mode='constant')

    def run(images):
        return [filtered(pixels) for pixels in images]

    tiles = cut_frame(shape, tiling, stride)
    results = list(run_tiles(run, lambda at: image[at], tiles, batch_size))
    assert len(results) == len(tiles)
    merged = merge_maps(iter(results), shape)
    np.testing.assert_array_equal(merged, filtered(image).astype('f4'))
