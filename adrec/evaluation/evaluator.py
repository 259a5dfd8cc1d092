"""The evaluator: ranks the full catalogue for every user."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from adrec.data.batches import PART_TOKENS, PackedBatch, evaluation_batches
from adrec.data.dataset import SequenceDataset, Split
from adrec.errors import DataError
from adrec.evaluation.metrics import Metric, ranking_metrics
from adrec.evaluation.ranking import ranks_of, streamed_ranks
from adrec.models.base import Model
from adrec.models.neural import DiffusionModel

Item = TypeVar("Item")
Ranked = tuple[np.ndarray, Tensor]
"""Users and their ranks, (B,) each."""
Map = Callable[[Callable[[PackedBatch], Ranked], Iterable[PackedBatch]], Iterable[Ranked]]


class Share(Protocol):
    """This process's share of a computation that several processes split."""

    def share(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items that belong to this process."""

    def add_up(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its sum over all processes."""


@dataclass(frozen=True)
class Evaluation:
    """ranks: (U,) rank of each user's answer, in the data set's order, 0 for a user without one; metrics: means over those who have one,
    and the settings of the evaluation."""

    ranks: np.ndarray
    metrics: dict[str, Any]


@torch.no_grad()
def answers(model: Model, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> Tensor:
    """The model's answers in the batch's order: vectors (B, W) or, for a model without an output table, scores (B, V + 1)."""
    return torch.as_tensor(model.answers(batch, steps, seed))


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
    metrics: Iterable[Metric] | None = None,
    progress: Callable[[float], object] | None = None,
    map: Map = map,
    share: Share | None = None,
) -> Evaluation:
    """Rank the whole catalogue for every user who has an answer.

    steps: denoising steps (default: the model's own). seed: the noise seed; the noise depends only on (seed, user). filter_seen: exclude
    items of the history (never the answer itself). filter_padding: exclude row 0. Both are off by default, as in the official code.
    metrics: default all registered. map: like the builtin, over batches of users; it may call the function from several threads. share:
    for several processes that rank some users each; all of them get the same result.
    """
    evaluated = len(data.evaluated(split))
    if not evaluated:
        raise DataError(f"The data set '{data.name}' has no users to evaluate.")
    begin = time.perf_counter()
    table = model.output_table
    device = torch.device("cpu") if table is None else table.device
    ranks = torch.zeros(data.n_users, dtype=torch.int64)
    done = 0

    @torch.no_grad()
    def rank(part: PackedBatch) -> Ranked:
        own = torch.from_numpy(data.answers(split)[part.users].astype(np.int64)).to(device)
        hidden = hidden_items(data, split, part.users, filter_seen, filter_padding)
        hidden = hidden and (hidden[0].to(device), hidden[1].to(device))
        found = answers(model, part.to(device), steps, seed)
        ranks = ranks_of_scores(found, own, hidden) if table is None else streamed_ranks(found, table, own, hidden)
        return part.users, ranks.cpu()

    parts = (part for batch in evaluation_batches(data, split, model.config.length) for part in batch.split(PART_TOKENS))
    for users, found in map(rank, parts if share is None else share.share(parts)):
        ranks[torch.from_numpy(users)] = found
        done += len(users)
        if progress is not None:
            progress(done / evaluated)
    if share is not None:
        share.add_up([ranks])
    used_steps = 0 if not isinstance(model, DiffusionModel) else model.config.steps if steps is None else steps
    used = {"split": split, "users": evaluated, "steps": used_steps, "seed": seed}
    return Evaluation(ranks.numpy(), {**used, **ranking_metrics(ranks.numpy(), metrics), "seconds": time.perf_counter() - begin})


def ranks_of_scores(scores: Tensor, targets: Tensor, hidden: tuple[Tensor, Tensor] | None) -> Tensor:
    """`ranks_of` with some items hidden, of which a user's own answer never is. hidden: rows and items."""
    if hidden is not None:
        own = scores.gather(1, targets.unsqueeze(1))
        scores = scores.clone()
        scores[hidden] = -torch.inf
        scores.scatter_(1, targets.unsqueeze(1), own)
    return ranks_of(scores, targets)


def hidden_items(data: SequenceDataset, split: Split, users: np.ndarray, seen: bool, padding: bool = False) -> tuple[Tensor, Tensor] | None:
    """(row in the batch, item) of what cannot be recommended: everything known of a user before the answer, the padding row."""
    rows, items = [], []
    if seen:
        known, offsets = data.histories(users, split)
        rows.append(np.repeat(np.arange(len(users)), np.diff(offsets)))
        items.append(known)
    if padding:
        rows.append(np.arange(len(users)))
        items.append(np.zeros(len(users), dtype=np.int32))
    if not rows:
        return None
    return torch.from_numpy(np.concatenate(rows)), torch.from_numpy(np.concatenate(items).astype(np.int64))
