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

LEVEL = 0.95


class Difference(NamedTuple):
    """Of two arms by one score.

    Attributes:
        mean (float): Of the differences.
        low (float): Of the confidence interval; NaN with one seed.
        high (float): Of the confidence interval.
        num (int): Number of pairs.
    """

    mean: float
    low: float
    high: float
    num: int


class Row(NamedTuple):
    """An arm on a host and a data set.

    Attributes:
        data (str): Name of the data set.
        host (str): Name of the host.
        arm (str): Name of the arm.
        checkpoint (str): 'last' or 'best'.
        num (int): Finished seeds.
        scores (dict[str, tuple[float, float]]): Mean and sample standard
            deviation.
        differences (dict[str, Difference]): To the baseline; empty for the
            baseline itself.
        wilcoxon_p (float): NaN where there is none.
    """

    data: str
    host: str
    arm: str
    checkpoint: str
    num: int
    scores: dict[str, tuple[float, float]]
    differences: dict[str, Difference]
    wilcoxon_p: float


def mean_std(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation; NaN for too few values."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return (float(np.mean(values)) if len(values) else math.nan), std


def paired_difference(differences: Sequence[float]) -> Difference:
    """Mean of paired differences with its confidence interval.

    Args:
        differences (Sequence[float]): One per pair.

    Returns:
        Difference: With a 95 % interval by Student's t.
    """
    num = len(differences)
    mean, std = mean_std(differences)
    half = math.nan
    if num > 1:
        half = stats.t.ppf((1 + LEVEL) / 2, num - 1) * std / math.sqrt(num)
    return Difference(mean, mean - half, mean + half, num)


def image_test(
    pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]],
) -> float:
    """Wilcoxon signed-rank test over images.

    Args:
        pairs (Sequence[tuple[Mapping, Mapping]]): For each seed, name -> IoU
            of one arm and of the other.

    Returns:
        float: Two-sided p of the differences of each image, averaged over
        seeds; 1 if all are zero; NaN if there is none.

    Raises:
        ValueError: They are not of the same images.
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
    """Compare the arms.

    Args:
        study (Study): The study.
        results (Sequence[Result]): Of its finished cells.

    Returns:
        list[Row]: By data set, host and arm; the order is that of the study.

    Raises:
        ValueError: Arms were tested on different images.
    """
    return [
        _row(study, results, *place)
        for place in product(study.data, study.hosts, study.arms)
    ]


def _row(
    study: Study,
    results: Sequence[Result],
    data: str,
    host: str,
    arm: str,
) -> Row:
    def seeds(name: str | None) -> dict[int, Result]:
        place = (data, host, name)
        return {r.cell.seed: r for r in results if r.cell[:3] == place}

    ours, others = seeds(arm), seeds(study.baseline)
    names = (*study.scores, LAST)
    scores = {
        name: mean_std(
            [one.scores.get(name, math.nan) for one in ours.values()]
        )
        for name in names
    }
    differences, p = {}, math.nan
    if study.baseline not in (None, arm):
        pairs = [(ours[s], others[s]) for s in ours if s in others]
        for name in names:
            values = (
                [one.scores.get(name, math.nan) for one in pair]
                for pair in pairs
            )
            differences[name] = paired_difference([a - b for a, b in values])
        try:
            p = image_test([(a.images, b.images) for a, b in pairs])
        except ValueError as error:
            raise ValueError(
                f'{data}/{host}: {arm} and {study.baseline}: {error}'
            ) from error
    checkpoint = next(c.checkpoint for c in study.cells if c.arm == arm)
    return Row(data, host, arm, checkpoint, len(ours), scores, differences, p)
