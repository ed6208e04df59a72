"""Parameters and operations of a network, and what FDEP adds to it: nothing.

For an FDEP config the light branch, which is what is deployed, is counted
beside the plain host; the exit code is 1 should they differ.

Example:
    python tools/analysis_tools/get_flops.py \
        configs/fdep/fdep_alcnet_1xb16-400e_nuaa-sirst-256x256.py
"""

import sys

import torch
from torch.utils.flop_counter import FlopCounterMode

from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import open_config
from fdep_mm.models.segmentors import host_cfg
from fdep_mm.registry import MODELS


def count(model_cfg: dict, size: tuple[int, int]) -> tuple[int, int]:
    """Parameters and multiply-adds of a test, by one image of this size."""
    model = MODELS.build(model_cfg).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, *size))
    weights = model.named_parameters()
    params = sum(w.numel() for k, w in weights if not k.startswith('samf.'))
    return params, counter.get_total_flops() // 2


@command()
def main() -> None:
    """Print the numbers of the network, and of its host under FDEP."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', help='config of a host or an FDEP network')
    add('--shape', type=int, nargs=2, default=(256, 256), metavar=('H', 'W'))
    args = parser.parse_args()
    cfg = open_config(args.config)
    rows = {'host': count(host_cfg(cfg.model), args.shape)}
    if 'vfm' in cfg.model:
        rows['light branch'] = count(cfg.model, args.shape)
    height, width = args.shape
    for name, (params, macs) in rows.items():
        print(
            f'{name:14s}{params:12,d} parameters {macs:16,d} multiply-adds '
            f'at 1x3x{height}x{width}'
        )
    if len(set(rows.values())) > 1:
        print('error: the light branch differs from the host', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
