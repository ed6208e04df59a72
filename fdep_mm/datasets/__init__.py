"""Data sets and transforms, imported on first use."""

from importlib import import_module

_FILES = dict(
    SIRSTDataset='sirst',
    SIRSTDetDataset='sirst_det',
    SyntheticSIRSTDataset='synthetic',
    SyntheticSIRSTDetDataset='sirst_det',
)


def __getattr__(name: str) -> type:
    if name not in _FILES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_FILES[name]}'), name)
