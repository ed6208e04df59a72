"""The ways of running a network on a CPU that benchmarks compare."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from mmcv.cnn.utils import fuse_conv_bn
from torch import nn

from fdep_mm.apis.onnx_backend import open_session

from .export import export, random_batches
from .light_branch import LightBranch
from .precision import to_int8

Run = Callable[[np.ndarray], np.ndarray]


def prepare(network: LightBranch, modes: tuple[str, ...]) -> dict[str, Run]:
    """Make a network ready to run in several ways.

    Args:
        network (LightBranch): A segmentor in evaluation mode.
        modes (tuple[str]): 'eager': PyTorch as it is; 'fused':
            convolutions and norms fused, channels-last memory; 'compile':
            this compiled; 'onnx': onnxruntime in float32; 'int8': in 8-bit
            integers, calibrated on noise (for times, not for accuracy).

    Returns:
        dict[str, Callable]: By mode, (N, 3, H, W) float32 in 0..255 ->
        (N, 1, H, W) probabilities. They use torch's number of threads.
    """
    runs: dict[str, Run] = {}
    model = None
    # PyTorch compiles only so many networks, then silently runs them eagerly
    torch.compiler.reset()
    for mode in modes:
        if mode in ('onnx', 'int8'):
            if model is None:
                model = export(network)
            chosen = model
            if mode == 'int8':
                chosen = to_int8(model, random_batches(network.card)[:1])
            runs[mode] = _onnx(chosen.SerializeToString())
        elif mode == 'eager':
            runs[mode] = _torch(network, torch.contiguous_format)
        else:
            runs[mode] = _torch(_fused(network, mode), torch.channels_last)
    return runs


def _fused(network: LightBranch, mode: str) -> nn.Module:
    fused = fuse_conv_bn(copy.deepcopy(network))
    fused = fused.to(memory_format=torch.channels_last)
    # each image size is compiled for itself
    return torch.compile(fused, dynamic=False) if mode == 'compile' else fused


def _torch(network: nn.Module, memory_format: torch.memory_format) -> Run:
    def run(images: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(images)
        with torch.inference_mode():
            return network(batch.contiguous(memory_format=memory_format))

    return run


def _onnx(content: bytes) -> Run:
    session = open_session(content, 'cpu', torch.get_num_threads())

    def run(images: np.ndarray) -> np.ndarray:
        return session.run(None, {'images': images})[0]

    return run


def check_equal(
    runs: dict[str, Run], image: np.ndarray, tolerance: float = 1e-3
) -> dict[str, float]:
    """Largest difference of each mode to the first one.

    Args:
        runs (dict[str, Callable]): Of :func:`prepare`.
        image (np.ndarray): (1, 3, H, W) float32 in 0..255.
        tolerance (float): Of all but 'int8'. Defaults to 1e-3.

    Returns:
        dict[str, float]: By mode.

    Raises:
        ValueError: A mode computes something else, or NaN.
    """
    results = {mode: np.asarray(run(image)) for mode, run in runs.items()}
    expected = next(iter(results.values()))
    found = {
        mode: float(np.abs(result - expected).max())
        for mode, result in results.items()
    }
    limits = dict.fromkeys(found, tolerance) | dict(int8=np.inf)
    wrong = [m for m, d in found.items() if not d <= limits[m]]  # NaN is
    if wrong:
        raise ValueError(
            f'mode {wrong[0]!r} differs from {next(iter(runs))!r} by '
            f'{found[wrong[0]]:.1e}; its time would mean nothing'
        )
    return found
