"""The parts of the benchmark; each function runs in its own process and returns plain numbers.

Times are medians in seconds, beside each its spread: least and greatest. Operations: see `adrec.bench.operations`.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import torch

from adrec import paper
from adrec.bench import Effort
from adrec.bench.operations import evaluation_operations, training_operations
from adrec.data.batches import pack
from adrec.data.dataset import ItemTable, SequenceDataset, Split
from adrec.diffusion import user_noise
from adrec.evaluation import evaluate
from adrec.models.base import Model
from adrec.models.blocks import Block
from adrec.models.settings import Settings, settings
from adrec.parallel.workers import Workers
from adrec.runs import RunFolder
from adrec.system import peak_memory_mib
from adrec.training.loop import Trainer
from adrec.training.recorder import Bystander

SQUARE, ROWS = 2048, 2048
SEEDS, TOP = 50, 10


# -- our training -----------------------------------------------------------------------------------------------------


def plan(n_items: int, **fields: Any) -> Settings:
    """The default model with its default settings, except ``fields``."""
    return settings(overrides={key: str(value) for key, value in fields.items()}).sized(n_items)


def trainer_of(data: SequenceDataset, stage: str, **fields: Any) -> Trainer:
    """A trainer of the default model at the beginning of a stage, with random weights."""
    chosen, table = plan(data.n_items, warmup_epochs=0, **fields), None
    if stage != "pretrain":
        width = chosen.config.hidden_size  # type: ignore[attr-defined]
        table = torch.randn(data.n_items + 1, width, generator=torch.Generator().manual_seed(0)) * 0.1
    return Trainer(data, chosen, Bystander(RunFolder("none"), data.popularity), lambda: False, table)


def _blocks(model: Any) -> int:
    return sum(isinstance(module, Block) for module in model.modules())


def _epoch(trainer: Trainer) -> None:
    """The steps of one epoch, as in the training loop."""
    with Workers() as workers:
        for batch in trainer._rest_of_epoch():
            trainer.train_step(batch, workers)


def train(data: SequenceDataset, stage: str, effort: Effort) -> dict[str, Any]:
    """Whole epochs of one stage with the paper's settings."""
    start = memory_mib()
    trainer = trainer_of(data, stage)
    seconds = repeat(lambda: _epoch(trainer), effort)
    lengths = training_lengths(data, trainer.model.config.length)
    work = training_operations(trainer.model.config, lengths, _blocks(trainer.model)) / 1e9
    return {
        "stage": stage,
        "users": len(lengths),
        "tokens": int(lengths.sum()),
        "steps": trainer.batches_per_epoch,
        **spread("epoch_seconds", seconds),
        **spread("tokens_per_second", [int(lengths.sum()) / s for s in seconds]),
        "repetitions": len(seconds),
        "useful_gflop": work,
        "useful_gflops": work / statistics.median(seconds),
        "start_memory_mib": start,
        "peak_memory_mib": peak_memory_mib(),
    }


def training_lengths(data: SequenceDataset, frame: int) -> np.ndarray:
    """Valid tokens of each user with a training pair."""
    lengths = np.minimum(np.diff(data.train_offsets) - 1, frame)
    return lengths[lengths > 0]


# -- the plain padded method ------------------------------------------------------------------------------------------


def padded_train(data: SequenceDataset, stage: str, effort: Effort) -> dict[str, Any]:
    """The plain training step on a few batches, scaled to an epoch by its users: padded, every user costs the same."""
    start = memory_mib()
    settings, rng = paper.Settings(data.n_items), torch.Generator().manual_seed(0)
    model: paper.SASRec | paper.ADRec = paper.SASRec(settings, rng)
    if stage != "pretrain":
        model = paper.ADRec(settings, model.item_embedding.weight.detach(), rng)
    adam = paper.adam_of(model)
    seq, tgt = paper.training_windows(data, settings.length)
    size = min(effort.padded_batch, len(seq), _affordable_users(settings))

    def step(first: int) -> float:
        users = slice(first, first + size)
        begin = time.perf_counter()
        paper.train_step(model, adam, seq[users], tgt[users], rng)
        return time.perf_counter() - begin

    step(0)  # warms up
    seconds = [step(first) for first in range(0, len(seq) - size + 1, size)[: effort.padded_batches]]
    return {
        "batches_measured": len(seconds),
        "users_per_batch": size,
        **spread("batch_seconds", seconds),
        **spread("epoch_seconds", [s / size * len(seq) for s in seconds]),
        "start_memory_mib": start,
        "peak_memory_mib": peak_memory_mib(),
    }


