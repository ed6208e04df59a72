"""Data sets that a config reads."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fdep_mm.core.base_datasets import base_settings
from fdep_mm.core.config_check import read_config
from fdep_mm.core.suffixes import IMAGE_SUFFIXES, as_tuple
from fdep_mm.registry import DATASETS

from ..layouts import Layout


def layouts_of_config(path: Path) -> list[Layout]:
    """Data sets that the loaders of a config name, wrapped ones, too.

    A validation split that is the test split counts once, as 'test'.

    Raises:
        ValueError: It is not a config, reads no image files, or a folder that
            it names does not exist.
    """
    cfg = read_config(path)
    found: dict[tuple, Layout] = {}
    for loader in ('train', 'val', 'test'):
        settings = cfg.get(f'{loader}_dataloader') or {}
        for dataset in base_settings(settings.get('dataset') or {}):
            if 'img_path' not in _prefix(dataset):
                continue
            layout = _layout(dataset, path)
            key = (layout.images, layout.masks, layout.boxes)
            layout = found.setdefault(key, layout)
            ann_file = dataset.get('ann_file')
            file = layout.root / ann_file if ann_file else None
            files = layout.splits.setdefault(loader, [])
            if file not in files:
                files.append(file)
    if not found:
        raise ValueError(
            f'{path}: its data loaders read no image files; name a folder, '
            'or a config with SIRSTDataset'
        )
    return [replace(x, splits=_splits(x.splits)) for x in found.values()]


def _splits(files: dict[str, list[Path | None]]) -> dict[str, tuple]:
    """What each split reads; without val where that is test."""
    read = {k: () if None in v else tuple(v) for k, v in files.items()}
    if read.get('val') == read.get('test'):
        read.pop('val', None)
    return read


def _prefix(dataset: Mapping) -> Mapping:
    """Folders that a data set names, else those of its class."""
    kind = DATASETS.get(str(dataset.get('type')))
    return dataset.get('data_prefix') or getattr(kind, 'PREFIX', {})


def _layout(dataset: Mapping, config: Path) -> Layout:
    root = Path(dataset.get('data_root') or '.')
    prefix = _prefix(dataset)
    folders = [
        root / prefix[key] if key in prefix else None
        for key in ('img_path', 'seg_map_path', 'ann_path')
    ]
    for folder in folders:
        if folder is not None and not folder.is_dir():
            raise ValueError(
                f'{config}: {folder} does not exist; set data_root, or '
                'FDEP_DATA to the folder of the data sets'
            )
    return Layout(
        root,
        *folders,
        as_tuple(dataset.get('img_suffix', IMAGE_SUFFIXES)),
        as_tuple(dataset.get('seg_map_suffix', IMAGE_SUFFIXES)),
        {},
        dataset.get('xml_convention', 'sirst-v2'),
    )
