"""From a network to an ONNX model, compared with it."""

import io
import warnings
from collections.abc import Iterable

import numpy as np
import onnx
import torch
from onnx import ModelProto

from fdep_mm.apis.card import TASKS, ModelCard
from fdep_mm.apis.onnx_backend import open_session

from .light_branch import LightBranch
from .rewrite import own_constants, pool_globally, unblock_single_channel

OPSET = 17
# Of the traced images: unequal, multiples of 32, large enough for every net.
TRACED = (2, 3, 160, 192)
# More that the others must work with.
RANDOM_SHAPES = ((1, 3, 256, 256), (3, 3, 128, 96), (2, 3, 96, 224))


def export(network: LightBranch) -> ModelProto:
    """Export to ONNX in memory; configs/ONNX.md describes the file.

    The TorchScript exporter, not the one of ``torch.export``: it needs no
    further package, folds batch norms into convolutions, and every network
    of this package goes through it with free height and width.

    Args:
        network (LightBranch): In evaluation mode, on the CPU.
    """
    outputs = TASKS[network.card.task]
    free = {'images': {0: 'N', 2: 'H', 3: 'W'}}
    cells = {0: 'N', 1: 'cells'}
    for name in outputs:
        free[name] = free['images'] if name == 'prob' else cells
    buffer = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # It warns of each check of a size and of its own deprecation.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            network,
            (torch.full(TRACED, 100.0),),
            buffer,
            input_names=['images'],
            output_names=list(outputs),
            dynamic_axes=free,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    model.producer_name = 'fdep_mm'
    model.producer_version = network.card.version
    attach(model, network.card)
    own_constants(model)
    pool_globally(model)
    unblock_single_channel(model)
    onnx.checker.check_model(model)
    return model


def attach(model: ModelProto, card: ModelCard) -> None:
    """Write the card into the metadata, in place of an old one."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, card.to_metadata())


def random_batches(card: ModelCard) -> list[np.ndarray]:
    """Noise of several batch sizes and sizes, (N, 3, H, W) in 0..255 each.

    Its contrast is a quarter of the normalization's: noise of full contrast
    drives networks that multiply differences (ALCNet) so far that PyTorch's
    own float32 is 1e-3 away from its float64.
    """
    rng = np.random.default_rng(0)
    mean, std = np.mean(card.mean), np.mean(card.std) / 4
    return [
        rng.normal(mean, std, shape).clip(0, 255).astype(np.float32)
        for shape in RANDOM_SHAPES
    ]


def max_difference(
    network: LightBranch, model: ModelProto, batches: Iterable[np.ndarray]
) -> float:
    """Compare a model with its network on batches (N, 3, H, W) float32.

    Returns:
        float: Largest difference of all outputs; of boxes, as a fraction of
        the image's longer side. NaN if either gives it.
    """
    session = open_session(model.SerializeToString())
    worst = 0.0
    for batch in batches:
        with torch.inference_mode():
            expected = network(torch.from_numpy(batch))
        if isinstance(expected, torch.Tensor):
            expected = (expected,)
        found = session.run(None, {'images': batch})
        names = TASKS[network.card.task]
        for name, theirs, ours in zip(names, expected, found, strict=True):
            difference = float(np.abs(theirs.numpy() - ours).max())
            unit = max(batch.shape[2:]) if name == 'boxes' else 1
            worst = float(np.maximum(worst, difference / unit))  # keeps NaN
    return worst
