"""Find targets in images, folders, videos and large frames.

MODEL is the name of a trained network that comes with fdep_mm (--list); an
ONNX file of tools/deployment/export_onnx.py or the name of a classical method,
such as mpcm, which need neither PyTorch nor the OpenMMLab packages; a
checkpoint (.pth) that MMEngine wrote; or a config, with its --weights.

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
    14 bits in 16, as cameras give them
        python tools/infer.py alcnet frame.png --gray-range 7000 9040
    a camera by its number, or by its address
        python tools/infer.py alcnet 0 --on-late drop --outputs jsonl
        python tools/infer.py alcnet rtsp://camera/1 --allow-network \\
            --outputs jsonl
    frames that another program sends
        camera | python tools/infer.py alcnet - --raw 640x512xuint16

Exit codes: 0 everything was searched; 1 some inputs could not be read or
searched, the rest was; 2 wrong arguments or files, or results cannot be
written; 130 interrupted, 143 terminated: what was found is written.
"""

import argparse
import signal
import sys
from contextlib import closing
from pathlib import Path

from fdep_mm import zoo
from fdep_mm.apis import Failure, SIRSTInferencer
from fdep_mm.apis.opening import CHECKPOINTS, RUNTIMES
from fdep_mm.apis.outputs import DEFAULT, OUTPUTS
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
        help='trained network, ONNX file, checkpoint, config or method',
    )
    add(
        'inputs',
        nargs='*',
        help="images, folders, videos, quoted patterns such as 'a/*.png', "
        'numbers of cameras, addresses, - (synthetic example frames)',
    )
    add('--list', action='store_true', help='show the trained networks')
    add('--weights', help='of the config: checkpoint or trained network')
    add(
        '--device',
        help='cpu, cuda:0, ... (default: a GPU if there is one; ONNX: cpu)',
    )
    add(
        '--runtime',
        choices=RUNTIMES,
        help='run the ONNX file of a trained network by it',
    )
    add('--out-dir', default='outputs', help='folder of results')
    add(
        '--outputs',
        nargs='+',
        choices=OUTPUTS,
        default=DEFAULT,
        help=f'what to write ({" ".join(DEFAULT)})',
    )
    add('--overwrite', action='store_true', help='deletes earlier tables')
    add('--threshold', type=float, help="from 0 to 1 (the network's own)")
    add('--batch-size', type=int, default=1)
    add('--tile-size', type=int, default=512, help='px')
    add('--overlap', type=int, default=128, help='of tiles, px')
    add('--tile-above', type=int, default=1024, help='cut longer ones, px')
    add(
        '--max-pixels',
        type=int,
        default=MAX_PIXELS,
        help='refuse larger images and frames',
    )
    add(
        '--gray-range',
        nargs='+',
        type=_number,
        metavar='WORD',
        help='what becomes black and white: LOW HIGH; minmax or percentile P '
        "Q of each frame; dtype, the range of the type (the network's own)",
    )
    add(
        '--gray-range-from',
        choices=('frame', 'first'),
        default='frame',
        help='each frame, or the first of a video that is not flat',
    )
    add('--allow-network', action='store_true', help='open addresses')
    add('--raw', metavar='WxHxTYPE', help='frames on the standard input')
    add(
        '--on-late',
        choices=('wait', 'drop'),
        default='wait',
        help='frames of cameras that come too fast',
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


def _number(word: str) -> str | float:
    try:
        return float(word)
    except ValueError:
        return word


def run(args: argparse.Namespace) -> int:
    """Search the inputs; returns the exit code."""
    if args.list:
        print(zoo.table(zoo.files()))
        return 0
    whole = Path(args.model).suffix.lower() in ('.onnx', *CHECKPOINTS)
    if args.weights is None and not whole and not zoo.is_name(args.model):
        raise ValueError(
            f'model {args.model!r} is no ONNX file, checkpoint or name (see '
            '--list); of a config, give the checkpoint with --weights'
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
        runtime=args.runtime,
        gray_range=args.gray_range,
        gray_range_from=args.gray_range_from,
        allow_network=args.allow_network,
        raw=args.raw,
        on_late=args.on_late,
    )
    if not args.inputs:
        print(f'no inputs given: searching the examples, {zoo.EXAMPLES}')
    inputs = args.inputs or [str(zoo.EXAMPLES)]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    images = targets = 0
    failures = []
    stream = inferencer.stream(
        inputs,
        args.batch_size,
        args.threshold,
        args.out_dir,
        args.outputs,
        args.overwrite,
    )
    stopped = None
    try:
        with closing(stream):  # writes what was found
            for item in stream:
                if isinstance(item, Failure):
                    failures.append(item)
                else:
                    images += 1
                    targets += len(item.targets)
    except (KeyboardInterrupt, Terminated) as error:
        stopped = error
    for failure in failures:
        print(f'error: {failure.message}', file=sys.stderr)
    print(f'{images} images, {targets} targets: {args.out_dir}')
    if inferencer.dropped:
        print(f'{inferencer.dropped} frames came too late and were left out')
    if failures:
        print(f'{len(failures)} inputs failed', file=sys.stderr)
    if stopped is not None:
        raise stopped
    return 1 if failures else 0


class Terminated(BaseException):
    """SIGTERM."""


def _terminate(*_: object) -> None:
    raise Terminated


# RuntimeError: of a device, such as one without memory
@command(TypeError, RuntimeError)
def main() -> int:
    """Run; returns the exit code."""
    args = parse_args(sys.argv[1:])
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return run(args)
    except Terminated:
        print('terminated; what was written so far is kept', file=sys.stderr)
        return 143


if __name__ == '__main__':
    sys.exit(main())
