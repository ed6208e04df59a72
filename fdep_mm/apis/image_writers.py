"""Masks, probabilities and pictures as files."""

import os
from pathlib import Path

import cv2
import numpy as np

from fdep_mm.core.splits import leaves_root
from fdep_mm.core.whole import write_whole

from .draw import draw_prediction
from .results import Prediction
from .video import count_frames


def _below(folder: Path, name: str) -> Path:
    """A path in a folder, of a name that a caller may have chosen."""
    if leaves_root(name):
        raise ValueError(f'name {name!r} leads out of {folder}: change it')
    return folder / name


class _PngWriter:
    """One PNG file per image, ``FOLDER/NAME.png``."""

    folder: str

    def __init__(self, out_dir: Path) -> None:
        self.out_dir = out_dir / self.folder

    def add(self, prediction: Prediction) -> None:
        """Write the file of an image."""
        self._write(prediction.name, self._picture(prediction))

    def _write(self, name: str, picture: np.ndarray) -> None:
        # not imwrite: that hides why a file could not be written
        content = cv2.imencode('.png', picture)[1].tobytes()
        path = _below(self.out_dir, f'{name}.png')
        write_whole(path, content, 'run again', flush=False)

    def _picture(self, prediction: Prediction) -> np.ndarray:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is left to do."""


class MaskWriter(_PngWriter):
    """Masks of {0, 255}."""

    folder = 'masks'

    def _picture(self, prediction: Prediction) -> np.ndarray:
        return np.where(prediction.mask, np.uint8(255), np.uint8(0))


class ProbWriter(_PngWriter):
    """Probabilities, 16-bit: 65535 is 1. ``eval_pngs.py`` reads them."""

    folder = 'probs'

    def _picture(self, prediction: Prediction) -> np.ndarray:
        return np.rint(prediction.prob * np.float32(65535)).astype(np.uint16)


class OverlayWriter(_PngWriter):
    """Pictures of images, and one MP4 file of each video."""

    folder = 'overlays'

    def __init__(self, out_dir: Path) -> None:
        super().__init__(out_dir)
        # OpenCV wants the suffix, and cannot encode all names
        self.part = self.out_dir / 'part.mp4'
        self.path: Path | None = None
        self.video: cv2.VideoWriter | None = None
        self.frames = 0

    def add(self, prediction: Prediction) -> None:
        """Write the picture of an image, or append a frame."""
        picture = draw_prediction(prediction)[..., ::-1]
        if prediction.index is None:
            self._write(prediction.name, picture)
            return
        # the frames of VIDEO are called VIDEO/000000, ...
        video = prediction.name.rpartition('/')[0]
        path = _below(self.out_dir, f'{video}.mp4')
        if path != self.path:
            self._open(path, picture.shape[:2], prediction.fps)
        self.video.write(np.ascontiguousarray(picture))
        self.frames += 1

    def _open(self, path: Path, shape: tuple[int, int], fps: float) -> None:
        self.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        codec = cv2.VideoWriter_fourcc(*'mp4v')
        video = cv2.VideoWriter(str(self.part), codec, fps or 25, shape[::-1])
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
        found = count_frames(self.part)  # OpenCV tells of no full disk
        if found == self.frames:
            os.replace(self.part, path)
            return
        self.part.unlink(missing_ok=True)
        raise OSError(
            f'{path}: only {found} of {self.frames} frames could be written; '
            'make space or choose another folder'
        )
