"""IoU, nIoU, Pd and Fa at one threshold."""

from fdep_mm.registry import METRICS

from ..functional import EvalProtocol
from .base import CountMetric


@METRICS.register_module()
class SIRSTMetric(CountMetric):
    """The field's four numbers at one threshold, as it prints them.

    * ``IoU``: x100; foreground pixels of the whole set, intersection / union.
      Not mIoU: the background is no class.
    * ``nIoU``: x100; mean of the per-image IoU.
    * ``Pd``: x100; targets hit / targets. NaN, with a warning, if the set
      holds no target.
    * ``Fa``: x1e6; pixels of detections that hit no target / all pixels. The
      widespread code drops false detections whose area equals the area of
      any hit; this one does not, so it gives slightly more.

    A target is hit by a detection if their centroids are less than `radius`
    apart, one to one. Distances are absolute: evaluate at the original size.

    Args:
        threshold (float): Foreground is ``prob > threshold``.
        radius (float): In px; hit if the distance is < radius.
        match (str): 'greedy' (the field's rule) or 'hungarian'.
        connectivity (int): Of targets and detections, 8 or 4.
        empty (str): IoU of an image without target and without foreground:
            'one', 'zero' or 'skip'.
        collect_device (str): 'cpu' or 'gpu'.
        prefix (str, optional): Of the keys. Defaults to None: 'sirst'.

    Raises:
        TypeError: If `threshold` is not a number.
        ValueError: If an argument is outside its range.

    Example:
        >>> val_evaluator = dict(type='fdep_mm.SIRSTMetric')
        >>> # default_hooks.checkpoint.save_best = 'sirst/IoU'
    """

    default_prefix = 'sirst'
    keys = ('IoU', 'nIoU', 'Pd', 'Fa')

    def __init__(
        self,
        threshold: float = 0.5,
        radius: float = 3.0,
        match: str = 'greedy',
        connectivity: int = 8,
        empty: str = 'one',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        protocol = EvalProtocol(
            [threshold], (), threshold, radius, match, connectivity
        )
        super().__init__(protocol, empty, collect_device, prefix)
