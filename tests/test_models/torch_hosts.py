"""Networks as users have them, and one of them cut by hand."""

import torch
from builders import fdep_cfg, host_cfg
from mmengine.model import BaseModule
from torch import nn
from torch.utils.checkpoint import checkpoint

from fdep_mm.models.layers import SIRSTHead
from fdep_mm.registry import MODELS


def block(before: int, after: int, dropout: float = 0.0) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
    )


class Encoder(nn.Module):
    def __init__(self, dropout: float = 0.0):
        super().__init__()
        self.stem = block(3, 8, dropout)
        self.deep = nn.Sequential(nn.MaxPool2d(2), block(8, 16))

    def forward(self, x):
        skip = self.stem(x)
        return skip, self.deep(skip)


class Decoder(nn.Module):
    def __init__(self, dropout: float = 0.0):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2)
        self.fuse = block(24, 8, dropout)
        self.logits = nn.Conv2d(8, 1, 1)

    def forward(self, feats):
        skip, deep = feats
        return self.logits(self.fuse(torch.cat([skip, self.up(deep)], 1)))


class Net(nn.Module):
    def __init__(self, dropout: float = 0.0):
        super().__init__()
        self.encoder = Encoder(dropout)
        self.decoder = Decoder(dropout)

    def forward(self, x):
        return self.decoder(self.encoder(x))


class DecidesOnData(Net):
    def forward(self, x):
        skip, deep = self.encoder(x if x.mean() > 100 else x * 2)
        if float(deep.mean()) > -100:
            deep = deep + 1
        return self.decoder((skip, deep))


class Checkpointed(Net):
    def forward(self, x):
        skip = checkpoint(self.encoder.stem, x, use_reentrant=False)
        return self.decoder((skip, self.encoder.deep(skip)))


class DeeplySupervised(Net):
    def __init__(self):
        super().__init__()
        self.side = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        skip, deep = self.encoder(x)
        last = self.decoder((skip, deep))
        return ([self.side(deep)], last) if self.training else last


class GivesDict(Net):
    def forward(self, x):
        return dict(out=super().forward(x), feature=x)


class EndsInSigmoid(Net):
    def forward(self, x):
        return super().forward(x).sigmoid()


class Cropped(Net):
    def forward(self, x):
        return super().forward(x)[..., 2:-2, 2:-2]


class Twice(Net):
    def forward(self, x):
        skip, deep = self.encoder(x)
        return self.decoder((skip, self.encoder.deep(skip) + deep))


class PythonRandom(Net):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x.abs() if self.calls % 2 else x.neg())


class ChangesSkip(Net):
    def forward(self, x):
        skip, deep = self.encoder(x)
        skip += 1
        return self.decoder((skip, deep))


@MODELS.register_module(force=True)
class HandCutEncoder(Encoder, BaseModule):
    pass


@MODELS.register_module(force=True)
class HandCutHead(SIRSTHead):
    def __init__(self, dropout: float):
        super().__init__(in_channels=(8, 16))
        self.decoder = Decoder(dropout)

    def forward(self, inputs):
        return self.decoder(inputs)


def torch_cfg(net: str, fdep: bool = True, **kwargs) -> dict:
    """A network of this file (or another place) as a host."""
    net = net if ':' in net else f'torch_hosts:{net}'
    return (fdep_cfg() if fdep else host_cfg()) | dict(
        backbone=dict(
            dict(type='fdep_mm.TorchNet', bottleneck='encoder.deep', net=net),
            **kwargs,
        ),
        decode_head=dict(type='fdep_mm.IdentityHead'),
    )


def hand_cut_cfg(dropout: float) -> dict:
    return fdep_cfg() | dict(
        backbone=dict(type='fdep_mm.HandCutEncoder', dropout=dropout),
        decode_head=dict(type='fdep_mm.HandCutHead', dropout=dropout),
    )
