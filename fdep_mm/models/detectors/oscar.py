"""OSCAR: one-stage cascade refinement network.

*One-Stage Cascade Refinement Networks for Infrared Small Target Detection*,
Dai et al., IEEE TGRS 2023, https://arxiv.org/abs/2212.08472. Original code:
DeepInfrared, Apache-2.0; this is written anew from its description.

Differences from the paper: see the head and the neck, and the table of
switches in ``configs/oscar/README.md``.
"""

from mmdet.models.detectors import SingleStageDetector

from fdep_mm.registry import MODELS


@MODELS.register_module()
class OSCAR(SingleStageDetector):
    """Backbone, neck with levels of stride 4 and 8, cascade head.

    Training needs samples with ``gt_noco``, see
    :class:`fdep_mm.models.dense_heads.OSCARHead`. Takes the arguments of
    :class:`mmdet.models.SingleStageDetector`.
    """
