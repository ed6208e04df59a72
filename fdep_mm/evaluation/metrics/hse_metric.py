"""HSE with its two parts, and the curves it integrates."""

from collections.abc import Sequence

from fdep_mm.registry import METRICS

from ..functional import EvalProtocol
from .sirst_metric import SIRSTMetric


@METRICS.register_module()
class HSEMetric(SIRSTMetric):
    """Holistic SIRST Evaluation over thresholds and centroid tolerances.

    Our reading of the abstract of arXiv 2512.05511; the formula is in
    :mod:`fdep_mm.evaluation.functional.hse`. Gives ``HSE``, ``HSE_P`` and
    ``HSE_T`` x100, and from the same records the numbers of
    :class:`SIRSTMetric`.

    Args:
        thresholds (int | Sequence[float]): Of the integrals; an int n gives
            k / (n + 1), k = 1..n. Defaults to 19: 0.05, 0.10, ..., 0.95.
        tolerances (Sequence[float]): Centroid distances in px, inclusive.
        **kwargs: See :class:`SIRSTMetric`; the default `prefix` is 'hse'.
    """

    default_prefix = 'hse'
    keys = ('HSE', 'HSE_P', 'HSE_T', 'IoU', 'nIoU', 'Pd', 'Fa')

    def __init__(
        self,
        thresholds: int | Sequence[float] = 19,
        tolerances: Sequence[float] = (1, 2, 3, 4, 5),
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.protocol = EvalProtocol(
            thresholds, tolerances, **self.protocol.settings()
        )
