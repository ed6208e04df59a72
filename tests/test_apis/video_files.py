"""Videos of noise."""

import cv2
import numpy as np
import pytest


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
