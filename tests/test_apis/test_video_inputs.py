"""Videos as inputs: whole, broken off, trimmed, deep, too large."""

import cv2
import numpy as np
import pytest
from PIL import Image
from video_files import write_video

from fdep_mm.apis import Failure, video
from fdep_mm.apis.inputs import Inputs, Reading


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


def test_damaged_frames_are_told(tmp_path):
    pytest.importorskip('av')
    path = write_video(tmp_path / 'flight.avi', frames=60)
    head, *chunks = path.read_bytes().partition(b'idx1')[0].split(b'00dc')
    content = bytearray(path.read_bytes())
    start = len(head) + sum(len(chunk) + 4 for chunk in chunks[:30])
    hurt = sum(len(chunk) + 4 for chunk in chunks[30:34])
    content[start : start + hurt] = bytes(hurt)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match='4 of 60 frames could not be read'):
        assert len([*Inputs(path)]) == 56


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
    assert inputs.count() == (10 if video.av else 40)
    assert [frame.index for frame in inputs] == list(range(10))


def test_videos_are_closed(tmp_path, monkeypatch):
    opened = []

    def spy(name, capture=cv2.VideoCapture):
        opened.append(capture(name))
        return opened[-1]

    monkeypatch.setattr(cv2, 'VideoCapture', spy)
    monkeypatch.setattr(video, 'av', None)
    inputs = Inputs(write_video(tmp_path / 'flight.avi'))
    assert inputs.count() == 20
    next(iter(inputs))
    assert len(opened) == 2
    assert not any(capture.isOpened() for capture in opened)


def test_videos_of_8_bits(tmp_path):
    path = write_video(tmp_path / 'flight.avi')
    image = tmp_path / 'x.png'
    cv2.imwrite(str(image), np.zeros((5, 6), np.uint8))
    deep, bytes_only = Reading((0, 16383)), Reading((0, 255))
    failures = Inputs([path, image], reading=deep)
    assert all('asks for more' in failure.message for failure in failures)
    assert len([*Inputs(path, reading=bytes_only)]) == 20


def test_sound_without_pictures(tmp_path):
    av = pytest.importorskip('av')
    path = tmp_path / 'sound.mp4'
    with av.open(path, 'w') as container:
        stream = container.add_stream('aac', rate=44100)
        sound = np.zeros((1, 44100), np.float32)
        frame = av.AudioFrame.from_ndarray(sound, 'fltp', 'mono')
        frame.sample_rate = 44100
        container.mux([*stream.encode(frame), *stream.encode(None)])
    inputs = Inputs(path)
    assert inputs.count() == 0
    (failure,) = inputs
    assert 'sound.mp4: holds no pictures, only sound' in failure.message


@pytest.mark.parametrize('suffix', ['avi', 'gif'])
def test_videos_of_too_many_pixels(tmp_path, suffix, monkeypatch):
    path = tmp_path / f'flight.{suffix}'
    if suffix == 'avi':
        write_video(path)
    else:
        Image.new('L', (64, 48)).save(path)
    assert [*Inputs(path, reading=Reading(max_pixels=48 * 64))]
    for module in (video.av, None):
        monkeypatch.setattr(video, 'av', module)
        (failure,) = Inputs(path, reading=Reading(max_pixels=48 * 64 - 1))
        assert f'{path}: too large, 3072 pixels' in failure.message
