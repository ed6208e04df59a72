"""CO-ISD for detectors: a frozen prior changes one level, in training only.

FDEP (arXiv 2512.05511) is about encoder-decoders; this carries its two
branches over to one-stage detectors and is our extension, not the paper's.
The main branch fuses the prior into one level that the box head reads, the
light branch is the plain detector; both have the same labels and one backward
pass. Only the light branch is deployed.
"""

from collections.abc import Sequence

from mmdet.models.detectors import SingleStageDetector
from torch import Tensor

from fdep_mm.core.compat import swaps_channels
from fdep_mm.registry import MODELS

from ..two_branches import TwoBranches


@MODELS.register_module()
class COISDDetector(TwoBranches, SingleStageDetector):
    """Train a one-stage detector with priors of a frozen VFM, deploy it alone.

    Testing uses the detector's own methods, which know neither `vfm` nor
    `samf`. To wrap a detector, inherit its config and set ``type``, ``vfm``,
    ``samf`` and ``level``. It must be a ``SingleStageDetector`` with a
    ``bbox_head`` and no methods of its own, such as ``FCOS``, ``RetinaNet``
    or ``fdep_mm.OSCAR``.

    Args:
        vfm (dict): Config of the frozen VFM, see :class:`FrozenVFM`.
        samf (dict): Config of the fusion, see :class:`SAMFNeck`. Missing
            `in_channels` and `prior_channels` are read from the detector
            (which sees one 64x64 image for that) and from the VFM.
        level (int | str | Sequence[int]): Index of the feature, among those
            the head gets, that SAMF replaces in the main branch; 'finest' is
            the one to which heads assign small targets; OSCAR is trained with
            -1, its P3. Several indices get one SAMF each.
        loss_weights (dict): Factors of the branches' losses, keys 'main' and
            'light'. Defaults to 1 and 1.
        backbone, bbox_head, neck, train_cfg, test_cfg, data_preprocessor,
            init_cfg: As in mmdet's ``SingleStageDetector``.

    Raises:
        ValueError: If `level` is out of range or the head does not read it.
        TypeError: If it is a detector of another kind.
    """

    index_name = 'level'

    def __init__(
        self,
        backbone: dict | None = None,
        bbox_head: dict | None = None,
        *,
        vfm: dict,
        samf: dict,
        neck: dict | None = None,
        level: int | str | Sequence[int] = 'finest',
        loss_weights: dict = dict(main=1.0, light=1.0),
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        **foreign: object,
    ):
        if foreign or backbone is None or bbox_head is None:
            raise TypeError(
                'COISDDetector trains one-stage detectors of backbone, neck '
                f'and bbox_head alone; {[*foreign]} belong to another kind '
                '(two stages, DETR, masks, teacher and student)'
            )
        super().__init__(
            backbone,
            neck,
            bbox_head,
            train_cfg,
            test_cfg,
            data_preprocessor,
            init_cfg,
        )
        self.level = level
        self._add_main_branch(vfm, samf, loss_weights)

    def loss(self, batch_inputs: Tensor, batch_data_samples: list) -> dict:
        """Losses of both branches; the batch is (B, 3, H, W), preprocessed."""
        return super().loss(batch_inputs, batch_data_samples)

    def _host_feats(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return self.extract_feat(inputs)

    def _host_loss(
        self, feats: list[Tensor], laterals: None, data_samples: list
    ) -> dict:
        return self.bbox_head.loss(tuple(feats), data_samples)

    def _pixels(self, inputs: Tensor) -> Tensor:
        """RGB values in 0..255; images are loaded as BGR."""
        pixels = super()._pixels(inputs)
        if swaps_channels(self.data_preprocessor):
            return pixels
        return pixels.flip(1)

    def _reverses_channels(self) -> bool:
        return True  # see _pixels
