"""Where a segmentor sees targets, whatever its head gives."""

from torch import Tensor


def foreground(maps: Tensor, name: str) -> Tensor:
    """Probability of targets from the ``seg_logits`` of a sample of mmseg.

    Two channels of logits are compared by softmax. Heads that classify masks
    (MaskFormer, Mask2Former) give evidence, which is never negative; the
    probability is the share of the second channel.

    Args:
        maps (Tensor): (1, H, W), a probability already, or (2, H, W).

    Returns:
        Tensor: (1, H, W) in 0..1, above 0.5 where mmseg predicts a target.
    """
    if maps.dim() != 3 or len(maps) not in (1, 2):
        raise ValueError(
            f'{name}: seg_logits must be (1, H, W) or (2, H, W), got '
            f'{tuple(maps.shape)}; set num_classes=2 in the decode head'
        )
    if len(maps) == 1:
        return maps
    background, target = maps[:1], maps[1:]
    if maps.min() < 0:
        return (target - background).sigmoid()
    return target / (target + background).clamp(min=1e-12)
