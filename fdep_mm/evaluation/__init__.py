"""Evaluation: plain functions on arrays, and MMEngine metrics over them.

The functions need no torch; the metrics are imported on first use. Arguments
outside their range, samples that lack a field, values that are not finite and
shapes that do not fit raise ValueError with the name of the image.
"""

from fdep_mm.core.noco import noco_map

from .functional import evaluate_curves, evaluate_masks, mnocoap

METRICS = ('BoxPdFaMetric', 'HSEMetric', 'NoCoAPMetric', 'SIRSTMetric')


def __getattr__(name: str) -> type:
    if name not in METRICS:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from . import metrics

    return getattr(metrics, name)
