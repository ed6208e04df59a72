"""HSE with its two parts, and the curves it integrates."""

from collections.abc import Sequence

from fdep_mm.registry import METRICS

from ..functional import EvalProtocol
from .base import CountMetric


@METRICS.register_module()
class HSEMetric(CountMetric):
    """Holistic SIRST Evaluation over thresholds and centroid tolerances.

    Our reading of the abstract of arXiv 2512.05511; the formula is in
    :mod:`fdep_mm.evaluation.functional.hse`. Gives ``HSE``, ``HSE_P`` and
    ``HSE_T`` x100, and from the same records ``IoU``, ``nIoU``, ``Pd`` (x100)
    and ``Fa`` (x1e6) at `threshold`, equal to those of :class:`SIRSTMetric`.
    Without any target in the set HSE, HSE_T and Pd are NaN, with a warning.

    Args:
        thresholds (int | Sequence[float]): Of the integrals; an int n gives
            k / (n + 1), k = 1..n. Defaults to 19: 0.05, 0.10, ..., 0.95.
        tolerances (Sequence[float]): Centroid distances in px, inclusive.
        threshold (float): Where IoU, nIoU, Pd and Fa are read.
        radius (float): Of Pd and Fa, in px, exclusive.
        match (str): 'greedy' or 'hungarian'.
        connectivity (int): 8 or 4.
        empty (str): IoU of an image without target and without foreground:
            'one', 'zero' or 'skip'.
        collect_device (str): 'cpu' or 'gpu'.
        prefix (str, optional): Of the keys. Defaults to None: 'hse'.

    Raises:
        TypeError: If `thresholds` is neither an int nor a list of numbers.
        ValueError: If an argument is outside its range.
    """

    default_prefix = 'hse'

    def __init__(
        self,
        thresholds: int | Sequence[float] = 19,
        tolerances: Sequence[float] = (1, 2, 3, 4, 5),
        threshold: float = 0.5,
        radius: float = 3.0,
        match: str = 'greedy',
        connectivity: int = 8,
        empty: str = 'one',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        protocol = EvalProtocol(
            thresholds, tolerances, threshold, radius, match, connectivity
        )
        super().__init__(protocol, empty, collect_device, prefix)
