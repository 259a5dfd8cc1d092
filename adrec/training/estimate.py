"""Estimates what a training needs before it starts: memory, disk and time.

The estimate uses the number of weights, the copies that the loop keeps of each (the weight, its gradient in every part of a batch in
flight, Adam's two moments, the best so far), the data's counts, and the speed of a matrix product measured here. Time and disk are upper
bounds for these settings, time on an otherwise idle machine; training usually stops earlier.
"""

import shutil
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from adrec.data.dataset import SequenceDataset
from adrec.errors import ConfigError
from adrec.models.loading import tensors
from adrec.models.neural import DiffusionModel
from adrec.models.settings import Settings
from adrec.parallel.threads import one_thread
from adrec.runs.snapshots import MOST_ITEMS

GB = 1e9
LIBRARIES = 0.45 * GB
"""Memory of Python, torch and pandas before any data."""
SLACK = 1.1
ACTIVATIONS = 20
"""Approximate numbers kept for the backward pass per token, layer and unit of width."""
OVERHEAD = 0.01
"""Minimum seconds per step."""
SAMPLED_USERS = 256
USEFUL = 0.25
"""Share of a small product's speed that training reaches: ML-100K takes 2.3 s per epoch where the product reaches 108 G per second."""


@dataclass(frozen=True)
class Needs:
    """memory, disk: bytes; seconds: at most."""

    memory: float
    disk: float
    seconds: float

    def above(self, limits: "Needs") -> bool:
        return self.memory > limits.memory or self.disk > limits.disk or self.seconds > limits.seconds

    def __str__(self) -> str:
        hours, minutes = divmod(round(self.seconds / 60), 60)
        return f"{self.memory / GB:.1f} GB of memory, {self.disk / GB:.1f} GB of disk and {hours} h {minutes} min"


LIMITS = Needs(memory=8 * GB, disk=10 * GB, seconds=48 * 3600)
"""A training above any of these needs --yes."""


def estimate(data: SequenceDataset, settings: Settings, device: torch.device | None = None, pretrained: bool = False) -> Needs:
    """What a training with these settings needs for ``data`` on this machine. pretrained: without stage 1, whose weights are given."""
    settings, train = settings.sized(data.n_items), settings.train
    device = device or torch.device("cpu")
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    rate = _products_a_second(device) * threads * USEFUL
    lengths = np.minimum(np.diff(data.train_offsets), settings.config.length)
    tokens, rows = int(lengths.sum()), data.n_items + 1
    scored = rows if train.loss == "full" else min(rows, train.negatives)
    steps = -(-data.n_users // train.batch_size)
    memory = disk = seconds = 0.0
    for stage in (stage for stage in settings.stages if not (pretrained and stage.name == "pretrain")):
        with torch.device("meta"):
            plan = stage.model(stage.config)
        trained, parts = 0.0, [0]
        if stage.trains:
            trained = train.user_share * sum(_rows_of_parts(plan, data, SAMPLED_USERS)) * data.n_users / min(SAMPLED_USERS, data.n_users)
            parts = _rows_of_parts(plan, data, train.batch_size) or [0]  # of data without a training pair, which are refused later
        weights = sum(tensor.numel() for tensor in tensors(plan.state_dict()).values())
        denoising = plan.config.steps if isinstance(plan, DiffusionModel) else 0
        width, layers = 0 if plan.table is None else plan.table.shape[1], 2 * getattr(stage.config, "blocks", 1)
        copies = 5 + min(len(parts), 2 * threads + 1) + min(len(parts), threads)
        kept = min(threads, len(parts)) * max(parts) * width * layers * ACTIVATIONS
        memory = max(memory, 4 * (copies * weights + kept))
        epochs = stage.last_epoch - stage.first_epoch
        epochs = min(epochs, -(-(train.max_steps or epochs * steps) // steps))
        validations = max(1, epochs // train.validate_every if stage.selects else 1)
        snapshots = validations * min(rows, MOST_ITEMS) * width * 2
        if train.keep_weights == "every":
            snapshots += (validations + 1) * weights * 2
        disk = max(disk, 8 * 4 * weights) + 4 * weights + snapshots  # two checkpoints while one replaces the other
        inner, scores = weights - rows * width, rows * width
        step_work = 3 * (inner + scored * width) * trained
        answer_work = inner * (tokens + data.n_users * denoising) + scores * data.n_users
        seconds += epochs * (step_work / rate + steps * OVERHEAD) + validations * answer_work / rate
    read = data.n_interactions * 32 + rows * 600
    return Needs(LIBRARIES + SLACK * (memory + read), disk, seconds)


def _rows_of_parts(plan: Any, data: SequenceDataset, users: int) -> list[int]:
    """How many rows a model's layers compute of each part of the batch that it makes of so many users."""
    chosen = np.unique(np.linspace(0, data.n_users - 1, users).astype(np.int64))
    return [plan.computed_rows(part) for part in plan.parts(plan.training_batch(data, chosen, np.random.default_rng(0)))]


def check(needs: Needs, run: Path, agreed: bool) -> None:
    """A ConfigError if the training does not fit on this machine, or if it is above ``LIMITS`` and nobody ``agreed``."""
    existing = next(p for p in (run.absolute(), *run.absolute().parents) if p.exists())
    free, disk = float(psutil.virtual_memory().available), float(shutil.disk_usage(existing).free)
    smaller = "use a smaller hidden_size, fewer blocks or fewer items"
    for need, have, what in ((needs.memory, free, "memory"), (needs.disk, disk, "disk")):
        if need > have:
            raise ConfigError(f"This training needs about {need / GB:.1f} GB of {what}, but only {have / GB:.1f} GB are free; {smaller}.")
    if needs.above(LIMITS) and not agreed:
        raise ConfigError(f"This training may need {needs}, more than the limit of {LIMITS}; start it with --yes if you mean it.")


@cache
def _products_a_second(device: torch.device) -> float:
    """Multiply-adds per second of one thread (or the device), in the fastest of several matrix products, the least disturbed one; measured
    once a process."""
    size = 256 if device.type == "cpu" else 4096
    a = torch.ones(size, size, device=device)
    with one_thread():
        (a @ a).sum().item()  # warm up
        times = []
        for _ in range(200):
            begin = time.perf_counter()
            (a @ a)[0, 0].item()
            times.append(time.perf_counter() - begin)
    return size**3 / min(times)
