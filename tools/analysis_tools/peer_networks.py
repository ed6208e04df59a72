"""Networks of other packages; used by benchmark_peer_networks.py."""

import sys
import zlib
from contextlib import redirect_stdout
from importlib import import_module
from importlib.machinery import PathFinder
from io import StringIO
from pathlib import Path

import mmseg
import torch
from mmengine.config import Config
from torch import Tensor, nn

from fdep_mm.deployment.light_branch import build_light_branch

# Files of the folder _base_/models that mmseg's package has.
MMSEG = {
    'mmseg:unet-s5-d16': 'fcn_unet_s5-d16.py',
    'mmseg:fast-scnn': 'fast_scnn.py',
    'mmseg:bisenetv2': 'bisenetv2.py',
    'mmseg:segformer-b0': 'segformer_mit-b0.py',
}
# Module, how to build the network from it, channels of its image.
PEPPERPEPPER = {
    'pepperpepper:ACM': ('ACM', lambda m: m.ASKCResUNet(), 3),
    'pepperpepper:ALCNet': (
        'ALCNet',
        lambda m: m.ASKCResNetFPN(in_channels=3),
        3,
    ),
    'pepperpepper:DNANet': ('DNANet', lambda m: m.DNANet(input_channels=3), 3),
    'pepperpepper:UIUNet': ('UIUNet', lambda m: m.UIUNET(in_ch=3), 3),
    'pepperpepper:MSHNet': ('MSHNet', lambda m: m.MSHNet(), 3),
    'pepperpepper:SCTransNet': (
        'SCTransNet',
        lambda m: m.SCTransNet(m.get_SCTrans_config(), mode='test'),
        1,
    ),
}
PEERS = (*MMSEG, *PEPPERPEPPER)
# Encoders of ours whose networks PepperPepper has, too.
SAME = {
    f'fdep_mm.{name}Encoder': f'pepperpepper:{name}'
    for name in ('ACM', 'ALCNet', 'DNANet', 'UIUNet')
}


def has_pepperpepper(folder: str | None) -> bool:
    """Whether the package is installed, or is in the folder."""
    paths = [*sys.path, *([folder] if folder else [])]
    return PathFinder.find_spec('PepperPepper', paths) is not None


class PeerNetwork(nn.Module):
    """A network of another package between pixels and probabilities.

    Args:
        net (nn.Module): Gives logits (B, 1, H, W), or several with the final
            ones last.
        channels (int): Channels of its image, 1 or 3.
        preprocessor (dict): Of a config.
    """

    def __init__(self, net: nn.Module, channels: int, preprocessor: dict):
        super().__init__()
        self.net = net
        self.channels = channels
        self.bgr_to_rgb = preprocessor.get('bgr_to_rgb', False)
        for name in ('mean', 'std'):
            value = torch.tensor(preprocessor[name]).view(-1, 1, 1)
            self.register_buffer(name, value)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in 0..255 -> (B, 1, H, W) probabilities."""
        x = images.flip(1) if self.bgr_to_rgb else images
        x = (x - self.mean) / self.std
        found = self.net(x[:, : self.channels])
        return (found if torch.is_tensor(found) else found[-1]).sigmoid()


def build_network(name: str, config: str) -> nn.Module:
    """Build a network with random weights, from pixels to probabilities.

    Args:
        name (str): One of `PEERS`, or anything else for the config's own.
        config (str): One of our configs; a peer takes its normalisation.

    Returns:
        nn.Module: (B, 3, H, W) in 0..255 -> (B, 1, H, W), in evaluation mode.

    Raises:
        ImportError: PepperPepper or what it needs is missing.
    """
    cfg = Config.fromfile(config)
    preprocessor = cfg.model.data_preprocessor
    if name in PEPPERPEPPER:
        module, build, channels = PEPPERPEPPER[name]
        with redirect_stdout(StringIO()):  # it prints
            module = import_module(f'PepperPepper.IRSTD.models.{module}')
            net = build(module)
        return PeerNetwork(net, channels, preprocessor)
    if name in MMSEG:
        cfg.model = dict(_mmseg_model(name), data_preprocessor=preprocessor)
    return build_light_branch(cfg, None)


def _mmseg_model(name: str) -> dict:
    """mmseg's own model, with one output channel and what is deployed only."""
    folder = Path(mmseg.__file__).parent / '.mim/configs/_base_/models'
    model = Config.fromfile(folder / MMSEG[name]).model
    model.pop('auxiliary_head', None)
    model.test_cfg = dict(mode='whole')
    loss = dict(type='CrossEntropyLoss', use_sigmoid=True)
    model.decode_head.update(
        num_classes=2, out_channels=1, threshold=0.5, loss_decode=loss
    )
    return model


@torch.no_grad()
def tie_weights(network: nn.Module) -> None:
    """Give tensors of equal shapes equal values, whatever the layers' names.

    Two networks that compute the same from the same weights then give the
    same answers, and nobody has to know which layer is which.
    """
    for name, value in network.state_dict().items():
        kind = name.rpartition('.')[2]
        if kind not in ('weight', 'bias', 'running_mean', 'running_var'):
            continue
        seed = zlib.crc32(f'{kind} {tuple(value.shape)}'.encode())
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(value.shape, generator=generator)
        if value.ndim > 1:
            value.copy_(noise * value[0].numel() ** -0.5)
        elif kind in ('bias', 'running_mean'):
            value.copy_(0.1 * noise)
        else:
            value.copy_(1 + 0.1 * noise.abs())


def replace_group_norms(network: nn.Module) -> None:
    """Put batch norms where PepperPepper has them and we group norms."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.GroupNorm):
                norm = nn.BatchNorm2d(child.num_channels, child.eps)
                setattr(parent, name, norm.eval())
