"""Exported networks, run by onnxruntime without torch and MMEngine."""

import os
from pathlib import Path

import cv2
import numpy as np

from .backend import NOT_FINITE
from .card import TASKS, ModelCard
from .postprocess import detections

try:
    import onnxruntime as ort
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'running ONNX files needs onnxruntime: pip install onnxruntime',
        name=error.name,
    ) from error

PROVIDERS = {
    'cpu': 'CPUExecutionProvider',
    'cuda': 'CUDAExecutionProvider',
    'tensorrt': 'TensorrtExecutionProvider',
}


def open_session(
    source: str | Path | bytes,
    device: str | None = None,
    threads: int | None = None,
) -> ort.InferenceSession:
    """Open any ONNX file; errors are those of :class:`OnnxBackend`."""
    name = 'the model'
    if not isinstance(source, bytes):
        name = source = str(source)
        if not Path(name).is_file():
            raise FileNotFoundError(f'{name}: no such file')
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only
    if threads is None and hasattr(os, 'sched_getaffinity'):
        # onnxruntime starts one for each core, also for those of others
        allowed = len(os.sched_getaffinity(0))
        threads = allowed if allowed < os.cpu_count() else None
    options.intra_op_num_threads = threads or 0  # 0: its own choice
    provider = _provider(device or 'cpu')
    try:
        session = ort.InferenceSession(source, options, providers=[provider])
    except Exception as error:  # onnxruntime's own have no common base
        raise ValueError(
            f'{name}: damaged or no ONNX file for onnxruntime '
            f'{ort.__version__}; export it again. ({error})'
        ) from error
    # where libraries are missing it falls back to the CPU
    if session.get_providers()[0] != provider[0]:
        raise ValueError(
            f'device={device!r}: onnxruntime cannot load {provider[0]}; '
            'install the libraries that it needs (CUDA, cuDNN; TensorRT), or '
            f'{_way_out(device)}'
        )
    return session


def _provider(device: str) -> tuple[str, dict]:
    kind, _, index = device.partition(':')
    if kind not in PROVIDERS:
        raise ValueError(
            f"device={device!r}: give 'cpu', 'cuda', 'cuda:N', 'tensorrt' or "
            "'tensorrt:N'"
        )
    provider = PROVIDERS[kind]
    if provider not in ort.get_available_providers():
        raise ValueError(
            f'device={device!r}: this onnxruntime has no {provider}; install '
            f'onnxruntime-gpu, or {_way_out(device)}'
        )
    return provider, {} if kind == 'cpu' else {'device_id': index or '0'}


def _way_out(device: str) -> str:
    is_runtime = device.startswith('tensorrt')
    return 'leave tensorrt out' if is_runtime else "use device='cpu'"


class OnnxBackend:
    """A network in an ONNX file of ours; see :class:`.backend.Backend`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not an ONNX file or not one of ours, does not fit
            its card, or the device is not available.
    """

    def __init__(
        self,
        file: str | Path | bytes,
        device: str | None = None,
        threads: int | None = None,
    ):
        self.name = 'the model' if isinstance(file, bytes) else str(file)
        self.file = None if isinstance(file, bytes) else file
        self.session = open_session(file, device, threads)
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.card = ModelCard.from_metadata(metadata, self.name)
        self.task = self.card.task
        values = (*self.session.get_inputs(), *self.session.get_outputs())
        found = [f'{value.name}: {value.type}' for value in values]
        names = 'images', *TASKS[self.task]
        if found != [f'{name}: tensor(float)' for name in names]:
            raise ValueError(f'{self.name}: {self._misfit(found)}')
        # resized images have no fixed relation to the network's grid
        self.stride = self.card.stride if self.card.resize is None else 1
        self.threshold = self.card.threshold
        self.gray_range = self.card.gray_range
        self.gray = self.card.gray

    def __call__(self, images: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """See :meth:`.backend.Backend.__call__`."""
        if images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(f'images: give (N, H, W, 3), got {images.shape}')
        height, width = images.shape[1:3]
        if self.task == 'segmentation':
            (prob,) = self._run(images)
            return prob[:, 0, :height, :width]
        if self.card.whole_numbers:
            images = np.rint(images).astype(np.uint8)
        images = fit(images, self.card.resize)
        shape = images.shape[1:3]
        x, y = shape[1] / width, shape[0] / height
        limits = np.float32((width, height, width, height))
        found = []
        maps = self._run(images)
        # post-processing would drop NaN
        if not all(np.isfinite(values).all() for values in maps[1:]):
            raise ValueError(f'{self.name}: {NOT_FINITE}')
        for cells in zip(*maps, strict=True):
            rows = detections(*cells, shape, self.card.nms)
            boxes = (rows[:, :4] / np.float32((x, y, x, y))).clip(0, limits)
            found.append(np.column_stack([boxes, rows[:, 4]]))
        return found

    def _run(self, images: np.ndarray) -> list[np.ndarray]:
        batch = pad(images, self.card.stride, self.card.pad_value)
        try:
            maps = self.session.run(None, {'images': batch})
        except Exception as error:
            raise ValueError(
                f'{self.name}: the network failed on images of '
                f'{images.shape[1]}x{images.shape[2]} px (height x width); '
                f'try larger ones. ({error})'
            ) from error
        shapes = [values.shape for values in maps]
        channels = TASKS[self.task].values()
        if self.task == 'segmentation':
            expected = [(len(batch), c, *batch.shape[2:]) for c in channels]
        else:
            cells = shapes[0][1:2]
            expected = [(len(batch), *cells, c) for c in channels]
        if shapes != expected:
            raise ValueError(f'{self.name}: {self._misfit(shapes)}')
        return maps

    def _misfit(self, found: list) -> str:
        return (
            f'the network does not fit its card, which says {self.task}: it '
            f'has {found}. Export it again (tools/deployment/export_onnx.py)'
        )


def pad(
    images: np.ndarray, stride: int, value: tuple[float, ...]
) -> np.ndarray:
    """Pad (N, H, W, C) below and right to multiples of `stride` px.

    Returns (N, C, H', W') float32, contiguous.
    """
    number, height, width, channels = images.shape
    shape = -(-height // stride) * stride, -(-width // stride) * stride
    out = np.empty((number, channels, *shape), np.float32)
    if shape != (height, width):
        out[:] = np.reshape(value, (-1, 1, 1))
    out[:, :, :height, :width] = images.transpose(0, 3, 1, 2)
    return out


def fit(images: np.ndarray, limits: tuple[int, int] | None) -> np.ndarray:
    """Scale images (N, H, W, C) to fit two sides, as mmcv's Resize does."""
    if limits is None:
        return images
    sides = images.shape[1:3]
    scale = min(max(limits) / max(sides), min(limits) / min(sides))
    height, width = (int(side * scale + 0.5) for side in sides)
    return np.stack([cv2.resize(img, (width, height)) for img in images])
