"""CO-ISD: collaborative optimisation with implicit self-distillation.

*Rethinking Infrared Small Target Detection: A Foundation-Driven Efficient
Paradigm* (FDEP), Yu et al., arXiv 2512.05511. First public implementation,
built from the abstract and the figure: a main branch (encoder, SAMF with
frozen priors at the bottleneck, decoder) and a light branch (the same encoder
and decoder without the prior) are supervised by the same labels and updated
by one backward pass. Only the light branch is deployed.

Our choices: one encoder pass serves both branches; the loss weights are 1 and
1; auxiliary heads belong to both branches; the main branch runs first, so the
running statistics of shared norms end with the light branch's.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from mmengine.config import ConfigDict
from mmseg.models.segmentors import EncoderDecoder
from mmseg.utils import add_prefix
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from fdep_mm.registry import MODELS

from .split import decode, encode


@MODELS.register_module()
class COISDSegmentor(EncoderDecoder):
    """Train a host network with priors of a frozen VFM, deploy it without.

    Testing, sliding windows, test-time augmentation and export use the host's
    own methods, which know neither `vfm` nor `samf`. To wrap a host, inherit
    its config and set ``type``, ``vfm`` and ``samf``.

    Args:
        backbone (dict): Config of the host's encoder.
        decode_head (dict): Config of the host's decoder.
        vfm (dict): Config of the frozen VFM, see :class:`FrozenVFM`.
        samf (dict): Config of the fusion, see :class:`SAMFNeck`. Missing
            `in_channels` and `prior_channels` are read from the host (which
            encodes one 64x64 image for that) and from the VFM.
        neck (dict, optional): Config of the host's neck. It comes after the
            bottleneck is replaced.
        auxiliary_head (dict | list[dict], optional): Config of the host's
            auxiliary heads.
        bottleneck (int): Index of the encoder feature that SAMF replaces in
            the main branch. Defaults to -1.
        loss_weights (dict): Factors of the branches' losses, keys 'main' and
            'light'. Defaults to 1 and 1.
        main_bn (str): 'shared' lets both branches update the running
            statistics of the decoder's batch norms; 'no_update' normalises
            the main branch with batch statistics but leaves the running ones
            to the light branch, which is deployed. What is learned is the
            same either way. Defaults to 'shared'.
        train_cfg, test_cfg, data_preprocessor, pretrained, init_cfg: As in
            mmseg's ``EncoderDecoder``.

    Raises:
        ValueError: If `bottleneck` is out of range or no head reads that
            feature, `main_bn` is unknown, or `loss_weights` has other keys.
    """

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        vfm: dict,
        samf: dict,
        neck: dict | None = None,
        auxiliary_head: dict | Sequence[dict] | None = None,
        bottleneck: int = -1,
        loss_weights: dict = dict(main=1.0, light=1.0),
        main_bn: str = 'shared',
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        pretrained: str | None = None,
        init_cfg: dict | None = None,
    ):
        super().__init__(
            backbone,
            decode_head,
            neck,
            auxiliary_head,
            train_cfg,
            test_cfg,
            data_preprocessor,
            pretrained,
            init_cfg,
        )
        if set(loss_weights) != {'main', 'light'}:
            raise ValueError(
                "loss_weights needs the keys 'main' and 'light', "
                f'got {sorted(loss_weights)}'
            )
        if main_bn not in ('shared', 'no_update'):
            raise ValueError(
                f"main_bn must be 'shared' or 'no_update', got {main_bn!r}"
            )
        self.bottleneck = bottleneck
        self.loss_weights = dict(loss_weights)
        self.main_bn = main_bn
        self.vfm = MODELS.build(vfm)
        self.samf = MODELS.build(self._complete(samf))
        self._bottleneck_is_read = False

    def _complete(self, samf: dict) -> dict:
        samf = dict(samf)
        samf.setdefault('prior_channels', self.vfm.channels)
        if 'in_channels' not in samf:
            samf['in_channels'] = self._bottleneck_channels()
        return samf

    def _bottleneck_channels(self) -> int:
        channels = getattr(self.backbone, 'in_channels', 3)
        training = self.backbone.training
        self.backbone.eval()
        with torch.no_grad():
            feats = encode(self.backbone, torch.zeros(1, channels, 64, 64))
        self.backbone.train(training)
        return self._pick(feats).shape[1]

    def _pick(self, feats: Sequence[Tensor]) -> Tensor:
        if not -len(feats) <= self.bottleneck < len(feats):
            raise ValueError(
                f'bottleneck={self.bottleneck} is out of range: the encoder '
                f'gives {len(feats)} features'
            )
        return feats[self.bottleneck]

    def loss(self, inputs: Tensor, data_samples: list) -> dict:
        """Losses of both branches.

        Args:
            inputs (Tensor): (B, C, H, W), as the data preprocessor gives it.
            data_samples (list[SegDataSample]): Labels in `gt_sem_seg`.

        Returns:
            dict[str, Tensor]: The host's losses twice, their keys prefixed
            with ``main.`` and ``light.``.
        """
        feats = list(encode(self.backbone, inputs))
        fused = list(feats)
        fused[self.bottleneck] = self.samf(
            self._pick(feats), self.vfm(self._pixels(inputs))
        )
        with self._main_norms():
            main = self._branch_loss(fused, data_samples, 'main')
        self._check_bottleneck(main, fused[self.bottleneck])
        light = self._branch_loss(feats, data_samples, 'light')
        return {**main, **light}

    def _branch_loss(
        self, feats: list[Tensor], data_samples: list, branch: str
    ) -> dict:
        feats = decode(self.backbone, feats)
        if self.with_neck:
            feats = self.neck(feats)
        losses = self._decode_head_forward_train(feats, data_samples)
        if self.with_auxiliary_head:
            losses.update(
                self._auxiliary_head_forward_train(feats, data_samples)
            )
        weight = self.loss_weights[branch]
        losses = {
            key: _scale(value, weight) if 'loss' in key else value
            for key, value in losses.items()
        }
        return add_prefix(losses, branch)

    def _pixels(self, inputs: Tensor) -> Tensor:
        """Undo the preprocessor's normalisation: values in 0..255."""
        preprocessor = self.data_preprocessor
        if not getattr(preprocessor, '_enable_normalize', False):
            return inputs
        return inputs * preprocessor.std + preprocessor.mean

    @contextmanager
    def _main_norms(self) -> Iterator[None]:
        """Keep running statistics from the main branch if asked to."""
        norms = (
            []
            if self.main_bn == 'shared'
            else [
                m
                for m in self.modules()
                if isinstance(m, _BatchNorm) and m.track_running_stats
            ]
        )
        for norm in norms:
            # in training mode this normalises with batch statistics only
            norm.track_running_stats = not norm.training
        try:
            yield
        finally:
            for norm in norms:
                norm.track_running_stats = True

    def _check_bottleneck(self, losses: dict, fused: Tensor) -> None:
        """Once: a replaced feature that no head reads trains nothing."""
        if self._bottleneck_is_read or not torch.is_grad_enabled():
            return
        total, _ = self.parse_losses(losses)
        (grad,) = torch.autograd.grad(
            total, fused, retain_graph=True, allow_unused=True
        )
        if grad is None:
            raise ValueError(
                f'bottleneck={self.bottleneck}: no head reads this feature, '
                'so the prior would change nothing. Choose the index of the '
                'encoder feature that the decoder starts from.'
            )
        self._bottleneck_is_read = True


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
        dict: The same without what only training needs.
    """
    if 'vfm' not in cfg:
        return cfg
    training_only = {'vfm', 'samf', 'bottleneck', 'loss_weights', 'main_bn'}
    host = {k: v for k, v in cfg.items() if k not in training_only}
    return ConfigDict(host, type='EncoderDecoder')
