"""Images per second of the classical methods, and against their loops.

Times each method on synthetic scenes of 256x256 and 640x512 px (width x
height), and the loops of the papers (classical_loops*.py) on the first scene
of the first size, all in one process, on one image at a time. The ratio is of
the same image; maps must be equal, or the script fails. Set OMP_NUM_THREADS
for a fixed number of threads.

With --device, they run in PyTorch (of fkrw the random walks only), the way of
the image to the device and of the map back included.

Examples:
    OMP_NUM_THREADS=1 python tools/analysis_tools/benchmark_classical.py
    python tools/analysis_tools/benchmark_classical.py --device cuda \\
        --loops none
"""

import argparse
import os
import statistics
import sys
import time

import classical_loops
import classical_loops_models
import cv2
import numpy as np
import torch
from mmengine.registry import init_default_scope

from fdep_mm.models.classical import METHODS, to_probability
from fdep_mm.models.classical.torch_filters import FILTERS
from fdep_mm.registry import DATASETS

SIZES = ((256, 256), (640, 512))  # width, height
LOW_RANK = ('ipi', 'nipps', 'smsl', 'ript', 'pstnn')
# IPI stops by the rank of approximate subspaces.
TOLERANCE = dict(ipi=5e-3)


def scenes(width: int, height: int, num: int) -> list[np.ndarray]:
    """Synthetic images of targets in clutter, (H, W) uint8."""
    dataset = DATASETS.build(
        dict(
            type='fdep_mm.SyntheticSIRSTDataset',
            img_size=(height, width),
            split='test',
            num_images=num,
            pipeline=[],
        )
    )
    images = [dataset[i]['img'] for i in range(num)]
    return [
        np.rint(i[..., 0] if i.ndim == 3 else i).astype(np.uint8)
        for i in images
    ]


def seconds(function, image: np.ndarray) -> tuple[float, np.ndarray]:
    """Time one call."""
    start = time.perf_counter()
    result = function(image)
    return time.perf_counter() - start, result


def on_device(name: str, device: str | None):
    """The method, in PyTorch on a device if there is one and it can."""
    if device is None or name not in (*FILTERS, *LOW_RANK):
        return METHODS[name]
    if name in LOW_RANK:
        return lambda image: METHODS[name](image, device=device)

    def search(image: np.ndarray) -> np.ndarray:
        grey = torch.from_numpy(image).to(device).float()
        return FILTERS[name](grey[None, None])[0, 0].cpu().numpy()

    return search


def find_loops(name: str):
    """The transcription of the paper."""
    return getattr(classical_loops, name, None) or getattr(
        classical_loops_models, name
    )


def compare(name: str, image: np.ndarray, fast: np.ndarray) -> float:
    """Time the loops; end the program if their map is another one."""
    slow, raw = seconds(find_loops(name), image.astype(np.float64))
    difference = abs(to_probability(raw) - fast).max()
    if difference > TOLERANCE.get(name, 1e-3):
        sys.exit(f'{name}: differs from its loops by {difference:.1e}')
    return slow


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--methods', nargs='+', choices=METHODS, default=[*METHODS]
    )
    parser.add_argument('--rounds', type=int, default=5, help='images timed')
    parser.add_argument(
        '--loops',
        choices=['none', 'small', 'all'],
        default='small',
        help="time the loops at the smaller size, at both ('all', an hour), "
        'or not at all',
    )
    parser.add_argument(
        '--device', help='PyTorch on it, such as cuda; left out: numpy'
    )
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error(f'--rounds must be at least 1, got {args.rounds}')
    init_default_scope('mmseg')
    images = [scenes(*size, args.rounds) for size in SIZES]
    print(
        f'{args.rounds} images, median; OMP_NUM_THREADS='
        f'{os.environ.get("OMP_NUM_THREADS")}, numpy {np.__version__}, '
        f'OpenCV {cv2.__version__} with {cv2.getNumThreads()} threads, '
        + (
            f'PyTorch {torch.__version__} with {torch.get_num_threads()} '
            f'threads on {args.device}'
            if args.device
            else 'no PyTorch'
        )
    )
    print(
        '| method | '
        + ' | '.join(f'{w}x{h}, images/s | ratio to loops' for w, h in SIZES)
        + ' |'
    )
    print('|---' * (1 + 2 * len(SIZES)) + '|')
    for name in args.methods:
        method = on_device(name, args.device)
        cells = []
        for number, group in enumerate(images):
            method(group[0])  # warm up
            timed = [seconds(method, image) for image in group]
            cells.append(f'{1 / statistics.median(t for t, _ in timed):.3g}')
            if args.loops == 'none' or (args.loops == 'small' and number):
                cells.append('-')
                continue
            fast, score = timed[0]
            cells.append(f'{compare(name, group[0], score) / fast:.3g}')
        print(f'| {name} | ' + ' | '.join(cells) + ' |', flush=True)


if __name__ == '__main__':
    main()
