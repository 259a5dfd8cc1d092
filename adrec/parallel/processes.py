"""Several processes, on one machine or many, that train one run: started by ``torchrun``, joined by ``torch.distributed``.

Each process takes its share of every batch's parts, and the gradients are summed, so all hold the same weights. Random streams are keyed
by training position (see ``loop``), so it does not matter which process computes a part. Only the first process writes, but all must see
the run folder. Decisions that depend on more than the weights, such as a stop signal, are agreed on, so that no process waits for one that
took another branch. A process that loses the others exits instead of waiting.
"""

import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from adrec.errors import ConfigError, ProcessError

Item = TypeVar("Item")
PATIENCE = timedelta(minutes=10)
LOST = "Another process of this training has ended or cannot be reached, so this one stops; continue with --resume."


class Processes:
    """This process among those of a training: ``rank`` of ``size``. By default, the only one."""

    def __init__(self, rank: int = 0, size: int = 1, device: torch.device | None = None) -> None:
        self.rank, self.size, self.device = rank, size, device or torch.device("cpu")

    @property
    def first(self) -> bool:
        return self.rank == 0

    @property
    def threads(self) -> int | None:
        """Threads for `Workers`: torch's default (None) on a CPU, one with a GPU."""
        return None if self.device.type == "cpu" else 1

    def share(self, items: Iterable[Item]) -> Iterator[Item]:
        """Every ``size``-th item, starting at this process's rank."""
        return islice(items, self.rank, None, self.size)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes. All must have the same type, and none may occur twice."""
        if self.size == 1:
            return
        flat = torch.cat([t.reshape(-1).to(self.device) for t in tensors])
        with _report_lost_process():
            dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def any(self, asked: bool) -> bool:
        """Whether ``asked`` is true in any process."""
        if self.size == 1:
            return asked
        count = torch.tensor(float(asked))
        self.add_up([count])
        return bool(count > 0)

    def agree(self, value: Any) -> bool:
        """Wait for all processes; whether they hold equal ``value``s (of plain Python types)."""
        if self.size == 1:
            return True
        values = [None] * self.size
        with _report_lost_process():
            dist.all_gather_object(values, value)
        return all(v == values[0] for v in values)


@contextmanager
def _report_lost_process() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if "CUDA" in str(error):
            raise
        raise ProcessError(LOST) from error


def chosen_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``; each process on a machine gets its own GPU. A ConfigError if there is none."""
    here = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cuda" and not here:
        raise ConfigError("There is no CUDA device for --device cuda; use auto or cpu.")
    if name == "cpu" or not here:
        return torch.device("cpu")
    index, wanted = _launched("LOCAL_RANK", 0), _launched("LOCAL_WORLD_SIZE", 1)
    if wanted > here:
        need = f"{wanted} processes on this machine need a CUDA device each, but it has {here}"
        raise ConfigError(f"{need}; start fewer, or use --device cpu.")
    return torch.device("cuda", index)


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """Join the processes started by ``torchrun``, according to its environment variables; without them, run alone."""
    size = _launched("WORLD_SIZE", 1)
    if size == 1:
        yield Processes(device=device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    importlib.import_module("torch._dynamo")  # optimisers need it; imported later, it would keep the group's threads alive until exit
    with _report_lost_process():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    yield Processes(dist.get_rank(), size, device)
    dist.destroy_process_group()  # not after a failure: it would wait for processes that may be gone; exiting tells them


def _launched(name: str, otherwise: int) -> int:
    """A number that ``torchrun`` passes to its processes; a variable of that name set by another program is ignored."""
    return int(os.environ[name]) if dist.is_torchelastic_launched() else otherwise
