"""Two passes through the same layers: their norms, and what they reach."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """Batch norms leave their running statistics alone meanwhile.

    Those in training mode still normalise with the statistics of the batch.
    """
    momenta = {
        module: module.momentum
        for module in model.modules()
        if isinstance(module, _BatchNorm)
    }
    # not track_running_stats: a checkpointed block, which runs again later,
    # must do the same operations then
    for norm in momenta:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum


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
