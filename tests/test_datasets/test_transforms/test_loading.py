import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from PIL import Image

from fdep_mm.core.image import UnreadableFileError
from fdep_mm.datasets.transforms import (
    LoadInfraredImage,
    LoadSIRSTMask,
)

SIZE = (20, 30)


@pytest.fixture
def gray():
    levels = np.arange(SIZE[0] * SIZE[1]) % 256
    return levels.reshape(SIZE).astype(np.uint8)


def load(path, **arguments):
    results = LoadInfraredImage(**arguments)(dict(img_path=str(path)))
    img = results['img']
    assert img.dtype == np.float32 and img.shape == (*SIZE, 3)
    assert results['img_shape'] == results['ori_shape'] == SIZE
    return img


def load_mask(path, img=None, **arguments):
    results = dict(
        img_path='a.png',
        seg_map_path=str(path),
        seg_fields=[],
        label_map=None,
        reduce_zero_label=False,
    )
    if img is not None:
        results |= dict(img=img, ori_shape=img.shape[:2])
    results = LoadSIRSTMask(**arguments)(results)
    assert results['seg_fields'] == ['gt_seg_map']
    mask = results['gt_seg_map']
    assert mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 1}
    return mask


@pytest.mark.parametrize('mode', ['L', 'LA', 'RGB', 'RGBA', 'P'])
@pytest.mark.parametrize('gray_option', [True, False])
def test_gray_values_survive_every_8_bit_file(
    tmp_path, gray, mode, gray_option
):
    image = Image.fromarray(gray).convert(mode)
    if 'A' in mode:
        image.putalpha(Image.fromarray(255 - gray))
    image.save(tmp_path / 'x.png')
    img = load(tmp_path / 'x.png', gray=gray_option)
    assert (img == gray[..., None]).all()


