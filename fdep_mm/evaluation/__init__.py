"""Evaluation: plain functions on arrays, and MMEngine metrics over them.

The functions need no torch; the metrics are imported on first use.
"""

from .functional import evaluate_curves, evaluate_masks, mnocoap, noco_map

__all__ = [
    'BoxPdFaMetric',
    'HSEMetric',
    'NoCoAPMetric',
    'SIRSTMetric',
    'evaluate_curves',
    'evaluate_masks',
    'mnocoap',
    'noco_map',
]


def __getattr__(name: str) -> type:
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from . import metrics

    return getattr(metrics, name)
