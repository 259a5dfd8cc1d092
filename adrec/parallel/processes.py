"""Several processes, on one machine or many, that train one run: started by ``torchrun``, joined by ``torch.distributed``.

Each takes its share of every batch's parts and the gradients are added up, so all hold the same weights and go the same way.
A part's random numbers are those of its place in the training (see ``loop``), so it does not matter which process has it.
The first process alone writes; the others must see the run folder too. Whatever depends on more than the weights, such as a
signal to stop, is agreed on, so that no process waits for another that went a different way; and one that lost the others
ends instead of waiting.
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
LOST = "Another process of this training ended or cannot be reached any more, so this one stops; go on with --resume."


class Processes:
    """This process among those of a training: ``rank`` of ``size``. The default is a training of one process alone."""

    def __init__(self, rank: int = 0, size: int = 1, device: torch.device | None = None) -> None:
        self.rank, self.size, self.device = rank, size, device or torch.device("cpu")

    @property
    def first(self) -> bool:
        return self.rank == 0

    @property
    def threads(self) -> int | None:
        """Threads for `Workers`: as many as torch would use (None), one where a GPU computes."""
        return None if self.device.type == "cpu" else 1

    def share(self, items: Iterable[Item]) -> Iterator[Item]:
        """Every ``size``-th item, from this process's own on."""
        return islice(items, self.rank, None, self.size)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes. All of one type, none of them twice."""
        if self.size == 1:
            return
        flat = torch.cat([t.reshape(-1).to(self.device) for t in tensors])
        with _lost_is_told():
            dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def any(self, asked: bool) -> bool:
        """Whether any process says yes."""
        if self.size == 1:
            return asked
        count = torch.tensor(float(asked))
        self.add_up([count])
        return bool(count > 0)

    def agree(self, value: Any) -> bool:
        """Whether all processes, once they are here, hold an equal ``value`` (of plain Python types)."""
        if self.size == 1:
            return True
        values = [None] * self.size
        with _lost_is_told():
            dist.all_gather_object(values, value)
        return all(v == values[0] for v in values)


@contextmanager
def _lost_is_told() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if "CUDA" in str(error):
            raise
        raise ProcessError(LOST) from error


def chosen_device(name: str) -> torch.device:
    """The device of ``auto``, ``cpu`` or ``cuda``: for each process on a machine its own GPU. A ConfigError where there is none."""
    here = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cuda" and not here:
        raise ConfigError("There is no CUDA device here for --device cuda; accepted are auto and cpu.")
    if name == "cpu" or not here:
        return torch.device("cpu")
    index, wanted = _launched("LOCAL_RANK", 0), _launched("LOCAL_WORLD_SIZE", 1)
    if wanted > here:
        need = f"{wanted} processes on this machine need a CUDA device each, but it has {here}"
        raise ConfigError(f"{need}; start fewer, or take --device cpu.")
    return torch.device("cuda", index)


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started, as its environment variables tell; alone if there are none."""
    size = _launched("WORLD_SIZE", 1)
    if size == 1:
        yield Processes(device=device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    importlib.import_module("torch._dynamo")  # an optimiser needs it; imported later, it keeps the group's threads to the very end
    with _lost_is_told():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    yield Processes(dist.get_rank(), size, device)
    dist.destroy_process_group()  # not after a failure: it would wait for processes that may be gone; ending tells them


def _launched(name: str, otherwise: int) -> int:
    """A number that ``torchrun`` tells its processes; another program's variable of the same name means nothing."""
    return int(os.environ[name]) if dist.is_torchelastic_launched() else otherwise
