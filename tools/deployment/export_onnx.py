"""Export a trained network to ONNX, to be run without PyTorch.

Only the light branch of an FDEP network is exported. The file takes images
of any number and size, (N, 3, H, W) float32 in 0..255 (height and width
multiples of its stride; BGR, as OpenCV reads them), and gives probabilities
of target (N, 1, H, W): normalization and sigmoid are inside. An OSCAR file
gives boxes, scores and score factors of all cells. Mean, std, stride,
threshold, classes and more are in the file's metadata. It is compared with
PyTorch before it is written.

Examples:
    python tools/deployment/export_onnx.py \\
        configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py acm.pth
    python tools/deployment/export_onnx.py CONFIG.py WEIGHTS.pth \\
        --out deploy/net.onnx --fp16 --int8
    python tools/deployment/export_onnx.py CONFIG.py WEIGHTS.pth --int8 \\
        --calib-images 64 --eval-images 100 --cfg-options \\
        train_dataloader.dataset.data_root=data/mine \\
        test_dataloader.dataset.data_root=data/mine

Run what is written by its name: fdep_mm.apis.SIRSTInferencer('net.onnx').

Exit codes: 0 all is well, 1 the file differs from PyTorch (nothing is
written), 2 wrong input.
"""

import argparse
import logging
import sys
from pathlib import Path

from fdep_mm.core.command import Parser, command, number
from fdep_mm.core.config_check import open_config
from fdep_mm.core.options import add_cfg_options
from fdep_mm.core.text import print
from fdep_mm.core.whole import write_whole


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', type=Path, help='of a host or FDEP network')
    add('checkpoint', help='its weights, a file or a URL')
    add('--out', type=Path, help='file to write (default: CONFIG.onnx here)')
    add(
        '--tolerance',
        type=float,
        default=1e-4,
        help='largest accepted difference to PyTorch',
    )
    add('--fp16', action='store_true', help='write OUT-fp16.onnx as well')
    add(
        '--int8',
        action='store_true',
        help='write OUT-int8.onnx as well, calibrated on training images',
    )
    add(
        '--calib-images',
        type=number(int, 1),
        default=32,
        metavar='N',
        help='training images to calibrate on',
    )
    add(
        '--eval-images',
        type=number(int, 1),
        metavar='N',
        help='test images to score --fp16 and --int8 on (default: all)',
    )
    add_cfg_options(parser)
    return parser.parse_args()


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole, or not at all."""
    write_whole(path, content, 'export again')
    print(f'wrote {path} ({len(content) / 1e6:.2f} MB)', flush=True)


@command(KeyError, TypeError)
def main() -> int:
    """Export, check, convert, write; returns the exit code."""
    args = parse_args()
    logging.disable(logging.WARNING)  # of the libraries below
    cfg = open_config(args.config, args.cfg_options)
    try:  # not at the top: a wrong path should not wait for them
        from fdep_mm.deployment import checked_export
        from fdep_mm.deployment.images import Images, batch
    except ModuleNotFoundError as error:
        raise ImportError(
            f'{error}; exporting needs: pip install onnx onnxruntime'
        ) from error

    out = args.out or Path(f'{args.config.stem}.onnx')
    wanted = [p for p in ('fp16', 'int8') if getattr(args, p)]
    # first: data that are missing are found before the work
    to_calibrate = Images(cfg, 'train', args.calib_images) if args.int8 else []
    to_score = Images(cfg, 'test', args.eval_images) if wanted else []
    try:
        network, model = checked_export.export_checked(
            cfg, args.checkpoint, args.tolerance
        )
    except checked_export.DifferenceError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    card = network.card
    write(out, model.SerializeToString())
    calibration = [batch(sample.image, card) for sample in to_calibrate]
    models = {'fp32': model}
    for precision in wanted:
        models[precision] = checked_export.lower_precision(
            model, card, precision, calibration
        )
        write(
            out.with_name(f'{out.stem}-{precision}{out.suffix}'),
            models[precision].SerializeToString(),
        )
    if wanted:
        print(f'scores on {len(to_score)} test images, percent, Fa x1e-6:')
        print(checked_export.score_table(models, to_score, card))
    return 0


if __name__ == '__main__':
    sys.exit(main())
