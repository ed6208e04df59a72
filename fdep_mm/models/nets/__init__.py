"""Host networks, one file per paper; any other network.

All differ from their papers in where they start: the untrained head predicts
a target probability of 0.01 (`prior_prob`), see :class:`SIRSTHead`. Each file
names what else differs.
"""

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
