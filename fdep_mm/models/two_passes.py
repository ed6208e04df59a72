"""Two passes through the same layers: their norms, and what they reach."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode


@contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """Keep the running statistics of batch norms, and their counts.

    Those in training mode still normalize with the statistics of the batch.
    """
    kept = [
        (module, module.momentum, module.num_batches_tracked.clone())
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    # not track_running_stats: a checkpointed block, which runs again later,
    # must do the same operations then
    for norm, _, _ in kept:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, count in kept:
            norm.momentum = momentum
            norm.num_batches_tracked.copy_(count)


def tensors_in(value: object) -> Iterator[Tensor]:
    """Tensors in nested lists, tuples and dicts, in their order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        items = value.values() if isinstance(value, dict) else value
        for item in items:
            yield from tensors_in(item)


def depends_on(result: Tensor, source: Tensor) -> bool:
    """Whether a gradient of `result` would reach `source`."""
    seen = {None}
    waiting = {result.grad_fn} - seen
    while waiting:
        node = waiting.pop()
        if node is source.grad_fn:
            return True
        seen.add(node)
        waiting |= {other for other, _ in node.next_functions} - seen
    return False


class Unchanged(TorchFunctionMode):
    """Watches tensors that nothing may change in place.

    Raises:
        ValueError: One was changed; names the module.
    """

    def __init__(self, shared: object) -> None:
        super().__init__()
        # without dimensions: the counters of norms
        self._shared = [one for one in tensors_in(shared) if one.ndim]
        self._versions = [tensor._version for tensor in self._shared]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor, version in zip(self._shared, self._versions, strict=True):
            if tensor._version != version:
                raise ValueError(
                    f'{_calling_module()} changes a feature '
                    f'{tuple(tensor.shape)} in place that both branches of '
                    'FDEP read; have it make a new one (x = x + y, not '
                    'x += y; inplace=False)'
                )
        return result


def _calling_module() -> str:
    """Types of the modules that run, outermost first."""
    names, frame = [], sys._getframe(2)
    while frame is not None:
        owner = frame.f_locals.get('self')
        if isinstance(owner, nn.Module):
            names.insert(0, type(owner).__name__)
        frame = frame.f_back
    return ' > '.join(dict.fromkeys(names))
