"""Submodules of a TorchNet that `bottleneck` can name: shape and stride.

Runs the network of a config on one image, in evaluation mode. A line is
printed for each submodule that runs once and gives a feature map, indented as
the modules are nested; `[i]` is the `index` of an output with several. The
deepest one before the decoder, which every later map depends on, is the usual
choice.

Example:
    python tools/analysis_tools/bottlenecks.py my_unet.py
"""

import sys

import torch
from torch import Tensor, nn

from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import open_config
from fdep_mm.registry import MODELS


def feature_maps(net: nn.Module, image: Tensor) -> dict[str, list]:
    """Outputs of each submodule by its name, one item for each call."""
    outputs: dict[str, list] = {}
    for name, module in net.named_modules():
        module.register_forward_hook(
            lambda *args, name=name: outputs.setdefault(name, []).append(
                args[-1]
            )
        )
    with torch.no_grad():
        net.eval()(image)
    return outputs


def lines(outputs: dict[str, list], side: int) -> list[str]:
    """What is printed."""
    found = []
    for name, calls in outputs.items():
        if len(calls) > 1 or not name:
            continue
        (result,) = calls
        if isinstance(result, Tensor):
            result = {'': result}
        elif isinstance(result, (list, tuple)):
            result = {f'[{i}]': item for i, item in enumerate(result)}
        for index, item in result.items():
            if isinstance(item, Tensor) and item.ndim == 4:
                shown = '  ' * name.count('.') + name + str(index)
                channels, height = item.shape[1:3]
                found.append(
                    f'{shown:50s}{channels:6d} channels, stride '
                    f'{side / height:g}'
                )
    return found


@command()
def main() -> None:
    """Print the candidates, in the order in which they run."""
    parser = Parser(__doc__)
    parser.add_argument('config', help='its backbone is an fdep_mm.TorchNet')
    args = parser.parse_args()
    backbone = open_config(args.config).model.backbone
    if backbone.type.split('.')[-1] != 'TorchNet':
        raise ValueError(f'the backbone of {args.config} is {backbone.type}')
    host = MODELS.build(dict(backbone, bottleneck=None))
    side = host.image_size
    image = torch.zeros(1, host.in_channels, side, side)
    print('\n'.join(lines(feature_maps(host.net, image), side)))


if __name__ == '__main__':
    sys.exit(main())
