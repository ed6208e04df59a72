"""Weights of networks that were not trained, made to differ."""

from torch import nn


def stir(host: nn.Module) -> nn.Module:
    """Give norms statistics, and logits values on both sides of 0."""
    for module in host.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
            if module.affine:
                nn.init.uniform_(module.weight, 0.8, 1.2)
                nn.init.normal_(module.bias, std=0.1)
    if hasattr(host, 'decode_head'):
        for module in host.decode_head.modules():
            if isinstance(module, nn.Conv2d) and module.out_channels == 1:
                nn.init.normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return host
