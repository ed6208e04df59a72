"""Two passes through the same layers: what they share, and their norms."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def computed_once(
    model: nn.Module, shared: Sequence[Tensor]
) -> Iterator[None]:
    """Modules that read nothing but shared features run once meanwhile.

    A module that is called with one of `shared`, or with what such a module
    gave, and with nothing else, gives the same tensor when it is called so
    again; gradients add up as if it had run twice. Its batch norms update
    their running statistics once, dropout in it draws once, and what it reads
    beside its argument must stay the same. Where the argument or the result
    was changed in place in between, it runs again; where no gradients are
    recorded, and inside of what is checkpointed, all modules do.

    Under ``torch.compile`` this does nothing: both passes run, and all norms
    update twice.

    Args:
        model (nn.Module): Whose modules are meant.
        shared (Sequence[Tensor]): Features that both passes read.
    """
    if torch.compiler.is_compiling():
        yield
        return
    results = _Results(shared)
    own = {
        module: vars(module).get('forward')
        for module in model.modules()
        if module is not model
    }
    for module in own:  # setattr() of a module is slow
        vars(module)['forward'] = results.wrap(module)
    try:
        yield
    finally:
        for module, forward in own.items():
            del vars(module)['forward']
            if forward is not None:
                vars(module)['forward'] = forward


class _Results:
    """What modules gave for shared tensors."""

    def __init__(self, shared: Sequence[Tensor]):
        # the tensors are kept, so that none takes the id of another
        self.tensors = {id(tensor): tensor for tensor in shared}
        self.results: dict[tuple, tuple[Tensor, tuple[int, int]]] = {}
        self.inside = False  # of a module whose own modules do not matter

    def wrap(self, module: nn.Module) -> Callable:
        """A forward of the module that knows its results."""
        forward = module.forward
        opaque = may_checkpoint(module)

        def run(*args, **kwargs):
            if self.inside or not torch.is_grad_enabled():
                return forward(*args, **kwargs)
            if len(args) == 1 and not kwargs and id(args[0]) in self.tensors:
                return self._once(module, forward, args[0])
            if opaque:
                return self._alone(forward, *args, **kwargs)
            return forward(*args, **kwargs)

        return run

    def _once(self, module: nn.Module, forward: Callable, x: Tensor) -> Tensor:
        key = id(module), id(x), module.training
        if key in self.results:
            result, versions = self.results[key]
            if (x._version, result._version) == versions:
                return result
        version = x._version
        result = self._alone(forward, x)
        if isinstance(result, Tensor):
            self.tensors[id(result)] = result
            self.results[key] = result, (version, result._version)
        return result

    def _alone(self, forward: Callable, *args, **kwargs):
        self.inside = True
        try:
            return forward(*args, **kwargs)
        finally:
            self.inside = False


def may_checkpoint(module: nn.Module) -> bool:
    """Whether a module may run its own modules again in the backward pass.

    They must then do what they did before. MMEngine puts another forward in
    the class's place, torch wraps the module, and those of OpenMMLab do it
    themselves if they are told so.
    """
    return (
        'forward' in vars(module)
        or hasattr(module, '_checkpoint_wrapped_module')
        or bool(getattr(module, 'with_cp', False))
    )


@contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """Batch norms leave their running statistics alone meanwhile.

    Those in training mode still normalise with the statistics of the batch.

    Args:
        model (nn.Module): With all norms below it.
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
    """Whether a gradient of `result` would reach `source`.

    Args:
        result (Tensor): Computed with gradients.
        source (Tensor): Computed with gradients, so no leaf.
    """
    seen = {None}
    waiting = {result.grad_fn} - seen
    while waiting:
        node = waiting.pop()
        if node is source.grad_fn:
            return True
        seen.add(node)
        waiting |= {other for other, _ in node.next_functions} - seen
    return False
