"""Draw images with their predictions: overlays or 3-D surfaces, a PNG each.

Overlays mark hits, misses and false alarms in colors, with a close-up of
each; surfaces show input, ground truth and prediction side by side. Images,
predictions and masks are three folders, whose files are paired by their names
without suffix, or three files; masks without a prediction are named as left
out, unless --split does not have them.

Examples:
    python tools/analysis_tools/plot_images.py data/images predictions/ \\
        data/masks --out pictures/
    python tools/analysis_tools/plot_images.py images/Misc_1.png \\
        preds/Misc_1.png masks/Misc_1.png --kind surface --out .

    # the true shape of a target: 48 px around x = 120, y = 80
    python tools/analysis_tools/plot_images.py a.png a_prob.png a_mask.png \\
        --kind surface --center 120 80 --window 48 --out .

Exit codes: 0 all images are drawn, 1 some files could not be used (they are
listed), 2 wrong input.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from gallery import add_folder_arguments, read_scenes

from fdep_mm.core.command import Parser, command
from fdep_mm.core.image import write_png
from fdep_mm.core.text import print
from fdep_mm.visualization import (
    Scene,
    draw_overlay,
    figure_to_array,
    plot_surfaces,
)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add_folder_arguments(parser)
    add('--out', type=Path, required=True, help='folder of the pictures')
    add(
        '--kind',
        nargs='+',
        choices=['overlay', 'surface'],
        default=['overlay'],
        help='overlay if not given; files are named NAME_KIND.png',
    )
    add(
        '--center',
        type=int,
        nargs=2,
        metavar=('X', 'Y'),
        help='draw a part only, around this pixel',
    )
    add('--window', type=int, default=64, help='its side in px')
    return parser.parse_args()


def cut(scene: Scene, center: tuple[int, int], side: int) -> Scene:
    """Cut a square out of a scene, moved so that it lies inside."""
    height, width = scene.mask.shape
    x, y = center
    if not (0 <= x < width and 0 <= y < height) or side < 2:
        raise ValueError(
            f'{scene.name}: --center {x} {y} --window {side} is no part of '
            f'{width} x {height} px; give x and y inside and at least 2 px'
        )
    top = max(0, min(y - side // 2, height - side))
    left = max(0, min(x - side // 2, width - side))
    part = np.s_[top : top + side, left : left + side]
    return Scene(
        scene.name, scene.image[part], scene.prob[part], scene.mask[part]
    )


def draw(scene: Scene, kind: str, threshold: float) -> np.ndarray:
    """Draw a scene; (H, W, 3) uint8, RGB."""
    if kind == 'surface':
        figure = plot_surfaces(scene.image, scene.mask, scene.prob, scene.name)
        return figure_to_array(figure)
    pred = scene.prob > np.float32(threshold)
    return draw_overlay(scene.image, pred, scene.mask)


@command()
def main() -> int:
    """Draw; returns the exit code."""
    args = parse_args()
    failures: list[str] = []
    count = 0
    args.out.mkdir(parents=True, exist_ok=True)
    for scene in read_scenes(args, failures):
        if args.center:
            scene = cut(scene, args.center, args.window)
        for kind in args.kind:
            picture = draw(scene, kind, args.threshold)
            path = args.out / f'{scene.name}_{kind}.png'
            write_png(path, picture[..., ::-1])
            count += 1
    print(f'{count} pictures: {args.out}')
    return int(bool(failures))


if __name__ == '__main__':
    sys.exit(main())
