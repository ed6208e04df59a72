"""Weights, gradients and optimizer state shared between processes."""

from pathlib import Path
from typing import Any

import torch
from mmengine._strategy import FSDPStrategy as BaseStrategy
from mmengine.device import get_device
from mmengine.dist import is_main_process
from torch.distributed.fsdp import FullyShardedDataParallel

from fdep_mm.registry import STRATEGIES

from .atomic_backend import PART, move_over


@STRATEGIES.register_module()
class FSDPStrategy(BaseStrategy):
    """MMEngine's FSDP strategy, resumable, and on CPUs too.

    Differs from it in four points:

    - checkpoints are whole by default, so that every tool reads them;
    - such a checkpoint replaces an old one only when it is written;
    - the optimizer's state is loaded in the order of arguments that torch 2.0
      or newer has, without which no run can be resumed;
    - without an accelerator the model stays on the CPU, and the states of an
      optimizer do not become one.

    Args:
        state_dict_cfg (str | dict): 'full' writes one file that any run can
            read, 'local' a folder with a file of each process. Defaults to
            'full'.
        model_wrapper (dict, optional): Arguments of MMEngine's
            ``MMFullyShardedDataParallel``, such as ``auto_wrap_policy``.
        **kwargs: Of :class:`mmengine._strategy.FSDPStrategy`.

    Example:
        >>> runner_type = 'FlexibleRunner'
        >>> strategy = dict(type='fdep_mm.FSDPStrategy')
    """

    def __init__(
        self,
        *,
        state_dict_cfg: str | dict = 'full',
        model_wrapper: dict | None = None,
        **kwargs: Any,
    ) -> None:
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
            state_dict_cfg=state_dict_cfg,
            model_wrapper=model_wrapper,
            **kwargs,
        )
        if on_cpu and self._is_full_state_dict():
            # torch moves to the CPU what it gathers in one buffer, and makes
            # no copy where it is there already: all states were the last
            self.optim_state_dict_config.offload_to_cpu = False

    def save_checkpoint(self, filename: str, **kwargs: Any) -> None:
        """Save a checkpoint, in all processes at once.

        Args:
            filename (str): Of the file, with 'local' of the folder.
            **kwargs: Of MMEngine's strategy.
        """
        if not self._is_full_state_dict():
            super().save_checkpoint(filename, **kwargs)
            return
        part = filename + PART
        super().save_checkpoint(part, **kwargs)
        if is_main_process():
            move_over(Path(part), Path(filename))

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Load what :meth:`optim_state_dict` gave.

        Args:
            state_dict (dict): State of the optimizer, by names of weights.
        """
        own = FullyShardedDataParallel.optim_state_dict_to_load(
            self.model, self.optim_wrapper.optimizer, state_dict
        )
        self.optim_wrapper.load_state_dict(own)
