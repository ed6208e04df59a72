"""Find targets in images, folders, videos and large frames.

MODEL is the name of a trained network that comes with fdep_mm (--list); an
ONNX file of tools/deployment/export_onnx.py or the name of a classical method,
such as mpcm, which need neither PyTorch nor the OpenMMLab packages; or a
config, with its --weights.

Examples:
    a trained network, on example frames and on a folder
        python tools/infer.py alcnet
        python tools/infer.py alcnet images/
    one image, with config and weights
        python tools/infer.py CONFIG.py image.png --weights best.pth
    a folder with its sub-folders, eight images at a time
        python tools/infer.py model.onnx images/ --batch-size 8 --out-dir out
    a video: overlays/VIDEO.mp4 and the targets of each frame
        python tools/infer.py model.onnx flight.avi --out-dir out
    probability maps for tools/analysis_tools/eval_pngs.py
        python tools/infer.py model.onnx 'images/*.png' --outputs prob
    large frames in tiles of 768 px
        python tools/infer.py model.onnx frame.tif --tile-size 768

Exit codes: 0 everything was searched; 1 some inputs could not be read or
searched, the rest was; 2 wrong arguments or files, or results cannot be
written.
"""

import argparse
import sys
from pathlib import Path

from fdep_mm import zoo
from fdep_mm.apis import Failure, SIRSTInferencer
from fdep_mm.apis.writers import OUTPUTS
from fdep_mm.core.command import Parser, command
from fdep_mm.core.image import MAX_PIXELS
from fdep_mm.core.text import print


def parse_args(argv: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add(
        'model',
        nargs='?',
        help='trained network, ONNX file, config or classical method',
    )
    add(
        'inputs',
        nargs='*',
        help="images, folders, videos, or quoted patterns such as 'a/*.png' "
        '(synthetic example frames)',
    )
    add('--list', action='store_true', help='show the trained networks')
    add('--weights', help='of the config: checkpoint or trained network')
    add(
        '--device',
        help='cpu, cuda:0, ... (default: a GPU if there is one; ONNX: cpu)',
    )
    add('--out-dir', default='outputs', help='folder of results (%(default)s)')
    add(
        '--outputs',
        nargs='+',
        choices=OUTPUTS,
        default=['json', 'csv', 'overlay'],
        help='what to write (json csv overlay)',
    )
    add('--threshold', type=float, help="from 0 to 1 (the network's own)")
    add('--batch-size', type=int, default=1)
    add('--tile-size', type=int, default=512, help='px (%(default)s)')
    add('--overlap', type=int, default=128, help='of tiles, px (%(default)s)')
    add(
        '--tile-above',
        type=int,
        default=1024,
        help='cut frames whose longer side exceeds it, px (%(default)s)',
    )
    add(
        '--max-pixels',
        type=int,
        default=MAX_PIXELS,
        help='refuse larger image files, before decoding (%(default)s)',
    )
    add('--no-progress', action='store_true', help='no progress bar')
    # not parse_args: that would take inputs after an option for too many
    # A shell's pattern may have found files that are called like options.
    args = parser.parse_intermixed_args(
        [f'./{a}' if a[:1] == '-' and Path(a).is_file() else a for a in argv]
    )
    if args.model is None and not args.list:
        parser.error('name a model, or show the trained networks with --list')
    return args


def run(args: argparse.Namespace) -> int:
    """Search the inputs; returns the exit code."""
    if args.list:
        print(zoo.table(zoo.files()))
        return 0
    whole = Path(args.model).suffix.lower() in ('.onnx', '.safetensors')
    if args.weights is None and not whole and not zoo.is_name(args.model):
        raise ValueError(
            f'model {args.model!r} is a config: name its checkpoint with '
            '--weights, or give an ONNX file'
        )
    inferencer = SIRSTInferencer(
        args.model,
        args.weights,
        args.device,
        tile_size=args.tile_size,
        overlap=args.overlap,
        tile_above=args.tile_above,
        show_progress=not args.no_progress,
        max_pixels=args.max_pixels,
    )
    if not args.inputs:
        print(f'no inputs given: searching the examples, {zoo.EXAMPLES}')
    inputs = args.inputs or [str(zoo.EXAMPLES)]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    images = targets = 0
    failures = []
    for item in inferencer.stream(
        inputs, args.batch_size, args.threshold, args.out_dir, args.outputs
    ):
        if isinstance(item, Failure):
            failures.append(item)
        else:
            images += 1
            targets += len(item.targets)
    for failure in failures:
        print(f'error: {failure.message}', file=sys.stderr)
    print(f'{images} images, {targets} targets: {args.out_dir}')
    if failures:
        print(f'{len(failures)} inputs failed', file=sys.stderr)
    return 1 if failures else 0


# RuntimeError: of a device, such as one without memory
@command(TypeError, RuntimeError)
def main() -> int:
    """Run; returns the exit code."""
    return run(parse_args(sys.argv[1:]))


if __name__ == '__main__':
    sys.exit(main())
