"""Reading infrared images and binary target masks."""

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations

from fdep_mm.core.gray import (
    GrayRange,
    check_gray_range,
    gray_limits,
    to_float,
)
from fdep_mm.core.image import MAX_PIXELS, decode_pages, unreadable
from fdep_mm.core.masks import read_mask
from fdep_mm.registry import TRANSFORMS

from .base import ShowsArguments


@TRANSFORMS.register_module()
class LoadInfraredImage(ShowsArguments, LoadImageFromFile):
    """Read an 8- or 16-bit image as float32 (H, W, 3) in 0..255.

    Gray becomes three equal channels, a palette becomes its colors, an alpha
    channel is dropped. Infrared is one band, and the color cast of some public
    files (a third of NUAA-SIRST's are not exactly gray) is an artifact, so
    color becomes gray by default.

    Args:
        gray_range (str | tuple): Values of the file that become 0 and 255,
            such as (0, 16383) for 14-bit data in a 16-bit file; 'minmax' or
            ('percentile', p, q) of each image; 'dtype', 0 to 255 or to 65535.
            Others are clipped.
        gray (bool): Turn color into three equal channels of luminance. With
            False, colors stay BGR; the data preprocessor reverses them.
        to_float32 (bool): With False, round to uint8: what mmcv's loader makes
            of 8-bit files.
        max_pixels (int): Larger files are not decoded.
        backend_args (dict, optional): File backend, see
            :func:`mmengine.fileio.get`.

    Raises:
        UnreadableFileError: The file cannot be read or decoded.
        ValueError: It is neither 8- nor 16-bit, or there is an image already.
    """

    def __init__(
        self,
        gray_range: GrayRange = 'dtype',
        gray: bool = True,
        to_float32: bool = True,
        max_pixels: int = MAX_PIXELS,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(
            to_float32=to_float32,
            color_type='unchanged',  # mmcv would make 16 bits 8
            imdecode_backend='cv2',
            backend_args=backend_args,
        )
        self.gray_range = check_gray_range(gray_range)
        self.gray = gray
        self.max_pixels = max_pixels

    def transform(self, results: dict) -> dict:
        """Fill ``img``, ``img_shape`` and ``ori_shape`` from ``img_path``."""
        path = results['img_path']
        if 'img' in results:
            raise ValueError(
                f'{path}: has its image already, as synthetic data sets do: '
                'take LoadInfraredImage out of the pipeline'
            )
        try:
            content = fileio.get(path, backend_args=self.backend_args)
        except OSError as error:
            raise unreadable(path, 'image', error) from error
        image = decode_pages(content, path, self.max_pixels)[0]
        limits = gray_limits(image, self.gray_range, path)
        image = to_float(image, limits, self.gray)
        if not self.to_float32:
            image = np.rint(image).astype(np.uint8)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results


@TRANSFORMS.register_module()
class LoadSIRSTMask(ShowsArguments, LoadAnnotations):
    """Read a mask of values {0, 1} or {0, 255} as uint8 (H, W) {0, 1}.

    See :func:`fdep_mm.core.masks.read_mask` for the files that are accepted.
    Results without ``seg_map_path`` (images without masks) pass unchanged.

    Args:
        threshold (float, optional): Take every value above it as target, for
            copies with antialiased or JPEG-compressed masks. Without it such
            files are an error.
        at_file_size (bool): For a test that resizes images before: the mask
            has the size of the image's file, as predictions have.
        backend_args (dict, optional): File backend, see
            :func:`mmengine.fileio.get`.

    Raises:
        UnreadableFileError: The file cannot be read or decoded.
        ValueError: It holds other values, or its size is not the image's.
    """

    def __init__(
        self,
        threshold: float | None = None,
        at_file_size: bool = False,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(backend_args=backend_args)
        self.threshold = threshold
        self.at_file_size = at_file_size

    def _load_seg_map(self, results: dict) -> None:
        if 'seg_map_path' not in results:
            return
        path = results['seg_map_path']
        shape = results['img'].shape[:2] if 'img' in results else None
        if self.at_file_size:
            shape = results.get('ori_shape')
        mask = read_mask(path, self.threshold, self.backend_args, shape)
        results['gt_seg_map'] = mask
        results['seg_fields'].append('gt_seg_map')
