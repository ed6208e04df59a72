"""Everything that a user may hand over, and what is wrong with some of it."""

import os

import cv2
import numpy as np
import pytest
from fake_backends import FakeSegmentor
from PIL import Image
from video_files import write_video

from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.inputs import Inputs, Reading
from fdep_mm.apis.outputs import OUTPUTS
from fdep_mm.core.gray import to_float
from fdep_mm.datasets.transforms import LoadInfraredImage


def write(path, value=7, shape=(5, 6), dtype=np.uint8):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(shape, value, dtype))
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
    gray = np.full((5, 6), 7, np.uint16)
    for given in (gray, [gray], gray[..., None], iter([gray])):
        (frame,) = Inputs(given)
        assert frame.name == '000000' and (frame.image == gray).all()
    color = np.zeros((3, 5, 6, 3), np.uint8)
    for given in (color, list(color), [color], [color[0], color[1:]]):
        assert names(given) == ['000000', '000001', '000002']


def test_folder_with_sub_folders(tmp_path):
    for name in ('b/x.png', 'a/x.PNG', 'c.tif', 'a/x.jpg', 'out/masks/c.png'):
        write(tmp_path / name)
    for name in ('notes.txt', 'b/more.txt', '.hidden'):
        (tmp_path / name).write_text('no image')
    words = '2 files are neither images nor videos,.*, such as b/more.txt'
    with pytest.warns(UserWarning, match=words):
        inputs = Inputs(tmp_path, skip=[tmp_path / 'out/masks'])
    assert inputs.count() == 4
    # the suffix tells apart what the stem does not
    assert [f.name for f in inputs] == ['a/x', 'a/x.jpg', 'b/x', 'c']
    for skip in (tmp_path, tmp_path / 'out'):
        with pytest.raises(ValueError, match='but earlier results; choose'):
            Inputs(tmp_path / 'out', skip=[skip])


def test_results_of_an_earlier_run_are_not_searched(tmp_path):
    for name in ('a.png', 'sub/masks/b.png'):  # not all masks are results
        write(tmp_path / name)
    run = SIRSTInferencer(FakeSegmentor(), show_progress=False)
    run(tmp_path, out_dir=tmp_path / 'out', outputs=OUTPUTS)
    with pytest.warns(UserWarning, match='earlier runs.*such as out/coco'):
        assert names(tmp_path) == ['a', 'sub/masks/b']
    with pytest.raises(ValueError, match='but earlier results'):
        Inputs(tmp_path / 'out')


def test_a_folder_takes_what_works_alone(tmp_path):
    for name in ('a.webp', 'b.pgm'):
        write(tmp_path / name)
    write_video(tmp_path / 'c.avi', frames=2)
    pictures = [Image.new('L', (6, 5), v) for v in (9, 90, 200)]
    options = dict(save_all=True, append_images=pictures[1:])
    pictures[0].save(tmp_path / 'd.gif', **options)
    a, b, *c, gif1, gif2, gif3 = Inputs(tmp_path)
    assert (a.name, b.name, len(c)) == ('a', 'b', 2)
    assert gif2.name == 'd/000001' and gif2.index == 1
    means = [frame.image.mean() for frame in (gif1, gif2, gif3)]
    assert means == pytest.approx([9, 90, 200], abs=2)


@pytest.mark.skipif(os.name == 'nt', reason='its names are Unicode')
def test_a_name_that_is_not_unicode(tmp_path):
    """It is searched, and costs the others nothing."""
    strange = tmp_path / os.fsdecode(b'\xff')
    for name in ('a.png', 'b.tif'):
        os.rename(write(tmp_path / name), f'{strange}{name}')
    write_video(tmp_path / 'c.avi', 2).rename(f'{strange}c.avi')  # refused
    write(tmp_path / 'good.png')
    run = SIRSTInferencer(FakeSegmentor(), show_progress=True)
    found = run(tmp_path, out_dir=tmp_path / 'out', outputs=OUTPUTS)
    names = [os.fsencode(p.name) for p in found['predictions']]
    assert {b'good', b'\xffa', b'\xffb'} <= {*names}
    assert (tmp_path / 'out/masks' / os.fsdecode(b'\xffa.png')).is_file()
    assert (tmp_path / 'out/targets.csv').is_file()


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
    flight = write_video(tmp_path / 'flight.avi', frames=2)
    for name in ('flight/000001.png', 'flight/x.png'):
        write(tmp_path / name)
    items = [flight, tmp_path / 'flight']
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


