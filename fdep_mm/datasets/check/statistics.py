"""Numbers that describe a split."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from .inspection import Record
from .targets import Target

QUANTILES = dict(min=0, p5=5, median=50, p95=95, max=100)


def describe(records: Sequence[Record]) -> dict:
    """Summarise the images and targets of a split.

    Returns:
        dict: Counts, normalisation constants (mean over the images of their
        grey mean and standard deviation, in 0..255), ranges, and quantiles of
        the targets: area, width and height in px, contrast in grey levels
        (0..255), SCR.
    """
    readable = [record for record in records if record.shape is not None]
    labelled = [record for record in records if record.targets is not None]
    targets = [target for record in labelled for target in record.targets]
    numbers = Counter(len(record.targets) for record in labelled)
    return dict(
        images=len(records),
        readable=len(readable),
        with_valid_mask=len(labelled),
        without_target=numbers[0],
        targets=len(targets),
        targets_per_image=dict(sorted(numbers.items())),
        mean=_mean([record.mean for record in readable]),
        std=_mean([record.std for record in readable]),
        width=_range([record.shape[1] for record in readable]),
        height=_range([record.shape[0] for record in readable]),
        sizes=len({record.shape for record in readable}),
        types=dict(Counter(record.dtype for record in readable)),
        channels=dict(Counter(record.channels for record in readable)),
        grey=_range([value for r in readable for value in (r.low, r.high)]),
        target={
            name: _quantiles([getattr(target, name) for target in targets])
            for name in Target._fields
        },
    )


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _range(values: list[float]) -> list[float] | None:
    return [min(values), max(values)] if values else None


def _quantiles(values: list[float]) -> dict[str, float] | None:
    values = np.array(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    found = np.percentile(values, list(QUANTILES.values())).tolist()
    return dict(zip(QUANTILES, found, strict=True))
