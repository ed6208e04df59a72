"""Masks, probabilities and pictures as files."""

import os
from pathlib import Path

import cv2
import numpy as np

from fdep_mm.core.gray import to_float
from fdep_mm.core.image import enlarge, least_scale, write_png

from .outputs import FOLDERS
from .results import Prediction
from .video import count_frames

COLOR = (0, 200, 255)  # RGB
MIN_SIDE = 512  # smaller images are enlarged by a whole factor, px
MARGIN = 3  # between a target and its box, so that it stays visible, px
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_prediction(prediction: Prediction) -> np.ndarray:
    """Mark the targets with boxes and their scores, (H', W', 3) uint8, RGB.

    The picture is as bright as what the network got; a line below says what
    became black and white, where that is not 0 and 255.
    """
    canvas = to_float(prediction.image, prediction.limits)
    canvas = np.rint(canvas).astype(np.uint8)
    scale = least_scale(prediction.shape, MIN_SIDE)
    canvas = enlarge(canvas, scale)
    for target in prediction.targets:
        x1, y1, x2, y2 = (round(edge * scale) for edge in target.box)
        low, high = (x1 - MARGIN, y1 - MARGIN), (x2 + MARGIN, y2 + MARGIN)
        cv2.rectangle(canvas, low, high, COLOR, 1)
        place = (low[0], low[1] - 4 if low[1] > 16 else high[1] + 14)
        text = f'{target.score:.2f}'
        cv2.putText(canvas, text, place, FONT, 0.4, COLOR, 1, cv2.LINE_AA)
    if prediction.limits != (0, 255):
        low, high = prediction.limits
        text, place = f'gray {low:g} to {high:g}', (4, len(canvas) - 6)
        cv2.putText(canvas, text, place, FONT, 0.4, COLOR, 1, cv2.LINE_AA)
    return canvas


class ImageWriter:
    """Writes a PNG file for each image, ``FOLDER/NAME.png``.

    Args:
        kind (str): 'mask': {0, 255}; 'prob': 16 bits, 65535 is 1;
            'overlay': pictures, see :func:`.draw_prediction`.
    """

    def __init__(self, out_dir: Path, kind: str) -> None:
        self.folder = out_dir / FOLDERS[kind]
        self.kind = kind

    def add(self, prediction: Prediction) -> None:
        """Write the file of an image."""
        if self.kind == 'mask':
            pixels = np.where(prediction.mask, np.uint8(255), np.uint8(0))
        elif self.kind == 'prob':
            scaled = prediction.prob * np.float32(65535)
            pixels = np.rint(scaled).astype(np.uint16)
        else:
            pixels = draw_prediction(prediction)[..., ::-1]
        write_png(self.folder / f'{prediction.name}.png', pixels)

    def close(self) -> None:
        """Nothing is left to do."""


class OverlayWriter(ImageWriter):
    """Writes pictures of images, and one MP4 file for each video.

    Where the size of its frames changes another file begins, which is called
    like the first frame in it, ``VIDEO/000123.mp4``.
    """

    def __init__(self, out_dir: Path) -> None:
        super().__init__(out_dir, 'overlay')
        # OpenCV wants the suffix, and cannot encode all names
        self.part = self.folder / 'part.mp4'
        self.path: Path | None = None
        self.current: tuple[str, tuple[int, int]] = ('', (0, 0))
        self.video: cv2.VideoWriter | None = None
        self.frames = 0

    def add(self, prediction: Prediction) -> None:
        """Write the picture of an image, or append a frame."""
        if prediction.index is None:
            super().add(prediction)
            return
        picture = draw_prediction(prediction)[..., ::-1]
        # the frames of VIDEO are called VIDEO/000000, ...
        name, shape = prediction.name.rpartition('/')[0], picture.shape[:2]
        if (name, shape) != self.current:
            file = prediction.name if name == self.current[0] else name
            self._open(self.folder / f'{file}.mp4', shape, prediction.fps)
            self.current = name, shape
        self.video.write(np.ascontiguousarray(picture))
        self.frames += 1

    def _open(
        self, path: Path, shape: tuple[int, int], fps: float | None
    ) -> None:
        self.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        codec = cv2.VideoWriter_fourcc(*'mp4v')
        # some cameras give -1, or their clock, 90000: MPEG-4 holds neither
        fps = fps if fps and 0 < fps <= 1000 else 25
        video = cv2.VideoWriter(str(self.part), codec, fps, shape[::-1])
        if not video.isOpened():
            raise OSError(
                f'{path}: OpenCV cannot write it; choose another folder, or '
                "leave 'overlay' out of the outputs"
            )
        self.path, self.video, self.frames = path, video, 0

    def close(self) -> None:
        """Finish the video; OSError if it is not whole on the disk."""
        if self.video is None:
            return
        self.video.release()
        path, self.path, self.video = self.path, None, None
        found = count_frames(self.part)  # OpenCV does not tell of a full disk
        if found == self.frames:
            os.replace(self.part, path)
            return
        self.part.unlink(missing_ok=True)
        raise OSError(
            f'{path}: only {found} of {self.frames} frames could be written; '
            'make space or choose another folder'
        )
