"""Convert other people's weights of our networks.

Reads state dicts with the names of PAL, BasicIRSTD, the repositories of
DNA-Net and MSDA-Net and packages with the same code, and the MXNet files
(.params) of ACM and the original ALCNet; tensors only. Every tensor must fit
by name and shape; what is never run, or is no weight, is left out and named.
ACM, ALCNet and UIU-Net have batch norms in BasicIRSTD's, PepperPepper's and
ACM's own modulation: give those a config with
`decode_head=dict(norm_cfg=dict(type='BN'))`, ACM's own also
`num_blocks=4, tiny=True` in both parts.

Example:
    python tools/model_converters/peers.py ACM.pth.tar CONFIG.py acm.pth
"""

import math
import re
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from peer_names import LEFT_OUT, MAXIMUM_FIRST, NAMES
from torch import Tensor

from fdep_mm.core.checkpoints import read_checkpoint, write_checkpoint
from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import open_config
from fdep_mm.core.text import print
from fdep_mm.models.segmentors import host_cfg
from fdep_mm.registry import MODELS


class MXNetFile:
    """Arrays that MXNet saved, without MXNet.

    All numbers are little-endian: a magic number, a reserved one, the count
    of arrays, the arrays, the count of names, and the names with their
    lengths. An array is a magic number, a kind of storage (0: dense), its
    shape, a device, a type and the values.
    """

    FILE, ARRAY = 0x112, 0xF993FAC9
    FLOATS = {0: '<f4', 1: '<f8', 2: '<f2'}

    def __init__(self, path: str) -> None:
        self.data = Path(path).read_bytes()
        self.place = 0

    def numbers(self, kinds: str) -> tuple[int, ...]:
        """The next numbers, of the kinds that `struct` names."""
        found = struct.unpack_from('<' + kinds, self.data, self.place)
        self.place += struct.calcsize('<' + kinds)
        return found

    def array(self) -> Tensor:
        """The next array."""
        magic, storage, ndim = self.numbers('IiI')
        if (magic, storage) != (self.ARRAY, 0):
            raise ValueError('sparse, or of another version of MXNet')
        shape = self.numbers(f'{ndim}q')
        *_, kind = self.numbers('iii')
        values = np.frombuffer(
            self.data, self.FLOATS[kind], math.prod(shape), self.place
        )
        self.place += values.nbytes
        return torch.from_numpy(values.reshape(shape).copy())

    def name(self) -> str:
        """The next name."""
        (length,) = self.numbers('Q')
        (text,) = self.numbers(f'{length}s')
        return text.decode()

    def read(self) -> dict[str, Tensor]:
        """All arrays by name."""
        magic, _, count = self.numbers('QQQ')
        if magic != self.FILE:
            raise ValueError('it does not begin as such files do')
        arrays = [self.array() for _ in range(count)]
        (count,) = self.numbers('Q')
        names = [self.name() for _ in range(count)]
        return dict(zip(names, arrays, strict=True))


def read(path: str) -> dict[str, Tensor]:
    """Their state dict."""
    if path.endswith('.params'):
        try:
            return MXNetFile(path).read()
        except (ValueError, KeyError, struct.error) as error:
            raise ValueError(
                f'{path} holds no arrays of MXNet: {error}'
            ) from error
    state = read_checkpoint(path)
    for key in ('state_dict', 'net', 'model'):
        if isinstance(state, dict):
            state = state.get(key, state)
    if not isinstance(state, dict):
        raise ValueError(f'{path} holds no state dict')
    return state


def renamed(state: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """Their tensors as ours, for an encoder of this type."""
    found = {}
    for key, value in state.items():
        for pattern, name in NAMES[kind]:
            key = re.sub(pattern, name, key)
        if not isinstance(value, Tensor):
            raise ValueError(f'{key} is no tensor but {type(value).__name__}')
        if re.match(MAXIMUM_FIRST.get(kind, r'\Z'), key):
            value = value.flip(1)
        if value.ndim == 2:  # linear layers, here 1x1 convolutions
            value = value[..., None, None]
        found[key] = value
    return found


def problems(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[str]:
    """Names and shapes that do not fit, a line each."""
    shapes = [
        {k: tuple(v.shape) for k, v in s.items()} for s in (found, wanted)
    ]
    return [
        f'{key}: {shapes[0].get(key, "none")} in the file, '
        f'{shapes[1].get(key, "none")} in the config'
        for key in sorted(shapes[0].keys() | shapes[1].keys())
        if shapes[0].get(key) != shapes[1].get(key)
    ]


@command()
def main() -> None:
    """Rename, compare, write."""
    parser = Parser(__doc__)
    parser.add_argument('src', help='their checkpoint')
    parser.add_argument('config', help='of the network here')
    parser.add_argument('out', type=Path)
    args = parser.parse_args()
    cfg = open_config(args.config)
    kind = cfg.model.backbone.type.split('.')[-1]
    if kind not in NAMES:
        raise ValueError(f'no names are known for {kind}: {[*NAMES]} only')
    found = renamed(read(args.src), kind)
    left_out = [k for k in found if re.match(LEFT_OUT.get(kind, r'\Z'), k)]
    for key in left_out:
        del found[key]
    wanted = MODELS.build(host_cfg(cfg.model)).state_dict()
    for key in wanted:
        if key.endswith('num_batches_tracked'):  # MXNet does not count them
            found.setdefault(key, wanted[key])
    wrong = problems(found, wanted)
    if wrong:
        raise ValueError('\n'.join([f'{args.src} does not fit:', *wrong]))
    write_checkpoint(args.out, dict(state_dict=found))
    print(f'{args.out}: {len(found)} tensors')
    if left_out:
        print(
            'left out, as they are never run or no weights: '
            f'{", ".join(left_out)}'
        )


if __name__ == '__main__':
    sys.exit(main())
