"""CO-ISD: collaborative optimization with implicit self-distillation.

*Rethinking Infrared Small Target Detection: A Foundation-Driven Efficient
Paradigm* (FDEP), Yu et al., arXiv 2512.05511. First public implementation,
built from the abstract and the figure: a main branch (encoder, SAMF with
frozen priors at the bottleneck, decoder) and a light branch (the same encoder
and decoder without the prior) are supervised by the same labels and updated
by one backward pass. Only the light branch is deployed.

Our choices: one encoder pass serves both branches, and so do the laterals of
:class:`LateralHead` decoders, which the prior does not reach;
the loss weights are 1 and 1; auxiliary heads belong to both branches; running
statistics of shared norms are those of the light branch, which is deployed.
"""

from collections.abc import Sequence

from mmengine.config import ConfigDict
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor

from fdep_mm.core.choices import check_choice
from fdep_mm.registry import MODELS

from ..layers import LateralHead
from ..two_branches import TwoBranches
from .split import decode, encode, whole_decode


@MODELS.register_module()
class COISDSegmentor(TwoBranches, EncoderDecoder):
    """Train a host network with priors of a frozen VFM, deploy it without.

    Testing, sliding windows, test-time augmentation and export use the host's
    own methods, which know neither `vfm` nor `samf`. To wrap a host, inherit
    its config and set ``type``, ``vfm`` and ``samf``.

    Args:
        vfm (dict): Config of the frozen VFM, see :class:`FrozenVFM`. Where
            the data samples have `priors`, those are taken instead.
        samf (dict): Config of the fusion, see :class:`SAMFNeck`. Missing
            `in_channels` and `prior_channels` are read from the host (which
            encodes one 64x64 image for that) and from the VFM.
        bottleneck (int | str | Sequence[int]): Index of the encoder feature
            that SAMF replaces in the main branch, before the neck; 'deepest'
            is the last of those with the largest stride. Several indices get
            one SAMF each.
        loss_weights (dict): Factors of the branches' losses, keys 'main' and
            'light'. Defaults to 1 and 1.
        test_branch (str): 'main' keeps the prior at test: for analysis, an
            upper bound of what the prior can tell. Its norms need statistics
            of their own, ``PreciseBNHook(before_test=True)``. Defaults to
            'light', what is deployed.
        backbone, decode_head, neck, auxiliary_head, train_cfg, test_cfg,
            data_preprocessor, pretrained, init_cfg: As in mmseg's
            ``EncoderDecoder``.

    Raises:
        ValueError: If `bottleneck` is out of range, `test_branch` is unknown,
            `loss_weights` has other keys, or the encoder gives other features
            in training than in evaluation; in the first step, if what is
            deployed does not read the feature, or a head changes one in place.
        TypeError: If the host is a cascade, or of another kind.
    """

    index_name = 'bottleneck'

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        vfm: dict,
        samf: dict,
        neck: dict | None = None,
        auxiliary_head: dict | Sequence[dict] | None = None,
        bottleneck: int | str | Sequence[int] = 'deepest',
        loss_weights: dict = dict(main=1.0, light=1.0),
        test_branch: str = 'light',
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        pretrained: str | None = None,
        init_cfg: dict | None = None,
        **foreign: object,
    ):
        if foreign or not isinstance(decode_head, dict):
            names = [*foreign] or 'a list of them'
            raise TypeError(
                'COISDSegmentor is an EncoderDecoder with one decode_head, no '
                f'cascade of heads (OCRNet, PointRend) and without {names}'
            )
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
        check_choice('test_branch', test_branch, ('light', 'main'))
        self.test_branch = test_branch
        self.bottleneck = bottleneck
        # looked up here: torch.compile cannot follow it
        self._encode = encode.dispatch(type(self.backbone))
        self._decode = decode.dispatch(type(self.backbone))
        self._add_main_branch(vfm, samf, loss_weights)

    def _host_feats(self, inputs: Tensor) -> Sequence[Tensor]:
        feats = self._encode(self.backbone, inputs)
        self._single = isinstance(feats, Tensor)
        return [feats] if self._single else feats

    def _head_feats(self, feats: Sequence[Tensor]) -> Sequence[Tensor]:
        feats = feats[0] if self._single else feats
        feats = self._decode(self.backbone, feats)
        return self.neck(feats) if self.with_neck else feats

    def extract_feat(self, inputs: Tensor) -> Sequence[Tensor]:
        """Features for the heads at test, of the branch `test_branch`."""
        if self.test_branch == 'light':
            return super().extract_feat(inputs)
        feats = self._host_feats(inputs)
        priors = self.vfm(self._pixels(inputs))
        return self._head_feats(self._with_prior(feats, priors))

    def _deployed(self, losses: dict) -> dict:
        return {k: v for k, v in losses.items() if k.startswith('decode.')}

    def _laterals(self, feats: list[Tensor]) -> list[Tensor] | None:
        deepest = self._replaced == [len(feats) - 1]
        whole = self._decode is whole_decode and not self.with_neck
        if isinstance(self.decode_head, LateralHead) and deepest and whole:
            return self.decode_head.transfer(feats)
        return None

    def _host_loss(
        self,
        feats: list[Tensor],
        laterals: list[Tensor] | None,
        data_samples: list,
    ) -> dict:
        feats = self._head_feats(feats)
        if laterals is None:
            losses = self._decode_head_forward_train(feats, data_samples)
        else:
            logits = self.decode_head.fuse(laterals, feats[-1])
            losses = self.decode_head.loss_by_feat(logits, data_samples)
            losses = {f'decode.{key}': loss for key, loss in losses.items()}
        if self.with_auxiliary_head:
            losses |= self._auxiliary_head_forward_train(feats, data_samples)
        return losses


def host_cfg(cfg: dict) -> dict:
    """Config of the host alone, which is what is deployed.

    The host of a detector becomes mmdet's ``SingleStageDetector``, which all
    such hosts are at test time. A config without a VFM stays as it is.
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
