"""Distributed runs on machines without an accelerator."""

import torch
from mmengine.config import Config
from mmengine.device import get_device


def prepare_cpu_launch(cfg: Config) -> None:
    """Let the processes of torchrun train and test on CPUs.

    MMEngine's launchers set a CUDA device for each process and ask for NCCL,
    which ends a run on CPUs. This joins the process group by gloo first, and
    wraps the model without a device; with an accelerator it does nothing.
    Batch norms stay those of each process: torch synchronizes them on
    accelerators only.
    """
    if cfg.get('launcher') != 'pytorch' or get_device() != 'cpu':
        return
    cfg.setdefault('model_wrapper_cfg', {})
    wrapper = cfg.model_wrapper_cfg
    wrapper.setdefault('type', 'MMDistributedDataParallel')
    if wrapper.type == 'MMDistributedDataParallel':
        # what MMEngine sets where there is no model_wrapper_cfg
        wrapper.setdefault('broadcast_buffers', False)
        wrapper.setdefault(
            'find_unused_parameters', cfg.get('find_unused_parameters', False)
        )
        wrapper.setdefault('device_ids', None)
    torch.distributed.init_process_group('gloo')
