"""What becomes black and white: cameras of 14 bits in 16, with an offset."""

import re

import cv2
import numpy as np
import pytest
from fake_backends import FakeSegmentor
from video_files import write_video

from fdep_mm import zoo
from fdep_mm.apis import SIRSTInferencer, video
from fdep_mm.apis.card import ModelCard
from fdep_mm.apis.inputs import Inputs, Reading
from fdep_mm.apis.onnx_backend import OnnxBackend
from fdep_mm.core import gray
from fdep_mm.core.gray import check_gray_range, gray_limits, to_float
from fdep_mm.core.masks import read_mask
from fdep_mm.core.splits import read_ids
from fdep_mm.evaluation import evaluate_masks


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    monkeypatch.setattr(gray, '_told', set())


def camera(image):
    """8 bits as such a camera would give them."""
    return np.uint16(7000) + np.uint16(8) * image


@pytest.mark.parametrize(
    ('gray_range', 'limits'),
    [
        ('dtype', (0, 65535)),
        ('minmax', (7000, 7800)),
        (['percentile', 25, 50], (7200, 7400)),
        ((100, 200.5), (100, 200.5)),
    ],
)
@pytest.mark.filterwarnings('ignore:.*values are')
def test_limits(gray_range, limits):
    image = camera(np.uint8([[0, 25, 50, 75, 100]]))
    assert gray_limits(image, check_gray_range(gray_range)) == limits
    alpha = np.dstack([image] * 3 + [image * 0])
    assert gray_limits(alpha, check_gray_range(gray_range)) == limits


def test_values_between_and_beyond_the_limits():
    image = np.float64([[200.0, 250, 300, 350, 400]])
    (row,) = to_float(image, (250, 350))
    assert row[:, 0].tolist() == [0, 0, 127.5, 255, 255]
    assert to_float(image * 0 + 9, (9, 9)).max() == 0  # minmax of one value


def test_pixels_that_are_no_numbers():
    image = np.array([[1, np.nan]], np.float32)
    for gray_range in ((0, 1), 'minmax', ('percentile', 0, 50)):
        with pytest.raises(ValueError, match='x: pixels are NaN'):
            gray_limits(image, gray_range, 'x')


def example_scenes():
    paths = sorted(zoo.EXAMPLES.glob('*.png'))
    return [cv2.imread(str(path), -1) for path in paths]


def search(inputs, **reading):
    options = dict(device='cpu', show_progress=False, **reading)
    run = SIRSTInferencer(zoo.FOLDER / 'alcnet.onnx', **options)
    return run(inputs)['predictions']


def test_a_14_bit_camera_needs_one_option():
    """The example scenes; the warning names the option."""
    images = example_scenes()
    deep = [camera(image) for image in images]
    expected = [p.targets for p in search(images)]
    assert all(expected)
    with pytest.warns(UserWarning, match='--gray-range 7') as caught:
        assert not any(p.targets for p in search(deep))
    assert len(caught) == 1
    found = search(deep, gray_range=(7000, 7000 + 8 * 255))
    assert [p.targets for p in found] == expected


def test_each_run_warns():
    deep = camera(example_scenes()[0])
    for image in (deep, deep - 4000):
        with pytest.warns(UserWarning, match='values are') as caught:
            search([image, image])
        assert len(caught) == 1


def test_bytes_in_a_range_of_16_bits_are_a_failure():
    low = np.zeros((8, 8), np.uint8)
    options = dict(show_progress=False, gray_range=(7000, 9040))
    found = SIRSTInferencer('alcnet', **options)([low, camera(low)])
    (failure,) = found['failures']
    assert 'array 000000: has 8 bits, gray_range=(7000.0' in failure.message
    assert [one.name for one in found['predictions']] == ['000001']


@pytest.mark.parametrize(
    ('gray_range', 'hot'),
    [('dtype', 16383), ('dtype', 65535), ('minmax', 16383), ((0, 16383), 0)],
)
def test_bad_pixels_do_not_spoil_the_advice(gray_range, hot):
    images = [camera(image) for image in example_scenes()]
    image = np.hstack(images)
    image[5, 5], image[9, 200] = 0, hot
    with pytest.warns(UserWarning) as caught:
        gray_limits(image, gray_range)
    words = str(caught[0].message).partition('--gray-range ')[2]
    low, high = map(float, words.rstrip(')').split())
    found = search(images, gray_range=(low, high))
    assert all(p.targets for p in found)


@pytest.mark.filterwarnings('ignore:.*values are')
def test_the_table_of_gray_ranges(find_data, repo):
    """Accuracy of each on NUAA-SIRST, in 8 bits and as of such a camera."""
    page = (repo / 'configs/README.md').read_text()
    row = r'^\| (8|16) bits \| `(.*)`.* \| (.*) \| (.*) \| (.*) \| (.*) \|$'
    table = re.findall(row, page, re.M)
    assert len(table) == 6
    root = find_data('NUAA-SIRST')
    ids = read_ids(root / 'img_idx/test_NUAA-SIRST.txt')
    masks = [read_mask(root / f'masks/{name}.png') for name in ids]
    images = [cv2.imread(str(root / f'images/{n}.png'), 0) for n in ids]
    run = OnnxBackend(zoo.FOLDER / 'alcnet.onnx', 'cpu', threads=1)
    for bits, option, *expected in table:
        mode, *numbers = option.split()
        named = [mode, *map(float, numbers)]
        if mode.isdigit():
            named[0] = float(mode)
        gray_range = check_gray_range(named if numbers else mode)
        stored = images if bits == '8' else map(camera, images)
        probs = (
            run(to_float(image, gray_limits(image, gray_range))[None])[0]
            for image in stored
        )
        scores = evaluate_masks(probs, masks)
        for key, text in zip(
            ('HSE', 'IoU', 'nIoU', 'Pd'), expected, strict=True
        ):
            assert 100 * scores[key] == pytest.approx(float(text), abs=0.02)


