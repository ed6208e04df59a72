"""What is deployed of a network: from pixels to probabilities or boxes."""

import warnings
from pathlib import Path

import torch
from mmengine.config import Config
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.utils import resize
from torch import Tensor, nn

from fdep_mm.apis.card import ModelCard
from fdep_mm.apis.torch_backend import TorchBackend

from .card import make_card


class LightBranch(nn.Module):
    """The host from pixels to answers; ValueError for unsupported hosts."""

    def __init__(self, host: nn.Module, card: ModelCard, bgr_to_rgb: bool):
        super().__init__()
        _check_host(host, card.task)
        self.host = host
        self.card = card
        self.bgr_to_rgb = bgr_to_rgb
        self.register_buffer('mean', torch.tensor(card.mean).view(-1, 1, 1))
        self.register_buffer('std', torch.tensor(card.std).view(-1, 1, 1))
        self.eval()

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Run the host.

        Args:
            images (Tensor): (B, 3, H, W) in 0..255, BGR if `bgr_to_rgb`.

        Returns:
            Tensor | tuple[Tensor]: (B, 1, H, W) probabilities of target; or
            boxes (B, M, 4) in px, their scores and score factors (B, M, 1).
        """
        x = images.flip(1) if self.bgr_to_rgb else images
        x = (x - self.mean) / self.std
        feats = self.host.extract_feat(x)
        if self.card.task == 'detection':
            return _decode(self.host.bbox_head, feats)
        head = self.host.decode_head
        logits = head(feats)
        if logits.shape[2:] != x.shape[2:]:
            way = dict(mode='bilinear', align_corners=head.align_corners)
            logits = resize(logits, x.shape[2:], **way)
        return logits.sigmoid()


def _decode(head: nn.Module, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    # Not at the top: it needs mmdet.
    from fdep_mm.models.dense_heads.oscar_decoding import decode_scores

    maps = head(feats)
    boxes, _ = head.decode_boxes(maps)
    return boxes, *decode_scores(maps)


def _check_host(host: nn.Module, task: str) -> None:
    if task == 'detection':
        if not hasattr(host.bbox_head, 'decode_boxes'):
            raise ValueError(
                f'bbox_head {type(host.bbox_head).__name__}: only detectors '
                'with an OSCARHead can be exported'
            )
    elif not isinstance(host, EncoderDecoder) or (
        host.decode_head.out_channels != 1
    ):
        raise ValueError(
            f'model {type(host).__name__}: only an EncoderDecoder whose '
            'decode_head has out_channels=1 can be exported'
        )
    elif (host.test_cfg or {}).get('mode', 'whole') != 'whole':
        raise ValueError(
            f'test_cfg.mode={host.test_cfg.mode!r}: an exported file searches '
            "whole images; set model.test_cfg.mode='whole' (infer.py cuts "
            'large frames by itself)'
        )


def build_light_branch(
    cfg: Config, checkpoint: str | Path | None
) -> LightBranch:
    """Build what is deployed of a config, in evaluation mode on the CPU.

    Errors are those of :class:`.TorchBackend`; ValueError, too, where this
    kind of network cannot be exported.
    """
    with warnings.catch_warnings():
        if checkpoint is None:  # asked for
            warnings.filterwarnings('ignore', 'no weights given')
        backend = TorchBackend(cfg, checkpoint, device='cpu')
    preprocessor = cfg.model.get('data_preprocessor') or {}
    bgr_to_rgb = preprocessor.get('bgr_to_rgb', False)
    return LightBranch(backend.model, make_card(cfg, backend), bgr_to_rgb)
