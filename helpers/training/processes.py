"""Many processes that train one model: torchrun starts them, and at each update they add up their gradients.

Each process holds the whole model and reads its share of every batch. The sum of their gradients is the gradient of
the whole batch, so that all of them make the same update. Nothing else has to travel.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn

from helpers.models.output import checked_device

T = TypeVar("T")
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Processes:
    """This process among those that train together: its rank (0 to world - 1), their number, and its device."""

    rank: int = 0
    world: int = 1
    device: torch.device = CPU

    @property
    def first(self) -> bool:
        """Whether this is the process that prints, evaluates and saves."""
        return self.rank == 0

    def share(self, batch: Sequence[T]) -> Sequence[T]:
        """The texts of a batch that this process reads: every world-th. They are sorted by length, so shares are alike.

        A batch of fewer texts than processes leaves some without any.
        """
        return batch[self.rank :: self.world]

    def add_up(self, parameters: Iterable[nn.Parameter], value: float) -> float:
        """Replace each gradient by its sum over all processes, and give the sum of `value` over them.

        One vector holds them all, since one long message takes less time than many short ones. A process without
        texts has no gradients; it adds zeros.
        """
        if self.world == 1:
            return value
        moving = [parameter for parameter in parameters if parameter.requires_grad]
        rows = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in moving]
        together = torch.cat([*rows, rows[0].new_tensor([value])])
        dist.all_reduce(together)
        for parameter, summed in zip(moving, together[:-1].split([p.numel() for p in moving]), strict=True):
            parameter.grad = summed.view_as(parameter).to(parameter.dtype)
        return float(together[-1])

    def from_first(self, value: T) -> T:
        """The first process's value, in every process."""
        if self.world == 1:
            return value
        held = [value]
        dist.broadcast_object_list(held, src=0)
        return held[0]

    def begin_alike(self, model: nn.Module, run: str) -> None:
        """Give every process the first one's weights; ValueError unless all describe their `run` in the same words."""
        if self.world == 1:
            return
        runs: list[str] = [""] * self.world
        dist.all_gather_object(runs, run)
        if others := [rank for rank, each in enumerate(runs) if each != runs[0]]:
            raise ValueError(
                f"the processes {', '.join(map(str, others))} were given another model, other texts or other settings "
                "than process 0: give all of them the same"
            )
        for tensor in (*model.parameters(), *model.buffers()):
            dist.broadcast(tensor.detach(), src=0)


@contextmanager
def together(device: str | torch.device = "cpu") -> Iterator[Processes]:
    """Join the processes that torchrun started, and leave them at the end; without torchrun there is one process alone.

    device: "cpu", where gloo carries the gradients, or "cuda", where NCCL does and each process takes a GPU of its own;
    ValueError where there are too few. The first process may save before the end: the others wait there for it.
    """
    world, here = _started_by_torchrun(), checked_device(device)
    if world == 1:
        yield Processes(device=here)
        return
    if here.type == "cuda":
        here = _own_gpu()
        torch.cuda.set_device(here)
    _join("nccl" if here.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), here)
        dist.barrier()
    finally:
        dist.destroy_process_group()


def joined_processes() -> Processes:
    """The processes that this one has joined; RuntimeError if torchrun started several that have not joined."""
    if dist.is_available() and dist.is_initialized():
        return Processes(dist.get_rank(), dist.get_world_size())
    if (world := _started_by_torchrun()) > 1:
        raise RuntimeError(
            f"torchrun started {world} processes, and each would train a model of its own: write `with together():` "
            "around the training"
        )
    return Processes()


def _started_by_torchrun() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def _join(backend: str) -> None:
    """Meet the other processes at the store of torchrun, under a name that no earlier start has used.

    The store outlives a restart, and with it the addresses of processes that died, which the new ones would call.
    """
    store, rank, world = next(dist.rendezvous("env://"))
    if os.environ.get("GROUP_WORLD_SIZE") == "1":  # on several machines each counts restarts of its own
        store = dist.PrefixStore(f"start {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=world)


def _own_gpu() -> torch.device:
    """The GPU of this process: torchrun counts the processes of each machine from 0."""
    number, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if (wanted := int(os.environ["LOCAL_WORLD_SIZE"])) > there:
        raise ValueError(f"{wanted} processes for {there} GPUs: give torchrun --nproc-per-node {there}")
    return torch.device("cuda", number)
