"""Ranking metrics (pure functions of ranks) and the evaluator that ranks the full catalogue for every user."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrec.data.batches import PART_TOKENS, PackedBatch, evaluation_batches
from adrec.data.dataset import SequenceDataset, Split
from adrec.diffusion import reverse_process, user_noise
from adrec.models import DiffusionModel, Model
from adrec.training.distributed import Processes
from adrec.workers import Workers

CUTOFFS = (5, 10, 20)
BLOCK = 64
"""Columns of which ``top_items`` takes the maximum first."""
COUNTED = 2**24
"""How far float32 counts."""
CHUNK = 8192
"""Table rows scored at once: with 2,048 users 64 MB, whatever the size of the catalogue."""


def ranks_of(scores: Tensor, targets: Tensor) -> Tensor:
    """Rank of each target among all rows, 1 = best; ties count against the model, and so does a score that is no number.

    scores: (B, V + 1), float32 or float64. targets: (B,). Returns (B,) int64.
    """
    own = scores.gather(1, targets.unsqueeze(1))
    below = torch.lt(scores, own, out=torch.empty_like(scores))  # numbers are added up three times as fast as truth values
    return scores.shape[1] - below.sum(1, dtype=None if scores.shape[1] <= COUNTED else torch.float64).long()


def top_items(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` largest of every row, largest first, and their columns, (B, k) each. scores: (B, N). As ``topk``, ties included: which of
    equal scores come first, or at all, is not said.

    They all lie in the k blocks of columns whose maxima are largest, and in wide rows only these are searched.
    """
    if scores.shape[1] < 4 * k * BLOCK:
        values, columns = scores.topk(k, 1)
        return values, columns
    whole = scores.shape[1] // BLOCK * BLOCK
    blocks = scores[:, :whole].unflatten(1, (-1, BLOCK))
    chosen = blocks.amax(2).topk(k, 1).indices.unsqueeze(2)
    inside, rest = torch.arange(BLOCK, device=scores.device), torch.arange(whole, scores.shape[1], device=scores.device)
    columns = torch.cat([(chosen * BLOCK + inside).flatten(1), rest.expand(len(scores), -1)], 1)
    values, places = torch.cat([blocks.gather(1, chosen.expand(-1, -1, BLOCK)).flatten(1), scores[:, whole:]], 1).topk(k, 1)
    return values, columns.gather(1, places)


