"""Where the folders and split files of the public data sets are."""

import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fdep_mm.core.suffixes import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Layout:
    """One data set on disk.

    Attributes:
        root (Path): Its folder.
        images (Path): Folder of images.
        masks (Path | None): Folder of masks.
        boxes (Path | None): Folder of XML box files.
        image_suffixes (tuple[str, ...]): Of several candidates the first
            that exists is taken, as in :class:`.SIRSTDataset`.
        mask_suffixes (tuple[str, ...]): The same for the masks.
        splits (dict): Name -> split file, or several, training first;
            None stands for all images.
        xml_convention (str): Of the box files, see
            :data:`.sirst_xml.CONVENTIONS`.
    """

    root: Path
    images: Path
    masks: Path | None = None
    boxes: Path | None = None
    image_suffixes: tuple[str, ...] = IMAGE_SUFFIXES
    mask_suffixes: tuple[str, ...] = IMAGE_SUFFIXES
    splits: dict[str, Path | None] = field(
        default_factory=lambda: {'all': None}
    )
    xml_convention: str = 'sirst-v2'

    @property
    def name(self) -> str:
        """Name of the data set: that of its folder."""
        return _name(self.root)


# images, masks, boxes, what mask names add to the id
FOLDERS = (
    ('mixed', 'annotations/masks', 'annotations/bboxes', '_pixels0'),
    ('images', 'masks', 'bboxes', ''),
    ('IRSTD1k_Img', 'IRSTD1k_Label', 'bboxes', ''),  # IRSTD-1K as published
)
# Folder and names of the split files, the training split first: where that
# file is, the others are taken with it. {name} is that of the data set.
SPLITS = (
    # SIRST-V2, whose v1 splits overlap with these
    ('splits', ('trainval_full', 'test_full')),
    # BasicIRSTD
    ('img_idx', ('train_{name}', 'val_{name}', 'test_{name}')),
    ('img_idx', ('train', 'val', 'test')),
    # DNA-Net: 50_50 and the like
    ('[0-9]*_[0-9]*', ('train', 'val', 'test')),
    ('.', ('train', 'val', 'test')),
    ('.', ('trainval', 'test')),
)


def find_layout(root: Path) -> Layout:
    """Recognise BasicIRSTD's, DNA-Net's and SIRST-V2's folders.

    Args:
        root (Path): The data set: ``images/`` and ``masks/`` with
            ``img_idx/train_NAME.txt`` (BasicIRSTD) or ``50_50/train.txt``
            (DNA-Net) or no split files; ``mixed/``, ``annotations/`` and
            ``splits/`` (SIRST-V2); or IRSTD-1K as published.

    Raises:
        ValueError: There is no such folder, no images in it, or several
            groups of split files.
    """
    return replace(_find_folders(root), splits=_find_splits(root))


def open_layout(
    root: Path,
    images: str | None = None,
    masks: str | None = None,
    boxes: str | None = None,
    mask_suffix: str | None = None,
    splits: Sequence[str] = (),
) -> Layout:
    """Layout of a data set whose parts were named by a user, found, or both.

    Args:
        images (str, optional): Folder, relative to the root or absolute;
            nothing is then looked for: masks, boxes and splits are those
            that are given.

    Raises:
        ValueError: A file or folder does not exist, a split has no name, or
            see :func:`find_layout`.
    """
    if images is not None:
        layout = Layout(root, _folder(root, images))
    elif splits:  # they settle which of several groups is meant
        layout = _find_folders(root)
    else:
        layout = find_layout(root)
    if masks is not None:
        layout = replace(layout, masks=_folder(root, masks))
    if boxes is not None:
        layout = replace(layout, boxes=_folder(root, boxes))
    if mask_suffix is not None:
        suffixes = tuple(mask_suffix + s for s in IMAGE_SUFFIXES)
        layout = replace(layout, mask_suffixes=suffixes)
    if splits:
        named = dict(_named_split(root, text) for text in splits)
        layout = replace(layout, splits=named)
    return layout


def _find_folders(root: Path) -> Layout:
    if not root.is_dir():
        raise ValueError(f'{root}: no such folder')
    for images, masks, boxes, add in FOLDERS:
        if (root / images).is_dir():
            return Layout(
                root,
                root / images,
                _if_folder(root / masks),
                _if_folder(root / boxes),
                mask_suffixes=tuple(add + s for s in IMAGE_SUFFIXES),
            )
    known = ' or '.join(f'{folders[0]}/' for folders in FOLDERS)
    raise ValueError(
        f'{root}: has no folder {known}; name its folders with --images and '
        '--masks'
    )


def _find_splits(root: Path) -> dict[str, Path | None]:
    for pattern, names in SPLITS:
        folders = [root] if pattern == '.' else sorted(root.glob(pattern))
        groups = [
            {k: file for k, file in group.items() if file.is_file()}
            for folder in folders
            for group in _possible_groups(folder, names, _name(root))
            if next(iter(group.values())).is_file()
        ]
        if len(groups) > 1:
            first = groups[0]['train'].relative_to(root)
            raise ValueError(
                f'{root}: has several groups of split files; choose one with '
                f'--split train={first} --split test=FILE'
            )
        if groups:
            return groups[0]
    return {'all': None}


def _possible_groups(
    folder: Path, names: Sequence[str], data_set: str
) -> list[dict[str, Path]]:
    """Split files by split; several groups if files name other data sets."""
    data_sets = [data_set]
    prefix, named, _ = names[0].partition('{name}')
    if named and not (folder / f'{prefix}{data_set}.txt').is_file():
        # the folder of the data set was renamed
        data_sets = sorted(
            path.stem.removeprefix(prefix)
            for path in folder.glob(f'{prefix}*.txt')
        )
    return [
        {
            name.split('_')[0]: folder / f'{name.format(name=each)}.txt'
            for name in names
        }
        for each in data_sets
    ]


def _name(root: Path) -> str:
    return osp.basename(osp.abspath(root))  # of '.' too


def _if_folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def _folder(root: Path, name: str) -> Path:
    for path in (root / name, Path(name)):
        if path.is_dir():
            return path
    raise ValueError(f'{name}: no such folder, in {root} or here')


def _named_split(root: Path, text: str) -> tuple[str, Path]:
    name, _, file = text.partition('=')
    if not name or not file:
        raise ValueError(
            f'--split {text}: write NAME=FILE, such as train=lists/train.txt'
        )
    for path in (root / file, Path(file)):
        if path.is_file():
            return name, path
    raise ValueError(f'--split {text}: no such file, in {root} or here')