def test_the_limits_of_the_first_frame(tmp_path):
    bright = [np.full((5, 6), v, np.uint16) for v in (0, 100, 200)]
    for image in bright:
        image[0, 0] += 50
    stack = tmp_path / 'stack.tif'
    cv2.imwritemulti(str(stack), bright[1:])
    each, first = (Reading('minmax', choice) for choice in ('frame', 'first'))
    items = [bright[0], stack, bright[2]]
    limits = [frame.limits for frame in Inputs(items, reading=each)]
    assert limits == [(0, 50), (100, 150), (200, 250), (200, 250)]
    limits = [frame.limits for frame in Inputs(items, reading=first)]
    assert limits == [(0, 50), (100, 150), (100, 150), (0, 50)]
    single = [str(tmp_path / f'{i}.tif') for i in range(2)]
    for path, image in zip(single, bright, strict=False):
        cv2.imwrite(path, image)
    limits = [frame.limits for frame in Inputs(single, reading=first)]
    assert limits == [(0, 50)] * 2
    flat = np.full((5, 6), 7, np.uint16)
    cv2.imwritemulti(str(tmp_path / 'shutter.tif'), [flat, *bright])
    items = Inputs(tmp_path / 'shutter.tif', reading=first)
    assert [f.limits for f in items] == [(7, 7), *[(0, 50)] * 3]


def test_limits_that_no_longer_fit_are_told(tmp_path, monkeypatch):
    """A closed shutter with a dead pixel, then a scene."""
    monkeypatch.setattr(gray, '_told', set())
    shutter = np.full((5, 6), 6900, np.uint16)
    shutter[2, 2] = 0
    scene = np.arange(7000, 7300, 10, np.uint16).reshape(5, 6)
    cv2.imwritemulti(str(tmp_path / 'stack.tif'), [shutter, scene])
    inputs = Inputs(tmp_path / 'stack.tif', reading=Reading('minmax', 'first'))
    with pytest.warns(UserWarning, match='7010 to 7280, while 0 becomes bla'):
        limits = [frame.limits for frame in inputs]
    assert limits == [(0, 6900)] * 2


def test_pictures_are_as_bright_as_what_is_searched():
    image = camera(np.full((512, 512), 100, np.uint8))
    run = SIRSTInferencer(
        FakeSegmentor(), show_progress=False, gray_range=(7000, 9040)
    )
    (picture,) = run(image, return_vis=True)['visualization']
    assert (picture[:490] == 100).all() and (picture[490:] != 100).any()
    (picture,) = run(image * 0 + 9040, return_vis=True)['visualization']
    assert (picture[:490] == 255).all()
    run = SIRSTInferencer(FakeSegmentor(), show_progress=False)
    image = np.full((512, 512), 100, np.uint8)
    (picture,) = run(image, return_vis=True)['visualization']
    assert (picture == 100).all()  # nothing to be said


@pytest.mark.parametrize(
    'gray_range', ['dtype', (0, 16383), ('percentile', 1, 99)]
)
def test_cards_keep_it(gray_range):
    card = ModelCard(
        *('0.2', 'segmentation', 'A+B', 'c', ('target',)),
        *((0.0,) * 3, (1.0,) * 3, 16, (0.0,) * 3, 0.5),
        gray_range=gray_range,
    )
    assert ModelCard.from_metadata(card.to_metadata(), 'x') == card


def test_videos_of_16_bits(tmp_path, monkeypatch):
    """PyAV reads them all; OpenCV's 8 are told."""
    av = pytest.importorskip('av')
    path = tmp_path / 'flight.mkv'
    rng = np.random.default_rng(0)
    images = rng.integers(7000, 9000, (3, 48, 64), np.uint16)
    with av.open(path, 'w') as container:
        stream = container.add_stream('ffv1', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'gray16le'
        for image in images:
            frame = av.VideoFrame.from_ndarray(image, 'gray16le')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames = list(Inputs(path, reading=Reading((0, 16383))))
    np.testing.assert_array_equal([f.image for f in frames], images)
    monkeypatch.setattr(video, 'av', None)
    with pytest.warns(UserWarning, match='8 of its 16 bits.*pip install av'):
        frames = list(Inputs(path))
    assert len(frames) == 3 and frames[0].image.dtype == np.uint8


def test_the_same_video_by_pyav_and_by_opencv(tmp_path, monkeypatch):
    pytest.importorskip('av')
    path = write_video(tmp_path / 'flight.avi', frames=3)
    ours = [frame.image for frame in Inputs(path)]
    monkeypatch.setattr(video, 'av', None)
    theirs = [frame.image for frame in Inputs(path)]
    assert np.abs(np.subtract(ours, theirs, dtype=float)).max() <= 2