@pytest.mark.parametrize('mode', ['L', 'LA', 'RGB', 'RGBA', 'P'])
def test_bytes_as_of_mmcv(tmp_path, gray, mode):
    color = np.dstack([gray, gray // 2, 255 - gray])
    path = tmp_path / 'x.png'
    Image.fromarray(color).convert(mode).save(path)
    given = dict(img_path=str(path))
    own = LoadInfraredImage(gray=False, to_float32=False)(dict(given))['img']
    assert own.dtype == np.uint8
    np.testing.assert_array_equal(own, LoadImageFromFile()(given)['img'])


@pytest.mark.parametrize('suffix', ['.png', '.tif'])
def test_16_bit(tmp_path, gray, suffix):
    path = tmp_path / f'x{suffix}'
    cv2.imwrite(str(path), gray.astype(np.uint16) * 257)
    np.testing.assert_allclose(load(path)[..., 1], gray, atol=1e-4)
    cv2.imwrite(str(path), gray.astype(np.uint16) * 64)
    img = load(path, gray_range=(0, 16383))[..., 2]
    np.testing.assert_allclose(
        img, gray.astype(int) * 64 / 16383 * 255, atol=1e-3
    )
    # 12-bit scale on 14-bit data: clipped, never above 255
    assert load(path, gray_range=(0, 4095)).max() == 255


def test_16_bit_color(tmp_path, gray):
    color = np.dstack([gray, gray // 2, gray // 4]).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / 'x.png'), color)
    img = load(tmp_path / 'x.png', gray=False)
    np.testing.assert_allclose(img, color / 257, atol=1e-4)


def test_color_is_luminance_or_bgr(tmp_path, gray):
    rgb = np.dstack([gray, gray // 2, gray // 4])
    Image.fromarray(rgb).save(tmp_path / 'x.png')
    luminance = rgb @ np.array([0.299, 0.587, 0.114])
    img = load(tmp_path / 'x.png')
    np.testing.assert_allclose(img[..., 0], luminance, atol=0.6)
    assert (img[..., 0] == img[..., 2]).all()
    img = load(tmp_path / 'x.png', gray=False)
    assert (img == rgb[..., ::-1]).all()


def test_colored_palette_is_expanded(tmp_path, gray):
    image = Image.fromarray(gray % 4)
    image.putpalette([10, 20, 30, 0, 0, 255, 7, 7, 7, 255, 255, 255])
    image.save(tmp_path / 'x.png')
    assert Image.open(tmp_path / 'x.png').mode == 'P'
    img = load(tmp_path / 'x.png', gray=False)
    rgb = np.array(image.convert('RGB'))
    assert (img == rgb[..., ::-1]).all()


def test_unreadable_images(tmp_path, gray):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (99, 99), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'x.png')
    content = (tmp_path / 'x.png').read_bytes()
    for name, damaged in (
        ('half.png', content[: len(content) // 2]),
        ('empty.png', b''),
        ('text.png', b'not an image'),
    ):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=f'{name}: not a readable image'):
            load(tmp_path / name)
        with pytest.raises(ValueError, match=f'{name}: not a readable mask'):
            load_mask(tmp_path / name)
    for function, kind in ((load, 'image'), (load_mask, 'mask')):
        text = f'lost.png: the {kind} cannot be read .No such file'
        with pytest.raises(UnreadableFileError, match=text):
            function(tmp_path / 'lost.png')
    cv2.imwrite(str(tmp_path / 'f.tif'), gray.astype(np.float32))
    with pytest.raises(ValueError, match='f.tif: pixels are float32'):
        load(tmp_path / 'f.tif')


@pytest.mark.parametrize(
    'gray_range',
    [0, None, 'max', (9, 9), (0, 'x'), ('percentile', 1, 101), ('p', 1, 2)],
)
def test_bad_gray_range(gray_range):
    with pytest.raises(ValueError, match='gray_range=.*give'):
        LoadInfraredImage(gray_range=gray_range)


def test_too_large_images(tmp_path, gray):
    cv2.imwrite(str(tmp_path / 'x.png'), gray)
    load(tmp_path / 'x.png', max_pixels=600)
    with pytest.raises(UnreadableFileError, match='x.png: too large, 600'):
        load(tmp_path / 'x.png', max_pixels=599)


@pytest.fixture
def target():
    mask = np.zeros(SIZE, np.uint8)
    mask[3:6, 7:12] = 1
    return mask


@pytest.mark.parametrize('top', [1, 255])
@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'])
def test_mask_files(tmp_path, target, mode, top):
    values = target * np.uint8(top)
    if mode == 'I;16':
        image = Image.fromarray(values.astype(np.uint16))
    elif mode == '1':
        image = Image.fromarray(target > 0)
    else:
        image = Image.fromarray(values).convert(mode)
        if 'A' in mode:
            image.putalpha(77)
    image.save(tmp_path / 'm.png')
    assert Image.open(tmp_path / 'm.png').mode == mode
    assert (load_mask(tmp_path / 'm.png') == target).all()


def test_mask_palettes(tmp_path, target):
    # Black and white count by color, even if an optimizer swapped them.
    image = Image.fromarray(1 - target)
    image.putpalette([255, 255, 255, 0, 0, 0])
    image.save(tmp_path / 'm.png')
    assert (load_mask(tmp_path / 'm.png') == target).all()
    # Other colors count by index, as annotation tools write them.
    image = Image.fromarray(target)
    image.putpalette([0, 0, 0, 128, 0, 0])
    image.save(tmp_path / 'm.png')
    assert (load_mask(tmp_path / 'm.png') == target).all()


@pytest.mark.parametrize('value', [0, 1, 255])
def test_uniform_masks(tmp_path, value):
    Image.fromarray(np.full(SIZE, value, np.uint8)).save(tmp_path / 'm.png')
    assert (load_mask(tmp_path / 'm.png') == (value > 0)).all()


def test_other_mask_values(tmp_path, target):
    values = target * np.uint8(255)
    values[0, :3] = 1, 17, 128
    Image.fromarray(values).save(tmp_path / 'm.png')
    with pytest.raises(ValueError, match='m.png.*got {0, 1, 17, 128, 255}'):
        load_mask(tmp_path / 'm.png')
    values[0, 2] = 127
    Image.fromarray(values).save(tmp_path / 'm.png')
    assert (load_mask(tmp_path / 'm.png', threshold=127) == target).all()
    many = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % 256
    Image.fromarray(many.astype(np.uint8)).save(tmp_path / 'm.png')
    with pytest.raises(ValueError, match='6, 7, ... .256 values'):
        load_mask(tmp_path / 'm.png')


def test_mask_of_unequal_channels(tmp_path, target):
    color = np.dstack([target, target, 0 * target]) * np.uint8(255)
    Image.fromarray(color).save(tmp_path / 'm.png')
    with pytest.raises(ValueError, match='m.png: color mask'):
        load_mask(tmp_path / 'm.png')


def test_size_mismatch_names_both_files(tmp_path, target):
    Image.fromarray(target).save(tmp_path / 'm.png')
    img = np.zeros((20, 31, 3), np.float32)
    with pytest.raises(ValueError, match='m.png: is 30x20 px, .* 31x20'):
        load_mask(tmp_path / 'm.png', img)
    load_mask(tmp_path / 'm.png', img[:, :30])


@pytest.mark.parametrize(
    ('color', 'alpha', 'target'),
    [
        (0, 'shape', True),  # cut out of black
        (255, 'shape', True),  # or of white
        ('shape', 'shape', True),
        ('shape', 255, True),
        (0, 255, False),
    ],
)
def test_masks_with_alpha(tmp_path, color, alpha, target):
    shape = np.zeros((20, 30), np.uint8)
    shape[4:7, 9:11] = 255
    planes = [
        shape if value == 'shape' else np.full_like(shape, value)
        for value in (color, color, color, alpha)
    ]
    Image.fromarray(np.dstack(planes)).save(tmp_path / 'a.png')
    expected = shape // 255 * target
    np.testing.assert_array_equal(load_mask(tmp_path / 'a.png'), expected)
    planes[3] = np.roll(shape, 1)
    Image.fromarray(np.dstack(planes)).save(tmp_path / 'a.png')
    if color == 'shape':
        with pytest.raises(ValueError, match='alpha show different shapes'):
            load_mask(tmp_path / 'a.png')


@pytest.mark.parametrize(
    'palette',
    [
        [0] * 6,
        [0, 0, 0, 255, 255, 255],
        [9, 9, 9, 128, 0, 0],
        [0, 0, 0, 255, 0, 0],  # pure red
    ],
)
def test_masks_with_a_palette(tmp_path, palette):
    index = np.zeros((20, 30), np.uint8)
    index[4:7, 9:11] = 1
    image = Image.fromarray(index, 'P')
    image.putpalette(palette)
    image.save(tmp_path / 'a.png')
    np.testing.assert_array_equal(load_mask(tmp_path / 'a.png'), index)


def test_the_threshold_that_is_offered_keeps_the_target(tmp_path):
    mask = np.zeros((20, 30), np.uint8)
    mask[4:7, 9:11] = 38
    Image.fromarray(mask).save(tmp_path / 'a.png')
    with pytest.raises(ValueError, match=r'got {0, 38}\..*threshold=19'):
        load_mask(tmp_path / 'a.png')
    found = load_mask(tmp_path / 'a.png', threshold=19)
    np.testing.assert_array_equal(found, mask // 38)


def test_an_image_that_is_there_is_not_read_again():
    image = np.zeros((8, 8, 3), np.float32)
    with pytest.raises(ValueError, match='a/1: .*synthetic.*take LoadInfra'):
        LoadInfraredImage().transform(dict(img_path='a/1', img=image))