@torch.no_grad()
def streamed_ranks(answers: Tensor, table: Tensor, targets: Tensor, hidden: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """`ranks_of` the scores ``answers @ table.T`` without ever holding more than ``CHUNK`` of their columns.

    answers: (B, D). table: (V + 1, D). targets: (B,). hidden: (row, item) pairs that cannot be recommended, equally long;
    a user's own target is never hidden. Returns (B,) int64.

    Equal rows of the table must get equal scores, or ties would be decided by rounding. So every product has the same shape:
    the last chunk begins earlier and repeats columns that are left out of the count, and the targets' rows, gathered, are
    scored as one more chunk.
    """
    width, below = min(CHUNK, len(table)), torch.zeros_like(targets)
    if hidden is not None:
        hidden = _sorted_by_item(hidden, targets)
    block = answers.new_empty(len(answers), width)
    own = _own_scores(answers, table, targets, block)
    for start in range(0, len(table), width):
        stop = min(start + width, len(table))
        if width < len(table):  # otherwise the block holds the scores already
            torch.mm(answers, table[stop - width : stop].T, out=block)
        scores = block[:, start - stop :]
        mine = ((targets >= start) & (targets < stop)).nonzero().squeeze(1)
        scores[mine, targets[mine] - start] = own[mine]
        if hidden is not None:
            among = slice(*torch.searchsorted(hidden[1], torch.tensor([start, stop], device=targets.device)).tolist())
            scores[hidden[0][among], hidden[1][among] - start] = -torch.inf
        below += scores.lt_(own.unsqueeze(1)).sum(1).long()
    return len(table) - below


def _own_scores(answers: Tensor, table: Tensor, targets: Tensor, block: Tensor) -> Tensor:
    """Each user's score of its target, (B,). block: (B, C) to work in; it is left with the scores of a table of C rows."""
    width = block.shape[1]
    if len(table) == width:
        return torch.mm(answers, table.T, out=block).gather(1, targets.unsqueeze(1)).squeeze(1)
    own = answers.new_empty(len(targets))
    for start in range(0, len(targets), width):
        users = torch.arange(start, min(start + width, len(targets)), device=targets.device)
        rows = table[targets[users]]
        torch.mm(answers, torch.cat([rows, rows.new_zeros(width - len(rows), rows.shape[1])]).T, out=block)
        own[users] = block[users, users - start]
    return own


def _sorted_by_item(hidden: tuple[Tensor, Tensor], targets: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs in the order of their items, without users' own targets."""
    rows, items = (x[hidden[1] != targets[hidden[0]]] for x in hidden)
    order = items.argsort()
    return rows[order], items[order]


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
    if not isinstance(model, DiffusionModel):
        return model(batch)[batch.last]
    diffusion = model.diffusion.strided(model.config.timesteps if steps is None else steps)
    x_start, step_noise = user_noise(seed, batch.users, len(diffusion.timesteps), model.config.hidden_size)
    device = batch.items.device
    return reverse_process(model.last_token(batch), x_start.to(device), step_noise.to(device), diffusion)


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
    progress: Callable[[float], object] | None = None,
    processes: Processes | None = None,
) -> Evaluation:
    """Rank the whole catalogue for every user.

    steps: denoising steps (default: all timesteps). seed: of the noise, which depends on (seed, user) alone.
    filter_seen: items of the history cannot be recommended (the answer itself is never filtered); filter_padding: nor
    can row 0. Both are off by default, as in the official code. processes: those that share the users, with the same result in
    each of them.
    """
    begin = time.perf_counter()
    processes = processes or Processes()
    table = model.item_embedding.weight
    ranks = torch.zeros(data.n_users, dtype=torch.int64)
    done = 0

    @torch.no_grad()
    def rank(part: PackedBatch) -> tuple[np.ndarray, Tensor]:
        own = torch.from_numpy(data.answers(split)[part.users].astype(np.int64)).to(table.device)
        hidden = _hidden(data, split, part.users, filter_seen, filter_padding)
        hidden = hidden and (hidden[0].to(table.device), hidden[1].to(table.device))
        return part.users, streamed_ranks(answers(model, part.to(table.device), steps, seed), table, own, hidden).cpu()

    parts = (part for batch in evaluation_batches(data, split, model.config.length) for part in batch.split(PART_TOKENS))
    with Workers(None if table.device.type == "cpu" else 1) as workers:
        for users, found in workers.map(rank, processes.share(parts)):
            ranks[torch.from_numpy(users)] = found
            done += len(users) * processes.size
            if progress is not None:
                progress(min(1.0, done / data.n_users))
    processes.add_up([ranks])
    used_steps = 0 if not isinstance(model, DiffusionModel) else model.config.timesteps if steps is None else steps
    used = {"split": split, "users": data.n_users, "steps": used_steps, "seed": seed}
    return Evaluation(ranks.numpy(), {**used, **ranking_metrics(ranks.numpy()), "seconds": time.perf_counter() - begin})


def _hidden(data: SequenceDataset, split: Split, users: np.ndarray, seen: bool, padding: bool) -> tuple[Tensor, Tensor] | None:
    """(row in the batch, item) of what cannot be recommended: everything known of a user before the answer, the padding row."""
    rows, items = [], []
    if seen:
        first, counts = data.train_offsets[users], np.diff(data.train_offsets)[users]
        begins = np.cumsum(counts) - counts
        rows.append(np.repeat(np.arange(len(users)), counts))
        items.append(data.train_items[np.arange(counts.sum()) + np.repeat(first - begins, counts)])
    if seen and split == "test":
        rows.append(np.arange(len(users)))
        items.append(data.val[users])
    if padding:
        rows.append(np.arange(len(users)))
        items.append(np.zeros(len(users), dtype=np.int32))
    if not rows:
        return None
    return torch.from_numpy(np.concatenate(rows)), torch.from_numpy(np.concatenate(items).astype(np.int64))
