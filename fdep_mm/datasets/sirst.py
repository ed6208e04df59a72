"""Mask-annotated SIRST data sets: a split file, images and binary masks."""

import logging
import os.path as osp
from collections import Counter
from collections.abc import Sequence

import torch
from mmengine import fileio
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from fdep_mm.core.choices import check_choice
from fdep_mm.core.image import UnreadableFileError
from fdep_mm.core.splits import decode_ids, leaves_root
from fdep_mm.core.suffixes import (
    IMAGE_SUFFIXES,
    as_tuple,
    strip_suffix,
)
from fdep_mm.core.text import some
from fdep_mm.registry import DATASETS

from .folders import Folder

# Folders: what their files are called, and the argument of the suffix.
FOLDERS = dict(
    img_path=('image', 'img_suffix, '),
    seg_map_path=('mask', 'seg_map_suffix, '),
    ann_path=('box file', ''),
)


@DATASETS.register_module()
class SIRSTDataset(BaseSegDataset):
    """Infrared small targets with one binary mask per image.

    NUAA-SIRST, NUDT-SIRST, IRSTD-1K and SIRST-V2 are configs of this class.
    All file names are checked at the start.

    Args:
        ann_file (str): Split file, one id per line, relative to
            ``data_root``. Empty: all images of the image folder, sorted; a
            warning names the files that are none.
        img_suffix (str | Sequence[str]): Suffix of the image files, in upper
            or lower case; the first that exists is taken.
        seg_map_suffix (str | Sequence[str]): The same for the masks, such as
            ``'_pixels0.png'`` for SIRST-V2.
        data_prefix (dict): Folders ``img_path`` and ``seg_map_path``,
            relative to ``data_root``. Leave ``seg_map_path`` out for images
            without masks.
        on_error (str): 'raise', or in training 'skip': images or masks that
            cannot be read are logged and replaced by random others.
            ``unreadable``, uint8 (N,), marks them, in all workers;
            :class:`fdep_mm.engine.UnreadableImagesHook` counts them.
        **kwargs: Arguments of :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        FileNotFoundError: The split file, a folder, an image or a mask does
            not exist.
        ValueError: The split file or image folder is empty or not readable,
            an id leaves its folder or comes twice, or errors are to be
            skipped in a test.
    """

    METAINFO = dict(
        classes=('background', 'target'), palette=[[0, 0, 0], [255, 255, 255]]
    )
    PREFIX = dict(img_path='images', seg_map_path='masks')

    def __init__(
        self,
        ann_file: str = '',
        img_suffix: str | Sequence[str] = IMAGE_SUFFIXES,
        seg_map_suffix: str | Sequence[str] = IMAGE_SUFFIXES,
        data_prefix: dict | None = None,
        on_error: str = 'raise',
        **kwargs,
    ) -> None:
        check_choice('on_error', on_error, ('raise', 'skip'))
        if on_error == 'skip' and kwargs.get('test_mode', False):
            text = "on_error='skip' is for training: a test scores all images"
            raise ValueError(text)
        self.on_error = on_error
        self.unreadable: torch.Tensor | None = None
        super().__init__(
            ann_file=ann_file,
            img_suffix=as_tuple(img_suffix),
            seg_map_suffix=as_tuple(seg_map_suffix),
            data_prefix=data_prefix or self.PREFIX,
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """List one dict per image, with every path checked."""
        ids = self._read_split() if self.ann_file else self._list_images()
        images = self._find_all(ids, 'img_path', self.img_suffix)
        data_list = [
            dict(
                img_id=strip_suffix(image_id),
                img_path=image,
                label_map=self.label_map,
                reduce_zero_label=self.reduce_zero_label,
                seg_fields=[],
            )
            for image_id, image in zip(ids, images, strict=True)
        ]
        if 'seg_map_path' in self.data_prefix:
            masks = self._find_all(ids, 'seg_map_path', self.seg_map_suffix)
            for info, mask in zip(data_list, masks, strict=True):
                info['seg_map_path'] = mask
        if self.on_error == 'skip':
            # shared: what workers mark, the main process sees
            marks = torch.zeros(len(data_list), dtype=torch.uint8)
            self.unreadable = marks.share_memory_()
        return data_list

    def prepare_data(self, idx: int) -> dict | None:
        """Load image ``idx``; None where it is skipped for another one."""
        try:
            return super().prepare_data(idx)
        except UnreadableFileError as error:
            if self.unreadable is None:
                raise
            self.unreadable[idx] = 1
            print_log(f'skipped: {error}', 'current', logging.WARNING)
            return None

    def _read_split(self) -> list[str]:
        if not fileio.isfile(self.ann_file, backend_args=self.backend_args):
            raise FileNotFoundError(
                f'split file {self.ann_file!r} does not exist: set data_root '
                f'(now {self.data_root!r}) and ann_file, or leave that empty '
                'to read all images'
            )
        content = fileio.get(self.ann_file, backend_args=self.backend_args)
        ids = decode_ids(content, self.ann_file)
        if not ids:
            text = f'split file {self.ann_file!r} lists no image: add ids'
            raise ValueError(text)
        times = Counter(map(strip_suffix, ids))
        if repeated := [name for name in times if times[name] > 1]:
            raise ValueError(
                f'split file {self.ann_file!r} lists {len(repeated)} images '
                f'more than once: {some(repeated)}. Remove the repetitions'
            )
        if outside := [i for i in ids if leaves_root(i)]:
            raise ValueError(
                f'split file {self.ann_file!r} has ids that leave the data '
                f'set: {some(outside)}. Make them relative to its images'
            )
        return ids

    def _list_images(self) -> list[str]:
        folder = self._folder('img_path', self.img_suffix)
        ids = folder.ids()
        taken = {folder.find(image_id)[0][0] for image_id in ids}
        if not ids:
            raise ValueError(
                f'image folder {folder.path!r} has no image: set img_suffix '
                f'(now {self.img_suffix})'
            )
        if left_out := [name for name in folder.names if name not in taken]:
            text = (
                f'image folder {folder.path!r}: {len(left_out)} files are not '
                f'read, as they do not end with {self.img_suffix} or are a '
                f'second one of their name: {some(left_out)}'
            )
            print_log(text, 'current', logging.WARNING)
        return ids

    def _folder(self, key: str, suffixes: tuple[str, ...]) -> Folder:
        path = self.data_prefix[key]
        if not fileio.isdir(path, backend_args=self.backend_args):
            raise FileNotFoundError(
                f'{FOLDERS[key][0]} folder {path!r} does not exist: set '
                f'data_root (now {self.data_root!r}) and data_prefix[{key!r}]'
            )
        return Folder(path, suffixes, self.backend_args)

    def _find_all(
        self, ids: list[str], key: str, suffixes: tuple[str, ...]
    ) -> list[str]:
        folder = self._folder(key, suffixes)
        found = [folder.find(image_id) for image_id in ids]
        # names in the wrong case are not found on other systems
        missing = [
            image_id
            for image_id, (names, exact) in zip(ids, found, strict=True)
            if not names or not exact
        ]
        if missing:
            kind, argument = FOLDERS[key]
            raise FileNotFoundError(
                f'{len(missing)} of {len(ids)} ids of '
                f'{self.ann_file or folder.path!r} have no {kind} in '
                f'{folder.path!r} ending with {suffixes}: {some(missing)}. '
                f'Add the files, remove the ids, or set {argument}data_root '
                f'or data_prefix[{key!r}]'
            )
        return [osp.join(folder.path, names[0]) for names, _ in found]
