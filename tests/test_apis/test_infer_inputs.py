"""Everything that a user may hand over, and what is wrong with some of it."""

import os

import cv2
import numpy as np
import pytest

from fdep_mm.apis import Failure
from fdep_mm.apis.inputs import Inputs
from fdep_mm.core.image import to_float
from fdep_mm.datasets.transforms import LoadInfraredImage


def write(path, value=7, shape=(5, 6), dtype=np.uint8):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(shape, value, dtype))
    return path


def write_video(path, frames=20, codec='MJPG'):
    code = cv2.VideoWriter_fourcc(*codec)
    writer = cv2.VideoWriter(str(path), code, 10, (64, 48))
    if not writer.isOpened():
        pytest.skip(f'this OpenCV writes no {codec}')
    rng = np.random.default_rng(0)
    for _ in range(frames):
        writer.write(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    writer.release()
    return path


def names(inputs, **kwargs):
    return [frame.name for frame in Inputs(inputs, **kwargs)]


def test_one_path_in_each_form(tmp_path):
    path = write(tmp_path / 'x.png')
    for given in (path, str(path), [path], (str(path),), iter([path])):
        (frame,) = Inputs(given)
        assert frame.name == 'x' and frame.source == str(path)
        assert (frame.image == 7).all() and frame.index is None


def test_arrays_in_each_form():
    grey = np.full((5, 6), 7, np.uint16)
    for given in (grey, [grey], grey[..., None], iter([grey])):
        (frame,) = Inputs(given)
        assert frame.name == '000000' and (frame.image == grey).all()
    colour = np.zeros((3, 5, 6, 3), np.uint8)
    for given in (colour, list(colour), [colour], [colour[0], colour[1:]]):
        assert names(given) == ['000000', '000001', '000002']


def test_folder_with_sub_folders(tmp_path):
    for name in ('b/x.png', 'a/x.PNG', 'c.tif', 'a/x.jpg', 'out/masks/c.png'):
        write(tmp_path / name)
    (tmp_path / 'notes.txt').write_text('no image')
    inputs = Inputs(tmp_path, skip=[tmp_path / 'out/masks'])
    assert inputs.count() == 4
    # the suffix tells apart what the stem does not
    assert [f.name for f in inputs] == ['a/x', 'a/x.jpg', 'b/x', 'c']
    for skip in (tmp_path, tmp_path / 'out'):
        with pytest.raises(ValueError, match='but earlier results; choose'):
            Inputs(tmp_path / 'out', skip=[skip])


def test_names_of_listed_and_matched_files_do_not_collide(tmp_path):
    files = [write(tmp_path / 'd' / f'{n}/x.png') for n in 'ab']
    assert names(files) == ['a/x', 'b/x']
    assert names(str(tmp_path / '**/*.png')) == ['a/x', 'b/x']
    assert names([str(tmp_path / 'd/a'), tmp_path / 'd/b']) == ['a/x', 'b/x']
    # an iterator is not read ahead, so names are told apart as they come
    assert names(iter(files)) == ['x', 'x.png']
    same = [files[0]] * 3
    assert names(same) == ['x', 'x.png', 'x.png-2']
    upper = write(tmp_path / 'd/a/X.png', value=8)
    assert names([files[0], upper]) == ['x', 'X.png']


def test_names_of_frames_do_not_collide_with_those_of_a_folder(tmp_path):
    video = write_video(tmp_path / 'flight.avi', frames=2)
    for name in ('flight/000001.png', 'flight/x.png'):
        write(tmp_path / name)
    items = [video, tmp_path / 'flight']
    assert names(items) == [
        *('flight/000000', 'flight/000001'),
        *('flight/000001.png', 'flight/x'),
    ]
    assert names(items[::-1]) == [
        *('flight/000001', 'flight/x'),
        *('flight.avi/000000', 'flight.avi/000001'),
    ]


@pytest.mark.skipif(os.name == 'nt', reason='no names of Windows')
@pytest.mark.parametrize(
    ('name', 'safe'),
    [
        ('T:1', 'T_1'),
        ('\\\\server\\share\\x', '__server_share_x'),
        ('..\\x', '.._x'),
        ('12:30', '12:30'),
        ('a\\b', 'a\\b'),
    ],
)
def test_names_that_windows_reads_otherwise(tmp_path, name, safe):
    path = tmp_path / f'{name}.png'
    path.write_bytes(write(tmp_path / 'y/x.png').read_bytes())
    assert names(path) == [safe]


def test_a_file_with_magic_characters_is_no_pattern(tmp_path):
    path = write(tmp_path / 'x[1].png')
    assert names(str(path)) == ['x[1]']


def test_iterators_are_not_read_ahead():
    taken = []

    def frames():
        for i in range(3):
            taken.append(i)
            yield np.zeros((4, 4), np.uint8)

    inputs = Inputs(frames())
    assert inputs.count() is None and taken == []
    next(iter(inputs))
    assert taken == [0]


def test_video(tmp_path):
    path = write_video(tmp_path / 'flight.avi')
    inputs = Inputs([path, np.zeros((4, 4), np.uint8)])
    assert inputs.count() == 21
    *frames, last = inputs
    assert [f.index for f in frames] == list(range(20))
    assert frames[3].name == 'flight/000003' and frames[3].fps == 10
    assert frames[3].image.shape == (48, 64, 3)
    assert last.name == '000000'


def test_video_that_breaks_off(tmp_path):
    path = write_video(tmp_path / 'flight.avi')
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    *frames, last = Inputs(path)
    assert 0 < len(frames) < 20
    assert isinstance(last, Failure)
    assert f'{len(frames)} of about 20 frames could be read' in last.message
    path.write_bytes(b'not a video')
    (failure,) = Inputs(path)
    assert 'not a readable video' in failure.message


def test_trimmed_video_is_whole(tmp_path):
    """An edit list of the first of four seconds, as cameras trim."""
    path = write_video(tmp_path / 'flight.mp4', frames=40, codec='mp4v')
    content = bytearray(path.read_bytes())
    for box, offset in ((b'mvhd', 20), (b'tkhd', 24), (b'elst', 12)):
        start = content.index(box) + offset
        assert int.from_bytes(content[start : start + 4], 'big') == 4000
        content[start : start + 4] = (1000).to_bytes(4, 'big')
    path.write_bytes(content)
    inputs = Inputs(path)
    assert inputs.count() == 10
    assert [frame.index for frame in inputs] == list(range(10))


def test_videos_are_closed(tmp_path, monkeypatch):
    opened = []

    def spy(name, capture=cv2.VideoCapture):
        opened.append(capture(name))
        return opened[-1]

    monkeypatch.setattr(cv2, 'VideoCapture', spy)
    inputs = Inputs(write_video(tmp_path / 'flight.avi'))
    assert inputs.count() == 20
    next(iter(inputs))
    assert len(opened) == 2
    assert not any(capture.isOpened() for capture in opened)


def test_videos_have_8_bits(tmp_path):
    video = write_video(tmp_path / 'flight.avi')
    image = write(tmp_path / 'x.png')
    failure, frame = Inputs([video, image], max_value=16383)
    assert 'values up to 16383' in failure.message and frame.name == 'x'
    assert len(names(video, max_value=255)) == 20


def test_pages_of_a_tiff_file_are_frames(tmp_path):
    rng = np.random.default_rng(0)
    pages = [rng.integers(0, 65536, (5, 6), np.uint16) for _ in range(3)]
    preview = pages[0][::2, ::2]
    cv2.imwritemulti(str(tmp_path / 'x.tif'), [*pages, preview])
    inputs = Inputs([tmp_path / 'x.tif', write(tmp_path / 'y.tif')])
    *frames, last = inputs
    assert [f.name for f in frames] == [f'x/{i:06d}' for i in range(3)]
    assert frames[2].source == f'{tmp_path / "x.tif"}#2'
    for frame, page in zip(frames, pages, strict=True):
        assert (frame.image == page).all() and frame.index is None
    assert last.name == 'y' and last.source == str(tmp_path / 'y.tif')


def test_unreadable_files_are_reported_in_their_place(tmp_path):
    write(tmp_path / 'a.png')
    (tmp_path / 'b.png').write_bytes(b'no image')
    (tmp_path / 'c.png').write_bytes(b'')
    write(tmp_path / 'd.png')
    write(tmp_path / 'e.tif', dtype=np.float32)
    a, b, c, d, e = Inputs(tmp_path)
    assert (a.name, d.name) == ('a', 'd')
    assert 'e.tif: pixels are float32' in e.message
    for failure in (b, c):
        assert failure.message.startswith(
            f'{failure.source}: not a readable image'
        )


def test_bad_items_of_a_list_are_reported_in_their_place(tmp_path):
    path = write(tmp_path / 'x.png')
    (tmp_path / 'empty').mkdir()
    good = np.zeros((4, 4), np.uint8)
    items = [path, tmp_path / 'lost.png', good, tmp_path / 'empty', 3]
    items += [good * 1.0, np.zeros((3, 5, 6), np.uint8), good[:0]]
    first, lost, array, empty, number, floats, stack, nothing = Inputs(items)
    assert (first.name, array.name) == ('x', '000000')
    assert 'lost.png: no such file' in lost.message
    assert 'holds no image' in empty.message
    assert 'an input is int' in number.message
    assert 'array 000001: pixels are float64' in floats.message
    assert 'shape (3, 5, 6)' in stack.message and 'list' in stack.message
    assert 'shape (0, 4)' in nothing.message


def test_bad_single_inputs_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match='lost.png: no such file'):
        Inputs(tmp_path / 'lost.png')
    with pytest.raises(FileNotFoundError, match='no file matches'):
        Inputs(str(tmp_path / '*.png'))
    with pytest.raises(ValueError, match='holds no image'):
        Inputs(tmp_path)
    with pytest.raises(ValueError, match='empty list'):
        Inputs([])
    with pytest.raises(TypeError, match='inputs is int'):
        Inputs(3)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('options', [{}, dict(max_value=99, grey=False)])
def test_pixels_are_those_of_the_pipeline(tmp_path, dtype, channels, options):
    rng = np.random.default_rng(0)
    top = np.iinfo(dtype).max
    image = rng.integers(0, top, (9, 8, channels), dtype, endpoint=True)
    cv2.imwrite(str(tmp_path / 'x.png'), image)
    (frame,) = Inputs(tmp_path / 'x.png')
    result = LoadInfraredImage(**options)(
        dict(img_path=str(tmp_path / 'x.png'))
    )
    assert (to_float(frame.image, **options) == result['img']).all()
