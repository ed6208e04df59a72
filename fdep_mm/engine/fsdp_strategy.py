"""FSDP: weights, gradients and optimizer states spread over processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine._strategy import FSDPStrategy as BaseStrategy
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.optim import AmpOptimWrapper, BaseOptimWrapper
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from fdep_mm.core.files import PART, move_over
from fdep_mm.registry import STRATEGIES


@STRATEGIES.register_module()
class FSDPStrategy(BaseStrategy):
    """MMEngine's FSDP strategy, resumable, and on CPUs too.

    Host and SAMF are spread; a frozen VFM is whole in each process. Differs
    from MMEngine's in these points:

    - checkpoints are whole, one file that every tool reads; a new one
      replaces an old one only when it is written;
    - the optimizer's state is loaded in the order of arguments that torch 2.0
      or newer has, without which no run can be resumed;
    - gradients are clipped by their norm over all processes, not by that of
      each process's part;
    - ``sync_bn`` is heeded;
    - without an accelerator the model stays on the CPU.

    Args:
        model_wrapper (dict, optional): Arguments of MMEngine's
            ``MMFullyShardedDataParallel``, such as ``mixed_precision``.
        **kwargs: Of :class:`mmengine._strategy.FSDPStrategy`.

    Raises:
        ValueError: ``state_dict_cfg`` is not 'full'.

    Example:
        >>> runner_type = 'FlexibleRunner'
        >>> strategy = dict(type='fdep_mm.FSDPStrategy')
    """

    def __init__(
        self, *, model_wrapper: dict | None = None, **kwargs: Any
    ) -> None:
        chosen = kwargs.pop('state_dict_cfg', 'full')
        if chosen != 'full':
            raise ValueError(
                f"state_dict_cfg={chosen!r}: only 'full' can be resumed"
            )
        on_cpu = get_device() == 'cpu'
        if on_cpu:
            model_wrapper = dict(
                dict(
                    type='MMFullyShardedDataParallel',
                    device_id=torch.device('cpu'),
                ),
                **model_wrapper or {},
            )
        super().__init__(
            state_dict_cfg='full', model_wrapper=model_wrapper, **kwargs
        )
        if on_cpu:
            # torch gathers weights and states in buffers that it frees or
            # uses again; it makes no copy of what need not be moved: all
            # states would be saved as the last, or the process crashes
            self.state_dict_config.offload_to_cpu = False
            self.optim_state_dict_config.offload_to_cpu = False

    def _wrap_model(self, model: nn.Module) -> nn.Module:
        return super()._wrap_model(self.convert_model(model))

    def build_optim_wrapper(
        self, optim_wrapper: dict, model: nn.Module | None = None
    ) -> BaseOptimWrapper:
        """Build the optimizer.

        Args:
            optim_wrapper (dict): Its config.
            model (nn.Module, optional): Wrapped already.

        Returns:
            BaseOptimWrapper: Clips gradients by their whole norm.

        Raises:
            ValueError: It is one for mixed precision, whose loss scale would
                be lost at a resume.
        """
        wrapper = super().build_optim_wrapper(optim_wrapper, model)
        if isinstance(wrapper, AmpOptimWrapper):
            raise ValueError(
                'AmpOptimWrapper (--amp) would lose its loss scale at a '
                'resume. With FSDP set strategy.model_wrapper.'
                "mixed_precision.param_dtype='bfloat16' instead"
            )
        if getattr(wrapper, 'clip_func', None) is nn.utils.clip_grad_norm_:
            wrapper.clip_func = clip_by(model)
        return wrapper

    def save_checkpoint(self, filename: str, **kwargs: Any) -> None:
        """Save a checkpoint; all processes must call it.

        Args:
            filename (str): Where to.
            **kwargs: Of MMEngine's strategy.

        Raises:
            OSError: It cannot be written; an old file is as it was.
        """
        if '://' in filename:
            super().save_checkpoint(filename, **kwargs)
            return
        part = Path(filename + PART)
        try:
            super().save_checkpoint(str(part), **kwargs)
            if is_main_process():
                move_over(part, Path(filename))
        except OSError:
            if is_main_process():
                part.unlink(missing_ok=True)
            raise

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Load what :meth:`optim_state_dict` gave.

        Args:
            state_dict (dict): State of the optimizer, by names of weights.

        Raises:
            ValueError: It was saved without FSDP.
        """
        if any(isinstance(key, int) for key in state_dict['state']):
            raise ValueError(
                'this checkpoint was saved without FSDP, its optimizer state '
                'does not say which weights it is of. Resume it without '
                'FSDP, or start in another work dir with load_from'
            )
        own = FullyShardedDataParallel.optim_state_dict_to_load(
            self.model, self.optim_wrapper.optimizer, state_dict
        )
        self.optim_wrapper.load_state_dict(own)


def clip_by(model: FullyShardedDataParallel) -> Callable:
    """What clips gradients of which each process has a part.

    Args:
        model (FullyShardedDataParallel): Whose gradients they are.

    Returns:
        Callable: With the arguments of ``torch.nn.utils.clip_grad_norm_``.
    """

    def clip(_: list, max_norm: float, norm_type: float = 2.0) -> torch.Tensor:
        return model.clip_grad_norm_(max_norm, norm_type)

    return clip
