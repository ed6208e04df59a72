"""Extract a network's own state dict from a checkpoint of TorchNet.

Takes the keys below `backbone.net.`, without this prefix, and leaves out what
FDEP trained beside the network. The network's own code loads the file:
`net.load_state_dict(torch.load(OUT))`.

Example:
    python tools/model_converters/unwrap.py work_dirs/a/epoch_100.pth net.pth
"""

import sys
from pathlib import Path

from fdep_mm.core.checkpoints import read_checkpoint, write_checkpoint
from fdep_mm.core.command import Parser, command
from fdep_mm.core.text import print

PREFIX = 'backbone.net.'


@command()
def main() -> None:
    """Read, take the prefix off, write."""
    parser = Parser(__doc__)
    parser.add_argument('checkpoint')
    parser.add_argument('out', type=Path)
    args = parser.parse_args()
    checkpoint = read_checkpoint(args.checkpoint)
    state = {
        key.removeprefix(PREFIX): value
        for key, value in checkpoint.get('state_dict', checkpoint).items()
        if key.startswith(PREFIX)
    }
    if not state:
        raise ValueError(
            f'{args.checkpoint} has no keys {PREFIX}..., so it is not of a '
            'TorchNet'
        )
    write_checkpoint(args.out, state)
    print(f'{args.out}: {len(state)} tensors')


if __name__ == '__main__':
    sys.exit(main())
