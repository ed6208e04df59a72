"""Host networks, one file per paper; any other network."""

from .acm import ACMEncoder, ACMHead
from .alclnet import ALCLNetEncoder, ALCLNetHead
from .alcnet import ALCNetEncoder, ALCNetHead
from .alcnet_orig import ALCNetOrigEncoder, ALCNetOrigHead
from .dnanet import DNANetEncoder, DNANetHead
from .gglnet import GGLNetEncoder, GGLNetHead
from .mlclnet import MLCLNetEncoder, MLCLNetHead
from .msdanet import MSDANetEncoder, MSDANetHead
from .torch_net import IdentityHead, TorchNet
from .uiunet import UIUNetEncoder, UIUNetHead

__all__ = [
    'ACMEncoder',
    'ACMHead',
    'ALCLNetEncoder',
    'ALCLNetHead',
    'ALCNetEncoder',
    'ALCNetHead',
    'ALCNetOrigEncoder',
    'ALCNetOrigHead',
    'DNANetEncoder',
    'DNANetHead',
    'GGLNetEncoder',
    'GGLNetHead',
    'IdentityHead',
    'MLCLNetEncoder',
    'MLCLNetHead',
    'MSDANetEncoder',
    'MSDANetHead',
    'TorchNet',
    'UIUNetEncoder',
    'UIUNetHead',
]
