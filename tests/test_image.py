"""Image files: none of their pages is lost silently."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from fdep_mm.core.image import (
    UnreadableFileError,
    count_pages,
    decode_pages,
    image_shape,
)
from fdep_mm.core.masks import read_mask, read_values


def chain(order: str, big: bool, places: list[int], end: int = 0) -> bytes:
    """A TIFF file of 80 bytes: directories without entries at these places.

    The last one says that the next is at `end`.
    """
    size = 80
    word, count = ('Q', 'Q') if big else ('I', 'H')
    content = bytearray(size)
    start = b'II' if order == '<' else b'MM'
    content[:4] = start + struct.pack(order + 'H', 43 if big else 42)
    at = 8 if big else 4
    for place in [*places, end]:
        if at + struct.calcsize(word) <= size:
            struct.pack_into(order + word, content, at, place)
        at = place + struct.calcsize(order + count)
    return bytes(content)


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize('order', ['<', '>'])
def test_count_pages(order, big):
    assert count_pages(chain(order, big, [40, 20, 60])) == 3
    assert count_pages(chain(order, big, [40])) == 1
    assert count_pages(chain(order, big, [])) == 1
    # the third is not in the file, the first comes again
    assert count_pages(chain(order, big, [20, 40, 90])) == 3
    assert count_pages(chain(order, big, [20, 40], end=20)) == 2
    # what programs leave behind where nothing follows
    for end in (7, 0xCDCDCDCD, 0xFFFFFFFF):
        assert count_pages(chain(order, big, [20, 40], end)) == 2
    assert count_pages(chain(order, True, [20, 40], end=2**64 - 2)) == 3


def test_a_tiff_file_that_was_cut_off(tmp_path):
    rng = np.random.default_rng(0)
    pages = [rng.integers(0, 256, (50, 60), np.uint8) for _ in range(4)]
    path = tmp_path / 'x.tif'
    cv2.imwritemulti(str(path), pages)
    whole = path.read_bytes()
    found = decode_pages(whole, 'x.tif')
    np.testing.assert_array_equal(found, pages)
    for part in np.linspace(0.05, 0.99, 20):
        with pytest.raises(
            ValueError, match=r'x.tif: (page [2-4] is damaged|not a readable)'
        ):
            decode_pages(whole[: int(part * len(whole))], 'x.tif')


def test_pages_of_another_size(tmp_path, recwarn):
    path = tmp_path / 'x.tif'
    for sides, left, told in (
        ((50, 50, 25, 13), 2, False),  # previews
        ((13, 50, 50), 1, True),
        ((50, 40), 1, True),
    ):
        pages = [np.zeros((side, 60), np.uint8) for side in sides]
        cv2.imwritemulti(str(path), [page[:, : len(page)] for page in pages])
        assert len(decode_pages(path.read_bytes(), 'x.tif')) == left
        texts = [str(one.message) for one in recwarn]
        recwarn.clear()
        assert ('and are left out' in ''.join(texts)) is told


@pytest.mark.parametrize(
    'suffix', ['.png', '.jpg', '.bmp', '.webp', '.pgm', '.tif']
)
def test_too_large_images_are_not_decoded(suffix, monkeypatch):
    content = cv2.imencode(suffix, np.zeros((20, 30), np.uint8))[1].tobytes()
    decode_pages(content, 'x', max_pixels=600)
    for decoder in ('imdecode', 'imdecodemulti'):
        monkeypatch.delattr(cv2, decoder)
    with pytest.raises(ValueError, match='x: too large, 600 pixels'):
        decode_pages(content, 'x', max_pixels=599)


def test_masks_that_are_too_large(tmp_path):
    def chunk(kind, content):
        crc = struct.pack('>I', zlib.crc32(kind + content))
        return struct.pack('>I', len(content)) + kind + content + crc

    path = tmp_path / 'x.png'
    header = struct.pack('>II', 60000, 60000) + b'\1\0\0\0\0'
    pixels = chunk(b'IDAT', zlib.compress(bytes(9)))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + pixels)
    for read in (read_mask, read_values, image_shape):
        with pytest.raises(UnreadableFileError, match='x.png: .* too large'):
            read(path)


SIDES = (60000, 60000)
BOMBS = dict(
    png=b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR'
    + struct.pack('>II', *SIDES)
    + b'\1\0\0\0\0',
    ppm=b'P6\n60000 60000\n255\n',
    gif=b'GIF89a%s\0\0\0,' % struct.pack('<HH', *SIDES)
    + struct.pack('<HHHH', 0, 0, *SIDES)
    + b'\0\2\0;',
    bmp=b'BM\0\0\0\0\0\0\0\0\x36\0\0\0'
    + struct.pack('<IiiHH', 40, *SIDES, 1, 24).ljust(40, b'\0'),
    sun=struct.pack('>8I', 0x59A66A95, *SIDES, 24, 0, 1, 0, 0),
)


@pytest.mark.parametrize('kind', BOMBS)
def test_headers_of_bombs(kind):
    with pytest.raises(ValueError, match='too large, 3600000000 pixels'):
        decode_pages(BOMBS[kind], 'x')


def with_sides(content, old, new):
    """An image file that claims other sides."""
    assert content.count(old) == 1
    return content.replace(old, new)


def test_headers_of_bombs_that_were_images():
    pixels = np.zeros((23, 17), np.uint8)
    jpg = cv2.imencode('.jpg', pixels)[1].tobytes()
    sides = (struct.pack('>HH', *pair) for pair in ((23, 17), SIDES))
    webp = cv2.imencode('.webp', pixels, [cv2.IMWRITE_WEBP_QUALITY, 50])[1]
    largest = (
        struct.pack('<HH', *pair) for pair in ((17, 23), (16383, 16383))
    )
    for content, limit in (
        (with_sides(jpg, *sides), 2**28),
        (with_sides(webp.tobytes(), *largest), 2**27),
    ):
        with pytest.raises(ValueError, match='too large, [0-9]{9,} pixels'):
            decode_pages(content, 'x', limit)


@pytest.mark.parametrize(
    'content',
    [
        b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 30000 +X 30000\n\2\2',
        b'P7\nWIDTH 30000\nHEIGHT 30000\nDEPTH 3\nMAXVAL 255\nENDHDR\n',
    ],
)
def test_formats_whose_size_is_not_known_are_not_decoded(content, monkeypatch):
    """OpenCV reads them, with a limit of its own."""
    monkeypatch.delattr(cv2, 'imdecode')
    with pytest.raises(ValueError, match='x: not a readable image'):
        decode_pages(content, 'x')


def test_a_large_page_behind_small_ones(tmp_path):
    path = tmp_path / 'x.tif'
    pages = [np.zeros((n, 9), np.uint8) for n in (9, 100)]
    cv2.imwritemulti(str(path), pages)
    with pytest.raises(ValueError, match='too large, 900 pixels'):
        decode_pages(path.read_bytes(), 'x.tif', max_pixels=899)
