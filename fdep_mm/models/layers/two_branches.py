"""CO-ISD's main branch beside any network: the same for every kind of host.

*Rethinking Infrared Small Target Detection: A Foundation-Driven Efficient
Paradigm* (FDEP), Yu et al., arXiv 2512.05511; what its abstract and figure
leave open is listed in :mod:`fdep_mm.models.segmentors.co_isd`.
"""

from collections.abc import Sequence

import torch
from mmengine.config import ConfigDict
from torch import Tensor

from fdep_mm.core.compat import normalizes, swaps_channels
from fdep_mm.priors import batch_priors
from fdep_mm.priors.identity import note_channel_order
from fdep_mm.registry import MODELS

from .two_passes import depends_on, kept_statistics


class TwoBranches:
    """Mixin of an mmengine model: its losses with and without a prior.

    The model gives its features and, for any features, its losses; one of the
    features is replaced in the main branch. Testing needs none of this.

    Attributes:
        index_name (str): Name of the model's attribute with the index of the
            feature that is replaced; error messages use it.
    """

    index_name: str

    def _host_feats(self, inputs: Tensor) -> Sequence[Tensor]:
        """Features of the host, the replaced one among them."""
        raise NotImplementedError

    def _laterals(self, feats: list[Tensor]) -> list[Tensor] | None:
        """What the head makes of features that no prior reaches, or None."""
        return None

    def _host_loss(
        self,
        feats: list[Tensor],
        laterals: list[Tensor] | None,
        data_samples: list,
    ) -> dict:
        """Losses of the host for these features."""
        raise NotImplementedError

    def _add_main_branch(
        self, vfm: dict, samf: dict, loss_weights: dict
    ) -> None:
        """Build what only training needs; the host is built already."""
        if set(loss_weights) != {'main', 'light'}:
            raise ValueError(
                "loss_weights needs the keys 'main' and 'light', "
                f'got {sorted(loss_weights)}'
            )
        self.loss_weights = dict(loss_weights)
        self.vfm = MODELS.build(vfm)
        note_channel_order(self.vfm, self._reverses_channels())
        samf = dict(samf)
        samf.setdefault('prior_channels', self.vfm.channels)
        if 'in_channels' not in samf:
            samf['in_channels'] = self._read_channels()
        self.samf = MODELS.build(samf)
        self._feature_is_read = False

    def _read_channels(self) -> int:
        """Channels of the replaced feature, from one small image."""
        channels = getattr(self.backbone, 'in_channels', 3)
        training = self.training
        self.eval()
        with torch.no_grad():
            feats = self._host_feats(torch.zeros(1, channels, 64, 64))
        self.train(training)
        return self._pick(feats).shape[1]

    def _pick(self, feats: Sequence[Tensor]) -> Tensor:
        index = getattr(self, self.index_name)
        if not -len(feats) <= index < len(feats):
            raise ValueError(
                f'{self.index_name}={index} is out of range: the host '
                f'gives {len(feats)} features'
            )
        return feats[index]

    def _both_losses(self, inputs: Tensor, data_samples: list) -> dict:
        """Losses of both branches, from one pass of what they share."""
        feats = list(self._host_feats(inputs))
        priors = self._priors(inputs, data_samples)
        fused = self.samf(self._pick(feats), priors)
        with_prior = list(feats)
        with_prior[getattr(self, self.index_name)] = fused
        laterals = self._laterals(feats)
        light = self._host_loss(feats, laterals, data_samples)
        with kept_statistics(self):  # the light branch is what is deployed
            main = self._host_loss(with_prior, laterals, data_samples)
        self._check_feature(main, fused)
        return self._weighted('main', main) | self._weighted('light', light)

    def _priors(
        self, inputs: Tensor, data_samples: list
    ) -> tuple[Tensor, ...]:
        """Priors that came with the batch, or else the VFM's."""
        size = tuple(inputs.shape[-2:])
        given = batch_priors(data_samples, size, self.vfm)
        return self.vfm(self._pixels(inputs)) if given is None else given

    def _weighted(self, branch: str, losses: dict) -> dict:
        weight = self.loss_weights[branch]
        return {
            f'{branch}.{key}': _scale(value, weight)
            if 'loss' in key
            else value
            for key, value in losses.items()
        }

    def _pixels(self, inputs: Tensor) -> Tensor:
        """Undo the preprocessor's normalisation: values in 0..255."""
        preprocessor = self.data_preprocessor
        if not normalizes(preprocessor):
            return inputs
        return inputs * preprocessor.std + preprocessor.mean

    def _reverses_channels(self) -> bool:
        """Whether the VFM sees an image's channels in reverse order."""
        return swaps_channels(self.data_preprocessor)

    def _check_feature(self, losses: dict, fused: Tensor) -> None:
        """Once: a replaced feature that no head reads trains nothing."""
        if self._feature_is_read or not fused.requires_grad:
            return
        total, _ = self.parse_losses(losses)
        if not depends_on(total, fused):
            raise ValueError(
                f'{self.index_name}={getattr(self, self.index_name)}: no head '
                'reads this feature, so the prior would change nothing. '
                'Choose the index of a feature that the decoder (for a '
                'detector: the box head) reads.'
            )
        self._feature_is_read = True


def _scale(loss: Tensor | list[Tensor], weight: float) -> Tensor | list:
    """Weight a loss as mmengine knows it: a tensor or a list of tensors."""
    if isinstance(loss, Tensor):
        return loss * weight
    return [item * weight for item in loss]


def host_cfg(cfg: dict) -> dict:
    """Config of the plain host, what is deployed.

    Args:
        cfg (dict): Model config of an FDEP network or of a plain host.

    Returns:
        dict: The same without what only training needs. The host of a
        detector becomes mmdet's ``SingleStageDetector``, which all such hosts
        are at test time.
    """
    if 'vfm' not in cfg:
        return cfg
    training_only = {
        'vfm',
        'samf',
        'bottleneck',
        'level',
        'loss_weights',
        'test_branch',
    }
    host = {k: v for k, v in cfg.items() if k not in training_only}
    is_detector = 'bbox_head' in cfg
    return ConfigDict(
        host,
        type='mmdet.SingleStageDetector' if is_detector else 'EncoderDecoder',
    )
