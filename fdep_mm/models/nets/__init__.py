"""Host networks, one file per paper."""

from .acm import ACMEncoder, ACMHead
from .alcnet import ALCNetEncoder, ALCNetHead

__all__ = ['ACMEncoder', 'ACMHead', 'ALCNetEncoder', 'ALCNetHead']
