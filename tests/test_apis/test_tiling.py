"""Large frames give what the network would have given on the whole."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from fake_backends import FakeDetector, FakeSegmentor
from scipy import ndimage

from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.tiling import Tiling, cut_frame

TILES = dict(tile_size=64, overlap=16, tile_above=100)


def inferencer(backend, **tiles):
    return SIRSTInferencer(backend, **{**TILES, **tiles}, show_progress=False)


def only(found):
    (prediction,) = found['predictions']
    return prediction


@pytest.mark.parametrize('stride', [1, 8])
@pytest.mark.parametrize('shape', [(150, 101), (64, 333), (257, 256)])
@pytest.mark.parametrize('batch_size', [1, 5])
def test_tiled_equals_whole(stride, shape, batch_size):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    backend = FakeSegmentor(radius=7, stride=stride)
    tiled = only(inferencer(backend)(image, batch_size=batch_size))
    assert max(max(s[1:3]) for s in backend.shapes) == 64
    assert max(s[0] for s in backend.shapes) <= batch_size
    whole = only(inferencer(backend, tile_above=1000)(image))
    assert (tiled.prob == whole.prob).all()
    assert tiled.targets == whole.targets


# Where four tiles meet; without overlap they do 8 px farther.
SQUARE = (128, 128)
CROSSING = cut_frame(SQUARE, Tiling(64, 16, 100), 1)[0].core[0].stop


def along_a_line(side):
    """A target at every column, and so at every distance to a cut."""
    for place in range(160 - side):
        yield (140, 160), place * (140 - side) // 160, place


def around_the_crossing(side):
    """A target at every place near the point where four tiles meet."""
    reach = range(CROSSING - side - 9, CROSSING + 10)
    for top, left in product(reach, reach):
        yield SQUARE, top, left


sweeps = pytest.mark.parametrize('sweep', [along_a_line, around_the_crossing])


def segmented_wrongly(sweep, overlap, side=3, radius=7):
    """Places at which a target is not what it would be in the whole frame."""
    run = inferencer(FakeSegmentor(radius), overlap=overlap)
    wrong = []
    for shape, top, left in sweep(side):
        image = np.zeros(shape, np.uint8)
        image[top : top + side, left : left + side] = 200
        found = [target.box for target in only(run(image)).targets]
        (bottom, right) = (
            min(n, at + side + radius)
            for n, at in zip(shape, (top, left), strict=True)
        )
        low = max(0, left - radius), max(0, top - radius)
        if found != [(*low, right, bottom)]:
            wrong.append((top, left))
    return wrong


def detected_wrongly(sweep, overlap, side):
    """Places at which a target is not found once, in full, and in place."""
    run = inferencer(FakeDetector(), overlap=overlap)
    wrong = []
    for shape, top, left in sweep(side):
        image = np.zeros(shape, np.uint8)
        image[top : top + side, left : left + side] = 200
        found = only(run(image)).targets
        x, y = left + (side - 1) / 2, top + (side - 1) / 2
        good = len(found) == 1 and found[0].area == side**2
        if not good or np.hypot(found[0].x - x, found[0].y - y) > 2.2:
            wrong.append((top, left))
    return wrong


@sweeps
def test_segmentor_finds_a_target_once_wherever_it_lies(sweep):
    assert segmented_wrongly(sweep, overlap=16) == []
    # what the neighborhood of a pixel does to it would be cut
    assert segmented_wrongly(sweep, overlap=0) != []


@sweeps
@pytest.mark.parametrize('side', [1, 4, 7])
def test_detector_finds_a_target_once_wherever_it_lies(sweep, side):
    assert detected_wrongly(sweep, overlap=16, side=side) == []
    assert side == 1 or detected_wrongly(sweep, 0, side) != []


def test_neighbors_on_a_cut_stay_two():
    run = inferencer(FakeDetector(jitter=0.75))
    for left in range(150):
        image = np.zeros((140, 160), np.uint8)
        image[70:74, left : left + 3] = image[70:74, left + 6 : left + 9] = 200
        assert len(only(run(image)).targets) == 2


def test_many_targets():
    rng = np.random.default_rng(0)
    image = np.zeros((300, 400), np.uint8)
    for row, col in np.stack(np.mgrid[5:290:12, 5:390:12], -1).reshape(-1, 2):
        if rng.random() < 0.5:
            image[row : row + 3, col : col + 3] = 200
    count = ndimage.label(image)[1]
    found = only(inferencer(FakeDetector(0.75))(image, batch_size=4))
    assert len(found.targets) == count
    found = only(inferencer(FakeSegmentor(0))(image, batch_size=4))
    assert len(found.targets) == count


def test_only_frames_above_the_limit_are_cut():
    backend = FakeSegmentor()
    run = inferencer(backend)
    run([np.zeros(s, np.uint8) for s in ((100, 100), (10, 101), (101, 10))])
    assert [s[1:3] for s in backend.shapes] == [
        (100, 100),
        *[(10, 64), (10, 64)],
        *[(64, 10), (64, 10)],
    ]


def test_memory_is_that_of_the_map():
    side = 2048
    image = np.zeros((side, side), np.uint8)
    image[::50, ::50] = 255
    run = inferencer(FakeSegmentor(0), tile_size=256)
    tracemalloc.start()
    found = only(run(image, batch_size=2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.targets) == len(range(0, side, 50)) ** 2
    # the map is 4 bytes per pixel; as three channels of floats the image
    # alone would be 12
    assert peak < 10 * side**2


@pytest.mark.parametrize(
    'wrong',
    [dict(overlap=64), dict(overlap=-1), dict(tile_above=0)],
)
def test_sizes_that_make_no_tiles(wrong):
    with pytest.raises(ValueError, match='tile_size=64'):
        inferencer(FakeSegmentor(), **wrong)
