"""Folders are paired by name; bad files are named."""

import cv2
import numpy as np
import pytest

from fdep_mm.core.masks import read_mask
from fdep_mm.visualization import (
    list_images,
    load_scene,
    pair_images,
    read_names,
    read_prob,
)


def write(path, array):
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), np.asarray(array))
    return path


@pytest.fixture
def gray():
    return np.random.default_rng(0).integers(0, 256, (6, 8), np.uint8)


def test_images_by_identifier(tmp_path, gray):
    for name in ('b_pixels0.png', 'a_pixels0.BMP', 'c.png', 'notes_pixels0'):
        (tmp_path / name).touch()
    assert list(list_images(tmp_path, '_pixels0')) == ['a', 'b']
    assert list(list_images(tmp_path / 'c.png')) == ['c']


def test_folders_without_images(tmp_path):
    with pytest.raises(ValueError, match='no such file or folder'):
        list_images(tmp_path / 'none')
    with pytest.raises(ValueError, match=r'holds no image file \*_m.png'):
        list_images(tmp_path, '_m')
    for name in ('a.png', 'a.bmp'):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r'a\.bmp and a\.png have one name'):
        list_images(tmp_path)


def test_pairs_and_complaints():
    shown = (('image', 'abce'), ('prediction', 'cad'), ('mask', 'abcd'))
    files = {kind: dict.fromkeys(names, '') for kind, names in shown}
    names, complaints = pair_images(files)
    assert names == ['c', 'a']
    alone, no_image = complaints
    assert alone.startswith("1 masks have no prediction: 'b'; ")
    assert no_image == 'd: there is no image'
    names, complaints = pair_images(files, ['b', 'a', 'x'])
    assert names == ['a']
    assert complaints == [
        'b: there is no prediction',
        'x: there is no image and no prediction and no mask',
    ]
    with pytest.raises(ValueError, match="first are: image 'a', pred.*'c'"):
        pair_images(files, ['x'])


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_probabilities_of_8_and_16_bits(tmp_path, gray, dtype):
    top = np.iinfo(dtype).max
    values = (gray.astype(float) / 255 * top).astype(dtype)
    path = write(tmp_path / 'a.png', np.dstack([values] * 3))
    np.testing.assert_allclose(read_prob(path), values / top, atol=1e-7)
    assert read_prob(path).dtype == np.float32


def test_masks_as_predictions(tmp_path):
    path = write(tmp_path / 'a.png', np.uint8([[0, 1], [1, 0]]))
    assert read_prob(path, binary=True).tolist() == [[0, 1], [1, 0]]


def test_names_of_a_split(tmp_path):
    path = tmp_path / 'split.txt'
    path.write_bytes('\ufeffa b\n\n c\r\n'.encode())
    assert read_names(path) == ['a b', 'c']
    for content, message in ((b'\n', 'no identifier'), (b'\xff', 'readable')):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f'split.txt: .*{message}'):
            read_names(path)
    with pytest.raises(ValueError, match='not a readable split file'):
        read_names(tmp_path)


def test_a_scene_is_of_one_size(tmp_path, gray):
    mask = (gray > 200).astype(np.uint8)
    image = write(tmp_path / 'i.png', np.dstack([gray] * 3))
    pred, truth = (
        write(tmp_path / f'{n}.png', a) for n, a in (('p', gray), ('m', mask))
    )
    scene = load_scene('s', image, pred, truth)
    assert scene.image.shape == (6, 8, 3)
    np.testing.assert_array_equal(scene.mask, mask)
    large = write(tmp_path / 'large.png', np.zeros((7, 8), np.uint8))
    with pytest.raises(ValueError, match=r'large.png: is \(7, 8\) px'):
        load_scene('s', large, pred, truth)
    with pytest.raises(ValueError, match='prediction has shape'):
        load_scene('s', image, large, truth)


def test_files_that_do_not_do(tmp_path, gray):
    broken = tmp_path / 'broken.png'
    for content in (b'', b'nonsense', b'\x89PNG\r\n\x1a\n cut'):
        broken.write_bytes(content)
        with pytest.raises(ValueError, match='broken.png: not a readable'):
            read_prob(broken)
    color = write(tmp_path / 'c.png', np.dstack([gray, gray, gray // 2]))
    with pytest.raises(ValueError, match='c.png: holds colors'):
        read_prob(color)
    with pytest.raises(ValueError, match='g.png: mask values must be'):
        read_mask(write(tmp_path / 'g.png', gray))
    with pytest.raises(ValueError, match='none.png: .*cannot be read'):
        read_mask(tmp_path / 'none.png')
