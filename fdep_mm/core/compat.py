"""Private names of the OpenMMLab packages, each used here and nowhere else.

Seen in mmengine 0.10.7 and onedl-mmengine 0.10.12, mmseg 1.2.2 and
onedl-mmsegmentation 1.4.2, mmdet 3.3.0 and onedl-mmdetection 3.5.1, where no
public name does the same.
"""

import io
from contextlib import redirect_stdout
from importlib import import_module

from mmengine.config.utils import MODULE2PACKAGE
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn


def add_config_package() -> None:
    """Let ``mmengine.hub.get_config('fdep_mm::...')`` find our configs.

    MMEngine has a closed table of packages. It looks beside a distribution,
    where an editable install has no folder (mmengine 0.10.7), but finds the
    folder of any module.
    """
    MODULE2PACKAGE['fdep_mm'] = 'fdep_mm.registry'


def import_quietly(name: str) -> None:
    """Import a module of theirs without "Could not import OneDL", twice."""
    with redirect_stdout(io.StringIO()):
        import_module(name)


def built_loops(runner: Runner) -> dict[str, BaseLoop]:
    """Loops of training and validation; ``runner.train_loop`` builds one."""
    loops = dict(training=runner._train_loop, validation=runner._val_loop)
    return {k: loop for k, loop in loops.items() if isinstance(loop, BaseLoop)}


def is_resumed(runner: Runner) -> bool:
    """Whether a training goes on with a checkpoint, and its optimizer."""
    return bool(runner._resume)


def checkpoint_name(runner: Runner) -> str | None:
    """What the config names; None for the newest of the work dir."""
    return runner._load_from


def denormalized(preprocessor: nn.Module, images: Tensor) -> Tensor:
    """Undo a data preprocessor's normalization: values in 0..255."""
    if getattr(preprocessor, '_enable_normalize', False):
        return images * preprocessor.std + preprocessor.mean
    return images


def swaps_channels(preprocessor: nn.Module) -> bool:
    """Whether a data preprocessor turns BGR into RGB, or RGB into BGR."""
    # the second is its name in mmseg's older releases
    names = ('_channel_conversion', 'channel_conversion')
    return any(getattr(preprocessor, name, False) for name in names)