def _affordable_users(settings: paper.Settings) -> int:
    """How many users fit in a padded batch if three copies of its logits may take a third of the free memory."""
    row = 3 * 4 * settings.length * (settings.n_items + 1)
    return max(1, psutil.virtual_memory().available // 3 // row)


def padded_evaluation(data: SequenceDataset, effort: Effort) -> dict[str, Any]:
    """The plain reverse process on a sample of users, scaled to all by their number: padded, every user costs the same."""
    start = memory_mib()
    settings, rng = paper.Settings(data.n_items), torch.Generator().manual_seed(0)
    model = paper.ADRec(settings, torch.randn(data.n_items + 1, settings.hidden_size, generator=rng) * 0.1, rng)
    users = data.evaluated("test")[: effort.padded_users]
    seq = paper.left_padded([data.history(user, "test", settings.length) for user in users], settings.length)
    own = torch.from_numpy(data.test[users].astype(np.int64))

    @torch.no_grad()
    def rank() -> None:
        paper.ranks_of(model.answer(seq, rng) @ model.item_embedding.weight.T, own)

    seconds = repeat(rank, effort)
    return {
        "users_measured": len(users),
        "steps": settings.timesteps,
        **spread("seconds", [s / len(users) * data.n_users for s in seconds]),
        "start_memory_mib": start,
        "peak_memory_mib": peak_memory_mib(),
    }


# -- evaluation and trajectory ----------------------------------------------------------------------------------------


def _untrained(n_items: int) -> Any:
    """The default model with random weights."""
    chosen = plan(n_items)
    model: Any = chosen.model(chosen.config)
    model.initialise(torch.Generator().manual_seed(0))
    return model.requires_grad_(False)


def _evaluate(model: Model, data: SequenceDataset, split: Split) -> None:
    """All users with all steps, on as many threads as a training uses."""
    with Workers() as workers:
        evaluate(model, data, split, map=workers.map)


def evaluation(data: SequenceDataset, effort: Effort) -> dict[str, Any]:
    """The test of all users with all denoising steps."""
    start = memory_mib()
    model = _untrained(data.n_items)
    steps = model.config.timesteps
    seconds = repeat(lambda: _evaluate(model, data, "test"), effort)
    lengths = np.minimum(np.diff(data.train_offsets) + 1, model.config.length)
    work = evaluation_operations(model.config, lengths, steps) / 1e9
    return {
        "users": data.n_users,
        "steps": steps,
        **spread("seconds", seconds),
        **spread("users_per_second", [data.n_users / s for s in seconds]),
        "repetitions": len(seconds),
        "useful_gflop": work,
        "useful_gflops": work / statistics.median(seconds),
        "start_memory_mib": start,
        "peak_memory_mib": peak_memory_mib(),
    }


def trajectory(data: SequenceDataset, effort: Effort) -> dict[str, Any]:
    """The reverse process of the user with the longest history from many noise seeds at once, the top items of every step included."""
    model = _untrained(data.n_items)
    user = int(np.diff(data.train_offsets).argmax())
    history = data.history(user, "test", model.config.length)
    table, timesteps, width = model.item_embedding.weight[1:], model.config.timesteps, model.config.hidden_size

    @torch.no_grad()
    def walk() -> None:
        draws = [user_noise(seed, np.array([user]), timesteps, width) for seed in range(SEEDS)]
        x_start, step_noise = torch.cat([d[0] for d in draws]), torch.cat([d[1] for d in draws], 1)
        predict = model.last_token(pack([history], model.config.length), copies=SEEDS)
        tops: list[torch.Tensor] = []
        model.sample(predict, x_start, step_noise, model.diffusion, lambda t, x0_hat, x: tops.append((x0_hat @ table.T).topk(TOP).indices))

    seconds = repeat(walk, Effort(effort.seconds / 2, 5))
    return {
        "data": data.name,
        "history": len(history),
        "seeds": SEEDS,
        "steps": timesteps,
        **spread("seconds", seconds),
        "repetitions": len(seconds),
        "peak_memory_mib": peak_memory_mib(),
    }


# -- matrix products --------------------------------------------------------------------------------------------------


def products(n_items: int, effort: Effort) -> dict[str, Any]:
    """Plain float32 matrix products: a large square one, the peak that shares refer to, and those of the model's shapes."""
    width = plan(n_items).config.hidden_size  # type: ignore[attr-defined]
    shapes = {
        "qkv": (ROWS, width, 3 * width),
        "out": (ROWS, width, width),
        "wide": (ROWS, width, 4 * width),
        "narrow": (ROWS, 4 * width, width),
        "logits": (max(1, min(ROWS, 2**24 // (n_items + 1))), width, n_items + 1),
    }
    rates = product_gflops(SQUARE, SQUARE, SQUARE, Effort(effort.seconds / 2, 7))
    own = {name: {"shape": list(s), **spread("gflops", product_gflops(*s, Effort(effort.seconds / 8, 7)))} for name, s in shapes.items()}
    found = {"threads": torch.get_num_threads(), "torch_cpu_capability": torch.backends.cpu.get_cpu_capability()}
    return {**found, **spread("sgemm_gflops", rates), "products": own}


def product_gflops(rows: int, inner: int, columns: int, effort: Effort) -> list[float]:
    """10^9 operations a second of (rows, inner) @ (inner, columns), each repetition."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(shape, generator=generator) for shape in ((rows, inner), (inner, columns)))
    out = torch.empty(rows, columns)
    return [2e-9 * rows * inner * columns / s for s in repeat(lambda: torch.mm(a, b, out=out), effort)]


# -- growth -----------------------------------------------------------------------------------------------------------


def random_data(users: int, length: int, items: int) -> SequenceDataset:
    """Histories without structure: every user has exactly ``length`` training pairs."""
    rng = np.random.default_rng(0)
    return SequenceDataset(
        name=f"random-{users}-{length}-{items}",
        train_items=rng.integers(1, items + 1, users * (length + 1), dtype=np.int32),
        train_offsets=np.arange(users + 1, dtype=np.int64) * (length + 1),
        val=rng.integers(1, items + 1, users, dtype=np.int32),
        test=rng.integers(1, items + 1, users, dtype=np.int32),
        items=ItemTable.untitled([str(i) for i in range(1, items + 1)]),
        user_ids=np.arange(users).astype(str),
    )


def growth_point(users: int, length: int, items: int, width: int, effort: Effort) -> dict[str, Any]:
    """One epoch of fine-tuning and one evaluation of a size, with what the formulas expect of it.

    parameters: of the model; memory is the process's before the model, its peak after training, its peak after both.
    """
    data = random_data(users, length, items)
    start = memory_mib()
    trainer = trainer_of(data, "finetune", hidden_size=width, length=length)
    config, lengths = trainer.model.config, np.full(users, length)
    training = repeat(lambda: _epoch(trainer), effort)
    trained = peak_memory_mib()
    evaluating = repeat(lambda: _evaluate(trainer.model, data, "val"), effort)
    return {
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "train": {**spread("seconds", training), "operations": training_operations(config, lengths, _blocks(trainer.model))},
        "evaluate": {**spread("seconds", evaluating), "operations": evaluation_operations(config, lengths, config.timesteps)},
        "start_memory_mib": start,
        "train_memory_mib": trained,
        "peak_memory_mib": peak_memory_mib(),
    }


# -- measuring --------------------------------------------------------------------------------------------------------


def repeat(work: Callable[[], object], effort: Effort) -> list[float]:
    """Seconds of each repetition of ``work``, after one that warms caches up."""
    work()
    seconds: list[float] = []
    while len(seconds) < effort.at_least or sum(seconds) < effort.seconds:
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return seconds


def spread(key: str, values: list[float]) -> dict[str, Any]:
    """The median under ``key``, and the minimum and maximum under ``<key>_spread``."""
    return {key: statistics.median(values), f"{key}_spread": [min(values), max(values)]}


def memory_mib() -> float:
    """Resident memory of this process now."""
    return float(psutil.Process().memory_info().rss / 2**20)
