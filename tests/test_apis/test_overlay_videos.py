"""Videos of overlays."""

import json
import os

import cv2
import numpy as np
import pytest
from child_processes import run_python
from fake_backends import FakeSegmentor

from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.image_writers import OverlayWriter
from fdep_mm.apis.results import Prediction
from fdep_mm.apis.video import count_frames


def test_one_for_each_video(tmp_path):
    segment = SIRSTInferencer(FakeSegmentor(0), show_progress=False)
    code = cv2.VideoWriter_fourcc(*'MJPG')
    for name in ('a', 'b'):
        path = str(tmp_path / f'{name}.avi')
        writer = cv2.VideoWriter(path, code, 10, (33, 21))
        for _ in range(4):
            writer.write(np.zeros((21, 33, 3), np.uint8))
        writer.release()
    videos = [tmp_path / f'{name}.avi' for name in 'ab']
    segment(videos, 3, out_dir=tmp_path / 'o', outputs=['overlay', 'json'])
    assert sorted(os.listdir(tmp_path / 'o/overlays')) == ['a.mp4', 'b.mp4']
    for name in 'ab':
        video = cv2.VideoCapture(str(tmp_path / f'o/overlays/{name}.mp4'))
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    content = json.loads((tmp_path / 'o/predictions.json').read_text())
    assert [i['frame'] for i in content['images']] == [0, 1, 2, 3] * 2


def frame(number, shape=(21, 33), fps=10.0):
    return Prediction(
        *(f'a/{number:06d}', 'a', np.zeros(shape, np.uint8), [], 0.5),
        index=number,
        fps=fps,
    )


def test_a_video_whose_frames_change_their_size(tmp_path):
    writer = OverlayWriter(tmp_path)
    for number, shape in enumerate([(21, 33)] * 2 + [(33, 21)] * 3):
        writer.add(frame(number, shape))
    writer.close()
    counts = {
        str(path.relative_to(tmp_path)): count_frames(path)
        for path in tmp_path.rglob('*.mp4')
    }
    assert counts == {'overlays/a.mp4': 2, 'overlays/a/000002.mp4': 3}


@pytest.mark.parametrize(
    ('fps', 'kept'), [(90000.0, 25), (-1.0, 25), (None, 25), (12.5, 12.5)]
)
def test_frame_rates(tmp_path, fps, kept):
    """Some cameras give that of their clock."""
    writer = OverlayWriter(tmp_path)
    writer.add(frame(0, fps=fps))
    writer.close()
    video = cv2.VideoCapture(str(tmp_path / 'overlays/a.mp4'))
    assert video.get(cv2.CAP_PROP_FPS) == kept


FULL_DISK = """
import resource, sys
# importing them takes seconds
sys.modules.update(torch=None, mmengine=None, mmcv=None)
sys.path[:0] = {paths}
import numpy as np
from fake_backends import FakeSegmentor
from fdep_mm.apis import SIRSTInferencer
run = SIRSTInferencer(FakeSegmentor(0), show_progress=False)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
try:
    run({video!r}, out_dir={out!r}, outputs=['overlay', 'json'])
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == 'nt', reason='needs limits of a process')
def test_full_disk_leaves_no_broken_video(repo, tmp_path):
    code = cv2.VideoWriter_fourcc(*'MJPG')
    path = tmp_path / 'a.avi'
    writer = cv2.VideoWriter(str(path), code, 10, (64, 48))
    rng = np.random.default_rng(0)
    for _ in range(8):
        writer.write(rng.integers(0, 100, (48, 64, 3), np.uint8))
    writer.release()
    out = tmp_path / 'out'
    paths = [str(repo), str(repo / 'tests/test_apis')]
    script = FULL_DISK.format(paths=paths, video=str(path), out=str(out))
    result = run_python('-B', '-c', script)  # no half-written bytecode
    assert result.returncode == 0, result.stderr
    assert 'a.mp4: only 0 of 8 frames could be written' in result.stdout
    assert list((out / 'overlays').iterdir()) == []
    content = json.loads((out / 'predictions.json').read_text())
    assert len(content['images']) == 8
