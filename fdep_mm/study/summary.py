"""Means, paired differences and per-image tests of a study.

* Scores: mean and sample standard deviation over the seeds that are finished.
* Differences to the baseline arm are paired by seed: over the seeds that both
  have finished, their mean and its 95 % confidence interval by Student's t
  (n/a with one seed).
* Wilcoxon: each image's IoU is averaged over these seeds first, then there is
  one signed-rank test over the images. Images without an IoU are left out;
  where no image differs, p is 1. It says whether one arm is better on these
  images with these trainings, not whether new trainings would be: for that,
  there is the interval.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy import stats

from .plan import Study
from .results import LAST, Result


class Difference(NamedTuple):
    """Mean of paired differences, its 95 % interval, the number of pairs."""

    mean: float
    low: float
    high: float
    num: int


class Row(NamedTuple):
    """An arm on a host and a data set, by its `num` finished seeds.

    `scores` are mean and sample standard deviation. There are no
    `differences` of the baseline itself. What is undefined is NaN.
    """

    data: str
    host: str
    arm: str
    checkpoint: str
    num: int
    scores: dict[str, tuple[float, float]]
    differences: dict[str, Difference]
    wilcoxon_p: float


def paired_difference(differences: Sequence[float]) -> Difference:
    """Mean of paired differences with a 95 % interval by Student's t."""
    low = high = math.nan
    if len(differences) > 1:
        test = stats.ttest_1samp(differences, 0)
        low, high = map(float, test.confidence_interval(0.95))
    return Difference(_mean_std(differences)[0], low, high, len(differences))


def image_test(
    pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]],
) -> float:
    """Two-sided p of the Wilcoxon signed-rank test over images.

    `pairs` holds for each seed name -> IoU of one arm and of the other. 1 if
    all differences are zero, NaN if there are none.
    """
    names = list(pairs[0][0]) if pairs else []
    if any(one.keys() != set(names) for pair in pairs for one in pair):
        raise ValueError('they were tested on different images')
    table = [[a[name] - b[name] for name in names] for a, b in pairs]
    # rounding errors of the mean are no differences
    differences = np.mean(table, axis=0).round(9) if names else np.array([])
    differences = differences[~np.isnan(differences)]
    if not differences.any():
        return 1.0 if len(differences) else math.nan
    return float(stats.wilcoxon(differences).pvalue)


def summarize(study: Study, results: Sequence[Result]) -> list[Row]:
    """One row for each data set, host and arm, in the order of the study."""
    places = product(study.data, study.hosts, study.arms)
    return [_row(study, results, *place) for place in places]


def _row(
    study: Study, results: Sequence[Result], data: str, host: str, arm: str
) -> Row:
    def seeds(name: str | None) -> dict[int, Result]:
        place = (data, host, name)
        return {r.cell.seed: r for r in results if r.cell[:3] == place}

    def values(ones: Sequence[Result], name: str) -> np.ndarray:
        return np.array([one.scores.get(name, math.nan) for one in ones])

    ours, others = seeds(arm), seeds(study.baseline)
    checkpoint = next(c.checkpoint for c in study.cells if c.arm == arm)
    names = (*study.scores, LAST)
    scores = {name: _mean_std(values(ours.values(), name)) for name in names}
    if study.baseline in (None, arm):
        differences, p = {}, math.nan
    else:
        both = [seed for seed in ours if seed in others]
        pair = [ours[s] for s in both], [others[s] for s in both]
        differences = {
            name: paired_difference(
                values(pair[0], name) - values(pair[1], name)
            )
            for name in names
        }
        try:
            p = image_test(
                [(a.images, b.images) for a, b in zip(*pair, strict=True)]
            )
        except ValueError as error:
            raise ValueError(
                f'{data}/{host}: {arm} and {study.baseline}: {error}'
            ) from error
    return Row(data, host, arm, checkpoint, len(ours), scores, differences, p)


def _mean_std(values: Sequence[float]) -> tuple[float, float]:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return (float(np.mean(values)) if len(values) else math.nan), std
