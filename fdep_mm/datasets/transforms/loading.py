"""Reading infrared images and binary target masks."""

import io
from numbers import Real

import cv2
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from fdep_mm.image import to_float
from fdep_mm.registry import TRANSFORMS


class UnreadableFileError(ValueError):
    """A file of a data set is gone, damaged or of another type."""


@TRANSFORMS.register_module()
class LoadInfraredImage(LoadImageFromFile):
    """Read an 8- or 16-bit image as float32 (H, W, 3) in 0..255.

    Grey becomes three equal channels, a palette becomes its colours, an
    alpha channel is dropped. Infrared is one band, and the colour cast of
    some public files (a third of NUAA-SIRST's are not exactly grey) is an
    artefact, so colour becomes grey unless told otherwise.

    Args:
        max_value (float, optional): Value of the file that becomes 255, such
            as 16383 for 14-bit data in a 16-bit file. Larger values are
            clipped. Defaults to None: 255 for 8-bit and 65535 for 16-bit
            files.
        grey (bool): Turn colour into three equal channels of luminance.
            With False, colours stay, in OpenCV's order (BGR), which the
            data preprocessor turns round. Defaults to True.
        backend_args (dict, optional): File backend, see
            :func:`mmengine.fileio.get`.

    Raises:
        UnreadableFileError: The file cannot be read or decoded.
        ValueError: It is neither 8- nor 16-bit.
    """

    def __init__(
        self,
        max_value: float | None = None,
        grey: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        if max_value is not None and (
            not isinstance(max_value, Real) or max_value <= 0
        ):
            raise ValueError(
                f'max_value={max_value!r}: give a positive number, or None '
                'for the full range of the file type'
            )
        super().__init__(
            color_type='unchanged',
            imdecode_backend='cv2',
            backend_args=backend_args,
        )
        self.max_value = max_value
        self.grey = grey

    def transform(self, results: dict) -> dict:
        """Fill ``img``, ``img_shape`` and ``ori_shape`` from ``img_path``."""
        path = results['img_path']
        try:
            results = super().transform(results)
        except (AssertionError, cv2.error, OSError) as error:
            raise _unreadable(path, 'image', error) from error
        results['img'] = to_float(
            results['img'], self.max_value, self.grey, path
        )
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(max_value={self.max_value}, '
            f'grey={self.grey}, backend_args={self.backend_args})'
        )


@TRANSFORMS.register_module()
class LoadSIRSTMask(LoadAnnotations):
    """Read a mask of values {0, 1} or {0, 255} as uint8 (H, W) {0, 1}.

    Grey, palette and colour files with equal channels are accepted; alpha
    is dropped. A palette whose colours are black and white counts by
    colour, any other by index. Results without ``seg_map_path`` (images
    without masks) pass unchanged.

    Args:
        threshold (float, optional): Take every value above it as target,
            for copies with antialiased or JPEG-compressed masks. Defaults
            to None: such files are an error.
        backend_args (dict, optional): File backend, see
            :func:`mmengine.fileio.get`.

    Raises:
        UnreadableFileError: The file cannot be read or decoded.
        ValueError: It holds other values, or its size is not the image's.
    """

    def __init__(
        self,
        threshold: float | None = None,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(backend_args=backend_args)
        self.threshold = threshold

    def _load_seg_map(self, results: dict) -> None:
        if 'seg_map_path' not in results:
            return
        path = results['seg_map_path']
        values = self._decode(path)
        if self.threshold is None:
            _check_binary(values, path)
            mask = values > 0
        else:
            mask = values > self.threshold
        img = results.get('img')
        if img is not None and img.shape[:2] != mask.shape:
            raise ValueError(
                f'image {results["img_path"]} is {_size(img)} but its mask '
                f'{path} is {_size(mask)}: replace one of the files or take '
                'the id out of the split'
            )
        results['gt_seg_map'] = mask.astype(np.uint8)
        results['seg_fields'].append('gt_seg_map')

    def _decode(self, path: str) -> np.ndarray:
        try:
            content = fileio.get(path, backend_args=self.backend_args)
            with Image.open(io.BytesIO(content)) as image:
                values = np.array(image)
                if image.mode == 'P':
                    colours = np.array(image.convert('RGB'))
                    values = colours if _is_binary(colours) else values
        except (OSError, SyntaxError) as error:  # Pillow raises both
            raise _unreadable(path, 'mask', error) from error
        values = values.reshape(*values.shape[:2], -1)
        if values.shape[-1] in (2, 4):
            values = values[..., :-1]
        if (values != values[..., :1]).any():
            raise ValueError(
                f'{path}: colour mask whose channels differ. Store it as one '
                'channel of values {0, 1} or {0, 255}'
            )
        return values[..., 0]

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(threshold={self.threshold}, '
            f'backend_args={self.backend_args})'
        )


def _unreadable(path: str, kind: str, error: Exception) -> Exception:
    # Pillow's for what is no picture has no number
    if isinstance(error, OSError) and error.errno is not None:
        problem = f'the {kind} cannot be read ({error.strerror})'
    else:
        problem = (
            f'not a readable {kind}, the file is damaged or of another type'
        )
    return UnreadableFileError(
        f'{path}: {problem}. Replace it or take its id out of the split'
    )


def _is_binary(values: np.ndarray) -> bool:
    white = values.max(initial=0)
    two = (values == 0) | (values == white)
    return bool(white in (0, 1, 255) and two.all())


def _check_binary(values: np.ndarray, path: str) -> None:
    if _is_binary(values):
        return
    found = np.unique(values).tolist()
    more = f', ... ({len(found)} values)' if len(found) > 8 else ''
    raise ValueError(
        f'{path}: mask values must be {{0, 1}} or {{0, 255}}, found '
        f'{", ".join(map(str, found[:8]))}{more}. Fix the file, or set '
        'LoadSIRSTMask(threshold=127) if larger values mean target'
    )


def _size(array: np.ndarray) -> str:
    return f'{array.shape[1]}x{array.shape[0]} (width x height)'
