"""Export with all checks, and report each."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from mmengine.config import Config
from onnx import ModelProto

from fdep_mm.apis.card import ModelCard
from fdep_mm.apis.onnx_backend import OnnxBackend
from fdep_mm.datasets import SyntheticSIRSTDataset

from .export import attach, export, max_difference, random_batches
from .images import Images, batch, score
from .light_branch import LightBranch, build_light_branch
from .precision import to_fp16, to_int8

SHOWN = dict(
    segmentation=('IoU', 'nIoU', 'Pd', 'Fa'),
    detection=('mNoCoAP', 'NoCoAP10', 'NoCoAP50', 'NoCoAP90'),
)


class DifferenceError(Exception):
    """The exported network does not compute what PyTorch computes."""


def export_checked(
    cfg: Config,
    checkpoint: str | Path,
    tolerance: float = 1e-4,
) -> tuple[LightBranch, ModelProto]:
    """Export the light branch in float32, compare it with PyTorch, and report.

    Raises:
        DifferenceError: A difference is larger than `tolerance`.
        FileNotFoundError, ValueError: As :func:`build_light_branch`.
    """
    network = build_light_branch(cfg, checkpoint)
    model = export(network)
    what, images = _some_images(cfg, network.card)
    batches = {'random': random_batches(network.card), what: images}
    for name, part in batches.items():
        worst = max_difference(network, model, part)
        print(f'max abs difference to PyTorch, {name} images: {worst:.2e}')
        if not np.isfinite(worst):
            raise DifferenceError(
                f'{name} images: the network gives NaN or infinity, training '
                'diverged; take an earlier checkpoint'
            )
        if worst > tolerance:
            raise DifferenceError(
                f'{name} images: the difference {worst:.2e} is larger than '
                f'{tolerance:g}; try another version of torch or onnxruntime, '
                'or raise --tolerance'
            )
    return network, model


def _some_images(cfg: Config, card: ModelCard) -> tuple[str, list]:
    """Four test images, synthetic ones where the data set is missing."""
    try:
        name, images = 'test', [i.image for i in Images(cfg, 'test', limit=4)]
    except ValueError:
        made = SyntheticSIRSTDataset(num_images=4, img_size=(160, 200))
        name, images = 'synthetic', [made[i]['img'] for i in range(4)]
    return name, [batch(image, card) for image in images]


def lower_precision(
    model: ModelProto,
    card: ModelCard,
    precision: str,
    calibration: Iterable[np.ndarray],
) -> ModelProto:
    """Convert a float32 model and write its card."""
    if precision == 'fp16':
        converted = to_fp16(model)
    else:
        converted = to_int8(model, calibration)
    attach(converted, replace(card, precision=precision))
    return converted


def score_table(
    models: dict[str, ModelProto], images: Images, card: ModelCard
) -> str:
    """Tabulate scores of one network's models, percent, Fa x1e-6."""
    shown = SHOWN[card.task]
    lines = [_row('', shown[0], 'change', *shown[1:])]
    reference = None
    for name, model in models.items():
        run = OnnxBackend(model.SerializeToString(), device='cpu')
        scores = score(run, images, card)
        first, *others = (_in_units(key, scores[key]) for key in shown)
        reference = first if reference is None else reference
        cells = (f'{value:.2f}' for value in others)
        change = f'{first - reference:+.2f}'
        lines.append(_row(name, f'{first:.2f}', change, *cells))
    return '\n'.join(lines)


def _in_units(key: str, value: float) -> float:
    return value * (1e6 if key == 'Fa' else 100)


def _row(name: str, *cells: str) -> str:
    return f'{name:6}' + ''.join(f'{cell:>10}' for cell in cells)
