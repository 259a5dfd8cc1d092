"""Ranking metrics (pure functions of ranks) and the evaluator that ranks the full catalogue for every user."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrec.data.batches import PackedBatch, evaluation_batches
from adrec.data.dataset import SequenceDataset, Split
from adrec.diffusion import reverse_process, user_noise
from adrec.models import ADRec, Model

CUTOFFS = (5, 10, 20)


def ranks_of(scores: Tensor, targets: Tensor) -> Tensor:
    """Rank of each target among all rows, 1 = best; ties count against the model, and so does a score that is no number.

    scores: (B, V + 1). targets: (B,). Returns (B,) int64.
    """
    own = scores.gather(1, targets.unsqueeze(1))
    return (~(scores < own)).sum(1)


def user_metrics(ranks: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric of each user, (U,). One relevant item a user, so the ideal DCG is 1 (Järvelin & Kekäläinen 2002)."""
    values: dict[str, np.ndarray] = {}
    for k in CUTOFFS:
        values[f"hr@{k}"] = (ranks <= k).astype(np.float64)
        values[f"ndcg@{k}"] = np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0)
    return {**values, "mrr": 1.0 / ranks}


def ranking_metrics(ranks: np.ndarray) -> dict[str, float]:
    """Means over users as fractions, and beside each its standard error over users (``<metric>_se``). ranks: (U,), 1 = best."""
    metrics: dict[str, float] = {}
    for name, values in user_metrics(ranks).items():
        metrics[name] = float(values.mean())
        metrics[f"{name}_se"] = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return metrics


@dataclass(frozen=True)
class Evaluation:
    """ranks: (U,) each user's rank of the answer, in the data set's order; metrics: their means and what they were measured with."""

    ranks: np.ndarray
    metrics: dict[str, Any]


@torch.no_grad()
def answers(model: Model, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> Tensor:
    """What the model holds against every item: each user's denoised (or encoded) last token, (B, D) in the batch's order."""
    if not isinstance(model, ADRec):
        return model(batch)[batch.last]
    diffusion = model.diffusion.strided(model.config.timesteps if steps is None else steps)
    x_start, step_noise = user_noise(seed, batch.users, len(diffusion.timesteps), model.config.hidden_size)
    return reverse_process(model.last_token(batch), x_start, step_noise, diffusion)


@torch.no_grad()
def evaluate(
    model: Model,
    data: SequenceDataset,
    split: Split,
    *,
    steps: int | None = None,
    seed: int = 0,
    filter_seen: bool = False,
    filter_padding: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Evaluation:
    """Rank the whole catalogue for every user.

    steps: denoising steps (default: all timesteps). seed: of the noise, which depends on (seed, user) alone.
    filter_seen: items of the history cannot be recommended (the answer itself is never filtered); filter_padding: nor
    can row 0. Both are off by default, as in the official code.
    """
    begin = time.perf_counter()
    ranks = np.zeros(data.n_users, dtype=np.int64)
    targets = torch.from_numpy(data.answers(split).astype(np.int64))
    done = 0
    for batch in evaluation_batches(data, split, model.config.length):
        scores = answers(model, batch, steps, seed) @ model.item_embedding.weight.T
        own = targets[torch.from_numpy(batch.users)]
        if filter_seen:
            _hide(scores, _seen(data, split, batch.users), own)
        if filter_padding:
            scores[:, 0] = -torch.inf
        ranks[batch.users] = ranks_of(scores, own).numpy()
        done += len(batch.users)
        if progress is not None:
            progress(done / data.n_users)
    used_steps = 0 if not isinstance(model, ADRec) else model.config.timesteps if steps is None else steps
    used = {"split": split, "users": data.n_users, "steps": used_steps, "seed": seed}
    return Evaluation(ranks, {**used, **ranking_metrics(ranks), "seconds": time.perf_counter() - begin})


def _seen(data: SequenceDataset, split: Split, users: np.ndarray) -> tuple[Tensor, Tensor]:
    """(row in the batch, item) of everything known of these users before the answer."""
    known = [data.history(int(u), split, data.n_interactions) for u in users]
    rows = np.repeat(np.arange(len(users)), [len(k) for k in known])
    return torch.from_numpy(rows), torch.from_numpy(np.concatenate(known).astype(np.int64))


def _hide(scores: Tensor, seen: tuple[Tensor, Tensor], own: Tensor) -> None:
    kept = scores.gather(1, own.unsqueeze(1))
    scores[seen] = -torch.inf
    scores.scatter_(1, own.unsqueeze(1), kept)
