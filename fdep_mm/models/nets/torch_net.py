"""Any PyTorch network as a host, cut where its user names the bottleneck.

From no paper. The network itself is not changed: a forward hook on the named
submodule ends the first pass there. The two branches run the network again,
get what it computed before (so encoder norms and dropout act once), and
continue from the feature that CO-ISD hands them.
"""

from collections.abc import Callable
from pkgutil import resolve_name

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from fdep_mm.core.options import nearest
from fdep_mm.registry import MODELS

from ..layers import ImageEncoder, SIRSTHead
from ..two_passes import tensors_in

TREE = 'tools/analysis_tools/bottlenecks.py CONFIG prints what can be named'


class _Reached(BaseException):
    """Carries the bottleneck's output out of the first pass."""


class _Record(TorchFunctionMode):
    """Keeps every function that is called, and its result."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable, object]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, result))
        return result


class _Replay(TorchFunctionMode):
    """Gives the recorded results, until it is `live`."""

    def __init__(self, calls: list[tuple[Callable, object]]) -> None:
        super().__init__()
        self.calls = iter(calls)
        self.live = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if self.live:
            return func(*args, **(kwargs or {}))
        recorded, result = next(self.calls, (None, None))
        if recorded != func:
            raise ValueError(
                'the net does not repeat its operations when its encoder '
                'runs again (random numbers from outside torch?), so it '
                'cannot be trained under FDEP'
            )
        return result


@MODELS.register_module()
class TorchNet(ImageEncoder):
    """A whole network of another package, encoder and decoder in one.

    It trains alone in mmseg's ``EncoderDecoder`` and, with a `bottleneck`, in
    :class:`COISDSegmentor`, both with :class:`IdentityHead`. The prefix
    ``backbone.net.`` is all that its state dict adds to the network's own.
    The network keeps its own initialization.

    Args:
        net (str): Where the class, or a function that makes the network, is
            imported from: ``'package.module:Name'``.
        kwargs (dict): Its arguments.
        bottleneck (str, optional): Submodule, as in ``named_modules()``,
            whose output FDEP replaces: (B, C, h, w), computed once in a pass.
        index (int | str, optional): Item of that output, if it has several.
        output (int | str, optional): What is deployed, if the network gives
            several maps. In training all maps of a list or tuple are
            supervised, of a dict the named one alone.
        activated (bool, optional): Whether the network ends in a sigmoid,
            which is inverted then. With None outputs in [0, 1] are an error.
        in_channels (int): Channels of the image. With 1, the three equal ones
            become one.
        image_size (int): Side of an image that the network takes, px; one is
            tried before training.

    Raises:
        ValueError: There is no such submodule, it is not run exactly once, or
            the network gives no logits of the image's proportions.
    """

    def __init__(
        self,
        net: str,
        kwargs: dict | None = None,
        bottleneck: str | None = None,
        index: int | str | None = None,
        output: int | str | None = None,
        activated: bool | None = None,
        in_channels: int = 3,
        image_size: int = 64,
    ):
        super().__init__(in_channels)
        self.net = resolve_name(net)(**(kwargs or {}))
        self.bottleneck = bottleneck
        self.index = index
        self.output = output
        self.activated = activated
        self.image_size = image_size
        modules = dict(self.net.named_modules())
        if bottleneck is not None and bottleneck not in modules:
            raise ValueError(
                f'{net} has no submodule bottleneck={bottleneck!r}'
                f'{nearest(bottleneck, set(modules))}. {TREE}'
            )

    def init_weights(self) -> None:
        """Nothing: the network has initialized itself."""

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, C, H, W) -> logits (B, 1, h, w), in evaluation the deployed."""
        x = self.prepare(x, 1)
        return self._logits(self.net(x), x)

    @torch.compiler.disable
    def encode(self, x: Tensor) -> list:
        """Run the network up to its bottleneck.

        Returns:
            list: The bottleneck's feature (B, C, h, w), and what
            :meth:`decode` needs beside it.
        """
        x = self.prepare(x, 1)
        if self.bottleneck is None:
            raise ValueError(f'TorchNet needs a bottleneck. {TREE}')

        def stop(module, args, result):
            raise _Reached(result)

        module = self.net.get_submodule(self.bottleneck)
        handle = module.register_forward_hook(stop)
        try:
            with _Record() as record:
                self.net(x)
        except _Reached as reached:
            (result,) = reached.args
        else:
            raise self._error(f'is never run. {TREE}')
        finally:
            handle.remove()
        return [self._feature(result), (x, result, record.calls)]

    @torch.compiler.disable
    def decode(self, feats: list) -> list[Tensor]:
        """Run the network from its bottleneck on."""
        feature, (x, result, calls) = feats

        def resume(module, args, output):
            if replay.live:
                raise self._error(f'is run more than once. {TREE}')
            replay.live = True
            return self._replaced(result, feature)

        module = self.net.get_submodule(self.bottleneck)
        handle = module.register_forward_hook(resume)
        try:
            with _Replay(calls) as replay:
                output = self.net(x)
        finally:
            handle.remove()
        return self._logits(output, x)

    def _feature(self, result: object) -> Tensor:
        if self.index is not None:
            result = result[self.index]
        if isinstance(result, (tuple, list, dict)):
            keys = list(
                result if isinstance(result, dict) else range(len(result))
            )
            raise self._error(
                f'gives several outputs: set index, one of {keys}'
            )
        if result.ndim != 4:
            raise self._error(
                f'gives {tuple(result.shape)}, not (B, C, h, w). {TREE}'
            )
        return result

    def _replaced(self, result: object, feature: Tensor) -> object:
        if self.index is None:
            return feature
        if isinstance(result, dict):
            return result | {self.index: feature}
        items = list(result)
        items[self.index] = feature
        return type(result)(items)

    def _error(self, problem: str) -> ValueError:
        return ValueError(f'bottleneck={self.bottleneck!r} {problem}')

    def _logits(self, result: object, x: Tensor) -> list[Tensor]:
        if isinstance(result, dict):
            if self.output not in result:
                raise ValueError(
                    f'the net gives {[*result]}: set output, the one to deploy'
                )
            result = result[self.output]
        maps = list(tensors_in(result))
        if len(maps) > 1 and not isinstance(self.output, int):
            raise ValueError(
                f'the net gives {len(maps)} maps: set output, the index of '
                'the one to deploy'
            )
        if len(maps) > 1 and not self.training:
            maps = [maps[self.output]]
        for one in maps:
            self._check(one, x)
        if self.activated:
            tiny = torch.finfo(torch.float32).eps
            maps = [one.float().logit(tiny) for one in maps]
        return maps

    def _check(self, logits: Tensor, x: Tensor) -> None:
        height, width = x.shape[-2:]
        h, w = logits.shape[-2:]
        if (
            logits.shape[:2] != (len(x), 1)
            or height % h
            or height * w != width * h
        ):
            raise ValueError(
                f'the net gives {tuple(logits.shape)} for images '
                f'{tuple(x.shape)}, not one logit for each pixel or for each '
                'square of pixels'
            )
        if not self.training and (x.is_meta or torch.compiler.is_compiling()):
            return
        # constant images, which tools run, say nothing
        if self.activated is None and (x != x[..., :1, :1]).any():
            low, high = logits.detach().aminmax()
            if 0 <= low and high <= 1:
                raise ValueError(
                    'all outputs of the net are in [0, 1]: set activated=True '
                    'if it ends in a sigmoid, activated=False if they are '
                    'logits'
                )
            self.activated = False  # looked at once


@MODELS.register_module()
class IdentityHead(SIRSTHead):
    """Head without layers: the losses of a :class:`TorchNet`'s own logits.

    Args:
        threshold, loss_decode, align_corners: As in :class:`SIRSTHead`.
    """

    def __init__(self, **kwargs):
        super().__init__(in_channels=(1,), prior_prob=None, **kwargs)

    def forward(self, inputs: list[Tensor]) -> list[Tensor] | Tensor:
        """Pass logits (B, 1, h, w) on, in evaluation the only ones."""
        return list(inputs) if self.training else inputs[0]
