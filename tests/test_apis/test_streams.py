"""Cameras, addresses, raw frames: what arrives while it is searched."""

import functools
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_backends import FakeSegmentor
from video_files import write_video

from fdep_mm.apis import SIRSTInferencer, video
from fdep_mm.apis.inputs import Inputs, Reading

TOOL = Path(__file__).parents[2] / 'tools/infer.py'
START = f"""
import runpy, sys
# importing them takes seconds
sys.modules.update(torch=None, mmengine=None, mmcv=None)
runpy.run_path({str(TOOL)!r}, run_name='__main__')
"""


def scene(number):
    """14 bits with an offset, and a target at another place in each."""
    image = np.full((48, 64), 7400, np.uint16)
    image[20:23, 8 + number : 11 + number] = 8900
    return image


@pytest.fixture
def infer():
    """Start the tool on frames that are sent to it."""
    started = []

    def start(folder, *options):
        words = ['mpcm', '-', '--out-dir', folder, '--no-progress', *options]
        process = subprocess.Popen(
            [sys.executable, '-c', START, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


RAW = ('--raw', '64x48xuint16')


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_terminated_and_refused_meanwhile(infer, tmp_path):
    process = infer(tmp_path, *RAW)
    for number in range(2):
        process.stdin.write(scene(number).tobytes())
    process.stdin.flush()
    lines = tmp_path / 'targets.jsonl'
    deadline = time.monotonic() + 60
    while not lines.exists() or len(read(lines)) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    second = infer(tmp_path, *RAW, '--overwrite')
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f'another process writes here, process {process.pid}' in str(errors)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert process.returncode == 143
    assert b'2 images, 2 targets' in process.stdout.read()
    content = json.loads((tmp_path / 'predictions.json').read_text())
    assert content['complete'] is False
    assert content['images'] == read(lines)
    found = [i['targets'][0] for i in content['images']]
    assert [(t['x'], t['y']) for t in found] == [(9, 21), (10, 21)]
    assert (tmp_path / 'overlays/stdin.mp4').is_file()


def test_raw_frames_that_end_within_one(infer, tmp_path):
    process = infer(tmp_path, *RAW, '--gray-range', 'minmax')
    content = scene(0).tobytes() + b'12'
    output, errors = process.communicate(content, timeout=60)
    assert process.returncode == 1 and b'1 images, 1 targets' in output
    assert b'ends within a frame, 6142 of 6144 bytes are missing' in errors
    content = json.loads((tmp_path / 'predictions.json').read_text())
    assert content['gray_range'] == 'minmax'
    assert content['images'][0]['gray'] == [7400, 8900]
    assert len(content['failures']) == 1 and content['complete'] is False


def test_a_bad_frame_costs_the_others_nothing(infer, tmp_path):
    frames = np.ones((3, 48, 64), np.float32)
    frames[0, 3, 4] = np.nan
    raw = ('--raw', '64x48xfloat32')
    for options, words in (
        (('--gray-range', '0', '2'), b'2 images, '),
        ((), b'0 images, '),  # true of all frames, so it is told once
    ):
        process = infer(tmp_path, *raw, *options, '--overwrite')
        output, errors = process.communicate(frames.tobytes(), timeout=60)
        assert process.returncode == 1 and words in output
        assert errors.count(b'error: standard input#0: pixels are') == 1
        assert errors.count(b'error: ') == 1


@pytest.mark.parametrize(
    ('reading', 'message'),
    [
        (dict(), 'say what its frames are'),
        (dict(raw='64x48'), 'give WIDTHxHEIGHTxTYPE'),
        (dict(raw='0x48xuint8'), 'give WIDTHxHEIGHTxTYPE'),
        (dict(raw='-1x48xuint8'), 'give WIDTHxHEIGHTxTYPE'),
        (dict(raw='64x48xuint64'), 'give WIDTHxHEIGHTxTYPE'),
        (dict(raw='99999x99999xuint8'), 'raw=99999x.*: too large'),
        (dict(raw='64x48xuint8', max_pixels=9), 'too large, 3072 pixels'),
        (dict(on_late='skip'), 'on_late=.*give one of'),
        (dict(gray_range_from='last'), 'gray_range_from=.*give one of'),
    ],
)
def test_wrong_readings(reading, message):
    with pytest.raises(ValueError, match=message):
        SIRSTInferencer(FakeSegmentor(), **reading).stream('-')


@pytest.fixture
def camera(monkeypatch):
    """Camera 3 gives five frames; there is no other one."""

    class Camera:
        def __init__(self, number):
            self.left = 5 if number == 3 else 0

        def get(self, _):
            return 0.0

        def read(self):
            self.left -= 1
            return self.left >= 0, np.zeros((4, 5, 3), np.uint8)

        def release(self):
            pass

    monkeypatch.setattr(cv2, 'VideoCapture', Camera)


@pytest.mark.parametrize('given', [3, '3'])
def test_cameras_have_numbers(camera, given):
    inputs = Inputs(given)
    assert inputs.count() is None
    *frames, end = inputs
    assert end.message == 'camera 3: ended after 5 frames'
    assert [f.name for f in frames] == [f'camera3/{i:06d}' for i in range(5)]
    assert frames[0].source == 'camera 3' and frames[0].fps == 25
    (failure,) = Inputs(4)
    assert failure.message.startswith('camera 4: no frame came')


def test_a_camera_of_16_bits(monkeypatch):
    """OpenCV makes 8 of them if it is not told otherwise."""
    values = {cv2.CAP_PROP_FOURCC: cv2.VideoWriter_fourcc(*'Y16 ')}

    class Camera:
        def __init__(self, _):
            self.frames = [scene(0), scene(1)]
            self.settings = {}

        def get(self, name):
            return values.get(name, -1.0)

        def set(self, name, value):
            self.settings[name] = value

        def read(self):
            if not self.frames:
                return False, None
            image = self.frames.pop(0)
            if self.settings.get(cv2.CAP_PROP_CONVERT_RGB, 1):
                image = cv2.cvtColor(np.uint8(image >> 8), cv2.COLOR_GRAY2BGR)
            return True, image

        def release(self):
            pass

    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    *frames, _ = Inputs(0, reading=Reading((7400, 8900)))
    assert [f.fps for f in frames] == [25, 25]
    assert (frames[1].image == scene(1)).all()


@pytest.fixture
def server(tmp_path):
    """The address of a folder, and of a camera that stops, or is silent."""
    done = threading.Event()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path not in ('/stops', '/silent'):
                return super().do_GET()
            self.send_response(200)
            kind = 'multipart/x-mixed-replace; boundary=frame'
            self.send_header('Content-Type', kind)
            self.end_headers()
            image = cv2.imencode('.jpg', np.zeros((48, 64), np.uint8))[1]
            for _ in range(8):
                head = f'Content-Length: {image.size}'.encode()
                parts = b'--frame', b'Content-Type: image/jpeg', head, b''
                self.wfile.write(b'\r\n'.join((*parts, image.tobytes(), b'')))
            if self.path == '/silent':
                done.wait(60)

    handler = functools.partial(Handler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f'127.0.0.1:{found.server_port}'
        done.set()
        found.shutdown()


def test_addresses(server, tmp_path):
    write_video(tmp_path / 'flight.avi', 6)
    url = f'http://me:secret@{server}/flight.avi'
    with pytest.raises(ValueError, match='--allow-network') as error:
        Inputs(url)
    assert 'secret' not in str(error.value)
    with pytest.raises(ValueError, match='gopher:// is not read'):
        Inputs('gopher://x', reading=Reading(allow_network=True))
    frames = list(Inputs(url, reading=Reading(allow_network=True)))
    assert [frame.index for frame in frames] == list(range(6))
    assert frames[0].source == f'http://{server}/flight.avi'
    assert frames[0].name == '127.0.0.1/000000'


@pytest.mark.parametrize('address', ['stops', 'silent'])
def test_cameras_that_end(server, address, monkeypatch):
    if address == 'silent':
        pytest.importorskip('av')
        monkeypatch.setattr(video, 'SILENCE', 1.0)
    url = f'http://{server}/{address}'
    *frames, end = Inputs(url, reading=Reading(allow_network=True))
    assert len(frames) > 3
    assert end.message == f'{url}: ended after {len(frames)} frames'
