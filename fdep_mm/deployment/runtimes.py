"""The ways of running a network on a CPU that benchmarks compare."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from mmcv.cnn.utils import fuse_conv_bn
from torch import nn

from fdep_mm.apis.onnx_backend import open_session
from fdep_mm.core.choices import check_choice

from .export import export, random_batches
from .light_branch import LightBranch
from .precision import to_int8

Run = Callable[[np.ndarray], np.ndarray]
MODES = ('eager', 'fused', 'compile', 'onnx', 'int8')


def prepare(network: LightBranch, mode: str, device: str = 'cpu') -> Run:
    """Make a network ready to run in one of several ways.

    Args:
        mode (str): 'eager': PyTorch as it is; 'fused': convolutions and norms
            fused, channels-last memory; 'compile': fused, compiled with
            frozen weights; 'onnx': onnxruntime in float32; 'int8': in 8-bit
            integers, calibrated on noise (for times, not for accuracy).

    Returns:
        Callable: (N, 3, H, W) float32 in 0..255 -> (N, 1, H, W)
        probabilities, with torch's number of threads.
    """
    if mode == 'eager':
        return _torch(network, device)
    if mode == 'fused':
        fused = _fused(network).to(memory_format=torch.channels_last)
        return _torch(fused, device, torch.channels_last)
    if mode == 'compile':  # each image size for itself; it chooses the memory
        options = dict(dynamic=False, options=dict(freezing=True))
        return _torch(torch.compile(_fused(network), **options), device)
    check_choice('mode', mode, MODES)
    model = export(network)
    if mode == 'int8':
        model = to_int8(model, random_batches(network.card)[:1])
    content, threads = model.SerializeToString(), torch.get_num_threads()
    session = open_session(content, 'cpu', threads)
    return lambda images: session.run(None, {'images': images})[0]


def _fused(network: LightBranch) -> nn.Module:
    return fuse_conv_bn(copy.deepcopy(network))


def _torch(
    network: nn.Module,
    device: str,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Run:
    network.to(device)

    def run(images: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(images).to(device)
        with torch.inference_mode():
            found = network(batch.contiguous(memory_format=memory_format))
        return found.cpu().numpy()

    return run


def check_equal(runs: dict[str, Run], image: np.ndarray) -> dict[str, float]:
    """Largest difference of each mode to the first one on (1, 3, H, W).

    Raises:
        ValueError: A mode computes something else, or NaN.
    """
    results = {mode: run(image) for mode, run in runs.items()}
    expected = next(iter(results.values()))
    found = {
        mode: float(np.abs(result - expected).max())
        for mode, result in results.items()
    }
    limits = dict.fromkeys(found, 1e-3) | dict(int8=np.inf)
    wrong = [m for m, d in found.items() if not d <= limits[m]]  # or NaN
    if wrong:
        raise ValueError(
            f'mode {wrong[0]!r} differs from {next(iter(runs))!r} by '
            f'{found[wrong[0]]:.1e}; its time would mean nothing'
        )
    return found