def test_folders_behind_links(tmp_path):
    """Each is read once, under its own name if it has one here."""
    for name in ('here/b/x.png', 'elsewhere/y.png', 'elsewhere/deep/z.png'):
        write(tmp_path / name)
    here = tmp_path / 'here'
    for name, target in dict(a='b', c='../elsewhere', loop='.').items():
        (here / name).symlink_to(target)
    (tmp_path / 'elsewhere/back').symlink_to('../elsewhere')
    assert names(here) == ['b/x', 'c/deep/z', 'c/y']


def test_a_bad_page_costs_the_others_nothing(tmp_path):
    path = tmp_path / 'x.tif'
    pages = np.zeros((4, 5, 6), np.float32)
    pages[1, 2, 3] = np.nan
    cv2.imwritemulti(str(path), [*pages])
    first, bad, *others = Inputs(path, reading=Reading((0, 1)))
    assert [f.name for f in (first, *others)] == [
        *('x/000000', 'x/000002', 'x/000003')
    ]
    assert bad.source == f'{path}#1' and 'x.tif#1: pixels are' in bad.message


def test_unreadable_files_are_reported_in_their_place(tmp_path):
    write(tmp_path / 'a.png')
    (tmp_path / 'b.png').write_bytes(b'no image')
    (tmp_path / 'c.png').write_bytes(b'')
    write(tmp_path / 'd.png')
    write(tmp_path / 'e.tif', dtype=np.float32)
    a, b, c, d, e = Inputs(tmp_path)
    assert (a.name, d.name) == ('a', 'd')
    assert 'e.tif: pixels are float32' in e.message
    *_, e = Inputs(tmp_path, reading=Reading((-10, 24)))
    assert (to_float(e.image, e.limits) == 127.5).all()
    for failure in (b, c):
        assert failure.message.startswith(
            f'{failure.source}: not a readable image'
        )


def test_bad_items_of_a_list_are_reported_in_their_place(tmp_path):
    path = write(tmp_path / 'x.png')
    (tmp_path / 'empty').mkdir()
    good = np.zeros((4, 4), np.uint8)
    items = [path, tmp_path / 'lost.png', good, tmp_path / 'empty', 3.5]
    items += [good * 1.0, np.zeros((3, 5, 6), np.uint8), good[:0]]
    first, lost, array, empty, number, floats, stack, nothing = Inputs(items)
    assert (first.name, array.name) == ('x', '000000')
    assert 'lost.png: no such file' in lost.message
    assert 'holds no image' in empty.message
    assert 'an input is float' in number.message
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
    with pytest.raises(TypeError, match='inputs is float'):
        Inputs(3.5)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('gray_range', ['dtype', (30, 99), 'minmax'])
@pytest.mark.parametrize('gray', [True, False])
def test_pixels_are_those_of_the_pipeline(
    tmp_path, dtype, channels, gray_range, gray
):
    rng = np.random.default_rng(0)
    top = np.iinfo(dtype).max
    image = rng.integers(0, top, (9, 8, channels), dtype, endpoint=True)
    cv2.imwrite(str(tmp_path / 'x.png'), image)
    (frame,) = Inputs(tmp_path / 'x.png', reading=Reading(gray_range))
    load = LoadInfraredImage(gray_range, gray)
    result = load(dict(img_path=str(tmp_path / 'x.png')))
    found = to_float(frame.image, frame.limits, gray)
    assert (found == result['img']).all()
