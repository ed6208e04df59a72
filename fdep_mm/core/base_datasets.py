"""The data sets inside MMEngine's and torch's wrappers."""

from collections.abc import Mapping
from pathlib import Path

from torch.utils.data import Dataset


def base_datasets(dataset: Dataset) -> list[Dataset]:
    """Unwrap repeated, concatenated, balanced and cut data sets."""
    inner = getattr(dataset, 'datasets', None)
    if inner is None:
        # _dataset: MMEngine's wrapper for num_batch_per_epoch
        one = getattr(dataset, 'dataset', getattr(dataset, '_dataset', None))
        inner = [] if one is None else [one]
    found = [base for one in inner for base in base_datasets(one)]
    return found or [dataset]


def base_settings(settings: Mapping) -> list[Mapping]:
    """The same for the settings of a data set that is not built."""
    inner = settings.get('datasets') or [settings.get('dataset')]
    found = [base for one in inner if one for base in base_settings(one)]
    return found or [settings]


def image_folders(dataset: Dataset) -> list[Path]:
    """Image folders of a data set."""
    prefixes = (
        getattr(base, 'data_prefix', {}).get('img_path')
        for base in base_datasets(dataset)
    )
    return [Path(folder) for folder in prefixes if folder]
