"""What the ranking becomes when a model's item table is replaced by a changed one: the real model, the real evaluator."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.stats import binomtest

from adrec.data.dataset import SequenceDataset, Split
from adrec.errors import DataError, WeightsError
from adrec.evaluation import Evaluation, evaluate
from adrec.evaluation.evaluator import Map
from adrec.models.base import Model


def evaluate_table(
    model: Model,
    data: SequenceDataset,
    table: np.ndarray,
    split: Split = "val",
    *,
    steps: int | None = None,
    seed: int = 0,
    progress: Callable[[float], object] | None = None,
    map: Map = map,
) -> Evaluation:
    """``evaluate`` with the items' rows (V, D) in the place of the model's own, for histories and for ranking alike.

    The padding row and all other weights stay as they were trained, and ``model`` itself is left alone.
    """
    own = model.table
    if own is None:
        raise WeightsError(f"The model '{model.title}' has no item table to replace.")
    if table.shape != (own.shape[0] - 1, own.shape[1]):
        raise WeightsError(f"A table of shape {table.shape} does not fit the model; accepted is {(own.shape[0] - 1, own.shape[1])}.")
    changed = copy.deepcopy(model)
    assert changed.table is not None
    with torch.no_grad():
        changed.table[1:] = torch.from_numpy(np.ascontiguousarray(table, dtype=np.float32))
    return evaluate(changed, data, split, steps=steps, seed=seed, progress=progress, map=map)


def some_users(data: SequenceDataset, users: int, seed: int = 0) -> SequenceDataset:
    """The data set of ``users`` of its users, drawn with ``seed`` and in their order; all of them if there are no more."""
    if users < 1:
        raise DataError(f"Cannot draw {users} users; accepted is 1 or more.")
    if users >= data.n_users:
        return data
    chosen = np.sort(np.random.default_rng(seed).choice(data.n_users, users, replace=False))
    parts = [data.train(int(user)) for user in chosen]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    val, test, user_ids = data.val[chosen], data.test[chosen], data.user_ids[chosen]
    return replace(data, train_items=np.concatenate(parts), train_offsets=offsets, val=val, test=test, user_ids=user_ids)


@dataclass(frozen=True)
class Difference:
    """HR@10 of two tables over the same users: before, after as fractions; won, lost: users that became and ceased to be hits.

    chance: the two-sided p-value that won and lost would differ as much if either were as likely (McNemar's exact test, 1947).
    """

    before: float
    after: float
    won: int
    lost: int
    chance: float
    users: int


def difference(before: np.ndarray, after: np.ndarray, k: int = 10) -> Difference:
    """From the ranks (U,) of the same users' answers, 1 = best."""
    old, new = before <= k, after <= k
    won, lost = int((new & ~old).sum()), int((old & ~new).sum())
    chance = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return Difference(float(old.mean()), float(new.mean()), won, lost, chance, len(old))
