"""Two passes through the same layers: their norms, and what they reach."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


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


@contextmanager
def unchanged(shared: object) -> Iterator[None]:
    """Refuse that tensors are changed in place."""
    # without dimensions: the counters of norms
    tensors = [one for one in tensors_in(shared) if one.ndim]
    versions = [tensor._version for tensor in tensors]
    yield
    for tensor, version in zip(tensors, versions, strict=True):
        if tensor._version != version:
            raise ValueError(
                f'the host changes a feature {tuple(tensor.shape)} in place '
                'that both branches of FDEP read; have it make a new one '
                '(x = x + y, not x += y; inplace=False)'
            )
