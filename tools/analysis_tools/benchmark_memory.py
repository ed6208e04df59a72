"""Peak memory of searching one large frame, in tiles.

The frame is noise with targets, made in a temporary folder. Printed are the
resident memory of the process before the search (the libraries, the network)
and its peak.

Examples:
    python tools/analysis_tools/benchmark_memory.py model.onnx
    python tools/analysis_tools/benchmark_memory.py CONFIG.py \\
        --weights best.pth --size 4096 --batch-size 4
"""

import argparse
import resource
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from fdep_mm.apis import SIRSTInferencer


def write_frame(path: Path, size: int) -> int:
    """Write a 16-bit frame with a target in each 512 px; returns how many."""
    rng = np.random.default_rng(0)
    frame = np.empty((size, size), np.uint16)
    for rows in np.array_split(frame, 64):  # the noise itself needs memory
        rows[:] = rng.integers(20000, 22000, rows.shape, np.uint16)
    for row in range(250, size - 8, 512):
        for col in range(250, size - 8, 512):
            frame[row : row + 4, col : col + 4] = 60000
    cv2.imwrite(str(path), frame)
    return len(range(250, size - 8, 512)) ** 2


def peak() -> float:
    """Peak resident memory of this process, in MiB."""
    scale = 2**20 if sys.platform == 'darwin' else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def main() -> None:
    """Search the frame and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('model', help='ONNX file or config')
    parser.add_argument('--weights', help='checkpoint of the config')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--size', type=int, default=8192, help='px, square')
    parser.add_argument('--tile-size', type=int, default=512, help='px')
    parser.add_argument('--batch-size', type=int, default=1)
    args = parser.parse_args()
    run = SIRSTInferencer(
        args.model,
        args.weights,
        args.device,
        tile_size=args.tile_size,
        show_progress=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'frame.png'
        # in a process of its own: what it needs is not of the search
        with get_context('spawn').Pool(1) as pool:
            count = pool.apply(write_frame, (path, args.size))
        run(np.zeros((64, 64), np.uint8))  # first runs allocate buffers
        before, start = peak(), time.perf_counter()
        (found,) = run(path, args.batch_size)['predictions']
    print(
        f'{args.size}x{args.size} px, 16 bit, {count} targets in it, '
        f'{len(found.targets)} found, {time.perf_counter() - start:.0f} s\n'
        f'peak before {before:.0f} MiB, after {peak():.0f} MiB '
        f'(frame {found.image.nbytes / 2**20:.0f}, probability map '
        f'{0 if found.prob is None else found.prob.nbytes / 2**20:.0f})'
    )


if __name__ == '__main__':
    main()
