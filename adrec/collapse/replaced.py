"""How the ranking changes when a model's item table is replaced, with the real model and the real evaluator."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

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
    """``evaluate`` with the given item rows (V, D) instead of the model's, both for histories and for ranking.

    The padding row and all other weights stay as trained; ``model`` itself is not changed.
    """
    own = model.table
    if own is None:
        raise WeightsError(f"The model '{model.title}' has no item table to replace.")
    if table.shape != (own.shape[0] - 1, own.shape[1]):
        raise WeightsError(f"A table of shape {table.shape} does not fit the model; must be {(own.shape[0] - 1, own.shape[1])}.")
    changed = copy.deepcopy(model)
    assert changed.table is not None
    with torch.no_grad():
        changed.table[1:] = torch.from_numpy(np.ascontiguousarray(table, dtype=np.float32))
    return evaluate(changed, data, split, steps=steps, seed=seed, progress=progress, map=map)


def some_users(data: SequenceDataset, users: int, seed: int = 0) -> SequenceDataset:
    """The data set restricted to ``users`` of those with a validation answer, drawn with ``seed``, in their original order; unchanged if
    there are no more."""
    if users < 1:
        raise DataError(f"The number of users to draw must be at least 1, not {users}.")
    among = data.evaluated("val")
    if users >= len(among):
        return data
    return data.restricted(among[np.sort(np.random.default_rng(seed).choice(len(among), users, replace=False))])


@dataclass(frozen=True)
class Difference:
    """HR@10 of two tables for the same users: before and after, as fractions; won, lost: users who became hits and who ceased to be.

    chance: two-sided p-value of a difference this large if winning and losing were equally likely (McNemar's exact test, 1947).
    """

    before: float
    after: float
    won: int
    lost: int
    chance: float
    users: int


def difference(before: np.ndarray, after: np.ndarray, k: int = 10) -> Difference:
    """The difference between two sets of ranks (U,) of the same users' answers, 1 = best, 0 for a user without one."""
    ranked = before > 0
    old, new = before[ranked] <= k, after[ranked] <= k
    won, lost = int((new & ~old).sum()), int((old & ~new).sum())
    chance = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return Difference(float(old.mean()), float(new.mean()), won, lost, chance, len(old))
