"""Where the folders and split files of the public data sets are."""

import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fdep_mm.core.suffixes import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Layout:
    """One data set on disk; several suffixes: the first that exists."""

    root: Path
    images: Path
    masks: Path | None = None
    boxes: Path | None = None
    image_suffixes: tuple[str, ...] = IMAGE_SUFFIXES
    mask_suffixes: tuple[str, ...] = IMAGE_SUFFIXES
    # name -> split files, training first; none stands for all images
    splits: dict[str, tuple[Path, ...]] = field(
        default_factory=lambda: {'all': ()}
    )
    xml_convention: str = 'sirst-v2'

    @property
    def name(self) -> str:
        """Name of the data set: that of its folder."""
        return osp.basename(osp.abspath(self.root))  # of '.' too


# images, masks, boxes, what mask names add to the id
FOLDERS = (
    ('mixed', 'annotations/masks', 'annotations/bboxes', '_pixels0'),
    ('images', 'masks', 'bboxes', ''),
    ('IRSTD1k_Img', 'IRSTD1k_Label', 'bboxes', ''),  # IRSTD-1K as published
)
# Folder and names of the split files, the training split first: where that
# file is, the others are taken with it. {name} is that of the data set.
SPLIT_FILES = (
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
    """Recognize BasicIRSTD's, DNA-Net's, SIRST-V2's and IRSTD-1K's folders.

    Raises:
        ValueError: There is no such folder, no images in it, or several
            groups of split files.
    """
    layout = _find_folders(root)
    return replace(layout, splits=_find_splits(root, layout.name))


def open_layout(
    root: Path,
    images: str | None = None,
    masks: str | None = None,
    boxes: str | None = None,
    mask_suffix: str | None = None,
    splits: Sequence[str] = (),
) -> Layout:
    """Layout of a data set whose parts are named, found, or both.

    Folders are relative to the root or absolute, splits NAME=FILE. Where
    images are named, nothing is looked for.

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
    named: dict[str, object] = {}
    if masks is not None:
        named['masks'] = _folder(root, masks)
    if boxes is not None:
        named['boxes'] = _folder(root, boxes)
    if mask_suffix is not None:
        named['mask_suffixes'] = _suffixed(mask_suffix)
    if splits:
        named['splits'] = dict(_named_split(root, text) for text in splits)
    return replace(layout, **named)


def _suffixed(text: str) -> tuple[str, ...]:
    """Suffixes of masks whose names add a text to the id."""
    return tuple(text + suffix for suffix in IMAGE_SUFFIXES)


def _find_folders(root: Path) -> Layout:
    if not root.is_dir():
        raise ValueError(f'{root}: no such folder')
    for images, masks, boxes, add in FOLDERS:
        if (root / images).is_dir():
            others = (root / masks, root / boxes)
            others = (path if path.is_dir() else None for path in others)
            suffixes = _suffixed(add)
            images = root / images
            return Layout(root, images, *others, mask_suffixes=suffixes)
    known = ' or '.join(f'{folders[0]}/' for folders in FOLDERS)
    raise ValueError(
        f'{root}: has no folder {known}; name others by --images and --masks'
    )


def _find_splits(root: Path, name: str) -> dict[str, tuple[Path, ...]]:
    for pattern, names in SPLIT_FILES:
        folders = [root] if pattern == '.' else sorted(root.glob(pattern))
        groups = [
            {k: (file,) for k, file in group.items() if file.is_file()}
            for folder in folders
            for group in _possible_groups(folder, names, name)
            if next(iter(group.values())).is_file()
        ]
        if len(groups) > 1:
            first = groups[0]['train'][0].relative_to(root)
            raise ValueError(
                f'{root}: has several groups of split files; choose one: '
                f'--split train={first} --split test=FILE'
            )
        if groups:
            return groups[0]
    return {'all': ()}


def _possible_groups(
    folder: Path, names: Sequence[str], data_set: str
) -> list[dict[str, Path]]:
    """Split files by split; several groups if files name other data sets."""
    data_sets = [data_set]
    prefix, named, _ = names[0].partition('{name}')
    if named and not (folder / f'{prefix}{data_set}.txt').is_file():
        # the folder of the data set was renamed
        stems = [path.stem for path in folder.glob(f'{prefix}*.txt')]
        data_sets = sorted(stem.removeprefix(prefix) for stem in stems)
    return [
        {
            name.split('_')[0]: folder / f'{name.format(name=each)}.txt'
            for name in names
        }
        for each in data_sets
    ]


def _folder(root: Path, name: str) -> Path:
    for path in (root / name, Path(name)):
        if path.is_dir():
            return path
    raise ValueError(f'{name}: no such folder, in {root} or here')


def _named_split(root: Path, text: str) -> tuple[str, tuple[Path]]:
    name, _, file = text.partition('=')
    if not name or not file:
        raise ValueError(f'--split {text}: write NAME=FILE')
    for path in (root / file, Path(file)):
        if path.is_file():
            return name, (path,)
    raise ValueError(f'--split {text}: no such file, in {root} or here')
