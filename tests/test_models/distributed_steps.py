"""The same two training steps by one process and by several."""

import copy

import torch
import torch.distributed as dist
from builders import build, fdep_cfg, host_cfg, images, samples
from mmengine.model import MMDistributedDataParallel
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce

BATCH = 4
SIZE = (32, 32)
# name -> network, loss and what the batch norms do in training
CASES = {
    'host, BN in evaluation mode': ('host', 'SoftIoULoss', 'eval'),
    'host, BN synchronized': ('host', 'SoftIoULoss', 'sync'),
    'host, BN per process': ('host', 'EdgeBCELoss', 'own'),
    'FDEP, BN in evaluation mode': ('fdep', 'SoftIoULoss', 'eval'),
    'FDEP, BN synchronized': ('fdep', 'SoftIoULoss', 'sync'),
    'FDEP, BN per process': ('fdep', 'EdgeBCELoss', 'own'),
}


class GlobalBatchNorm(nn.BatchNorm2d):
    """Batch norm over the batches of all processes, on any device.

    What torch.nn.SyncBatchNorm does, which refuses CPUs.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        x = x.double()  # a mean of squares less a squared mean cancels
        sums = torch.stack([x.sum((0, 2, 3)), (x * x).sum((0, 2, 3))])
        num = x.numel() / x.shape[1] * dist.get_world_size()
        mean, square = all_reduce(sums) / num
        var = square - mean**2
        if self.track_running_stats:
            with torch.no_grad():
                self.num_batches_tracked += 1
                for buffer, now in (
                    (self.running_mean, mean),
                    (self.running_var, var * num / (num - 1)),
                ):
                    buffer.lerp_(now.float(), self.momentum)
        shape = (1, -1, 1, 1)
        x = (x - mean.view(shape)) / (var.view(shape) + self.eps).sqrt()
        x = x * self.weight.view(shape) + self.bias.view(shape)
        return x.float()


def make_model(case: str) -> nn.Module:
    """A network in the mode the case asks for."""
    kind, loss, norms = CASES[case]
    cfg = host_cfg() if kind == 'host' else fdep_cfg()
    cfg['decode_head'].update(
        dropout=0.0, loss_decode=dict(type=f'fdep_mm.{loss}')
    )
    model = build(cfg)
    model.init_weights()
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and norms == 'eval':
            module.eval()
    return model


def convert(model: nn.Module) -> nn.Module:
    """Have the batch norms share their statistics between processes."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = GlobalBatchNorm
    return model


def shard(rank: int, world: int, step: int) -> tuple[Tensor, list]:
    """A process's part of the batch of a step."""
    part = slice(rank * BATCH // world, (rank + 1) * BATCH // world)
    inputs = images(2 * BATCH, SIZE)[step * BATCH :][:BATCH]
    return inputs[part], samples(BATCH, SIZE)[part]


def losses_of(model: nn.Module, batch: tuple) -> tuple[Tensor, dict]:
    """Total and single losses."""
    losses = model(*batch, mode='loss')
    host = getattr(model, 'module', model)
    total, logged = host.parse_losses(losses)
    return total, {k: v.item() for k, v in logged.items()}


def buffers_of(model: nn.Module) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in model.named_buffers()}


def load_buffers(model: nn.Module, values: dict[str, Tensor]) -> None:
    for key, buffer in model.named_buffers():
        buffer.copy_(values[key])


def one_process(case: str) -> dict:
    """Two steps on the global batch.

    Where each process has batch norms and a loss of its own, the parts of the
    batch come one after the other and their gradients are averaged.
    """
    model = make_model(case)
    parts = 2 if CASES[case][2] == 'own' else 1
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    buffers = [buffers_of(model) for _ in range(parts)]
    logged = []
    for step in range(2):
        optimizer.zero_grad()
        for rank in range(parts):
            load_buffers(model, buffers[rank])
            total, losses = losses_of(model, shard(rank, parts, step))
            (total / parts).backward()
            buffers[rank] = buffers_of(model)
            logged.append((step, losses))
        if step == 0:
            grads = _grads(model)
        optimizer.step()
    return dict(
        losses=logged, grads=grads, weights=_weights(model), buffers=buffers
    )


def one_of_many(case: str) -> dict:
    """The same steps of this process, wrapped as MMEngine's Runner does."""
    model = make_model(case)
    if CASES[case][2] == 'sync':
        convert(model)
    model = MMDistributedDataParallel(
        model, broadcast_buffers=False, find_unused_parameters=False
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    logged = []
    for step in range(2):
        optimizer.zero_grad()
        batch = shard(dist.get_rank(), dist.get_world_size(), step)
        total, losses = losses_of(model, batch)
        total.backward()
        logged.append((step, losses))
        if step == 0:
            grads = _grads(model.module)
        optimizer.step()
    return dict(
        losses=logged,
        grads=grads,
        weights=_weights(model.module),
        buffers=[buffers_of(model.module)],
    )


def run_rank(rank: int, world: int, folder: str) -> None:
    """All cases in one of several processes; results go to a file."""
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=world
    )
    found = {c: one_of_many(c) for c in CASES}
    torch.save(found, f'{folder}/{rank}.pt')
    dist.destroy_process_group()


def _grads(model: nn.Module) -> dict[str, Tensor]:
    return {k: p.grad.clone() for k, p in model.named_parameters()}


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy({k: p.data for k, p in model.named_parameters()})
