"""From rows to a data set by numpy and pandas, in memory: the independent check of what `adrec.data.building` does in its engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from adrec.data.dataset import SequenceDataset, item_table, split
from adrec.errors import DataError

SHORTEST = 3


@dataclass(frozen=True)
class Interactions:
    """Rows of user-item interactions, in file order, before any filter.

    users, items: (N,) integer codes into ``user_names`` and ``item_names`` (arrays of str).
    times: (N,) numbers that order a user's rows, or None for file order. ratings: (N,) float64, NaN if missing, or None.
    attributes: item data with the raw item id as index, columns ``title`` and categorical ones; or None.
    """

    users: np.ndarray
    items: np.ndarray
    user_names: np.ndarray
    item_names: np.ndarray
    times: np.ndarray | None = None
    ratings: np.ndarray | None = None
    attributes: pd.DataFrame | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: np.ndarray) -> "Interactions":
        """The rows of a boolean mask or an index array."""
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            times=None if self.times is None else self.times[rows],
            ratings=None if self.ratings is None else self.ratings[rows],
        )


def k_core(users: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    """The largest set of rows in which every user and every item has at least ``k`` rows: a boolean mask (N,).

    users, items: (N,) non-negative integer codes.
    """
    rows = np.arange(len(users))
    while len(rows):
        u, i = users[rows], items[rows]
        keep = (np.bincount(u)[u] >= k) & (np.bincount(i)[i] >= k)
        if keep.all():
            break
        rows = rows[keep]
    mask = np.zeros(len(users), dtype=bool)
    mask[rows] = True
    return mask


def build(
    name: str, interactions: Interactions, min_rating: float | None = None, k: int | None = None, source: str | None = None
) -> SequenceDataset:
    """Filter, number, sort and split interactions into a data set.

    Users with fewer than 3 interactions cannot be split and are dropped; the options record how many. Items are numbered 1, 2, ... and
    users ordered by first appearance in the remaining rows; each user is sorted stably by time, so that ties keep file order. source: the
    name used in errors (default: the data set's).
    """
    before, data = len(interactions), interactions
    if min_rating is not None:
        assert data.ratings is not None  # or the reader would have refused
        data = data.take(data.ratings >= min_rating)  # never a row without a rating
    data = replace(data, ratings=None)  # no longer needed, so not carried through the filters
    if k is not None:
        data = data.take(k_core(data.users, data.items, k))
    counts = np.bincount(data.users, minlength=1)
    short = int(((counts > 0) & (counts < SHORTEST)).sum())
    if short:
        data = data.take(counts[data.users] >= SHORTEST)
    if not len(data):
        filters = [f"{n}={v:g}" for n, v in (("min_rating", min_rating), ("k_core", k)) if v is not None]
        after = f" after {' and '.join(filters)}" if filters else ""
        raise DataError(f"'{source or name}' has no user with at least {SHORTEST} interactions{after}: too few to split ({before:,} rows).")
    recorded = {**interactions.options, "min_rating": min_rating, "k_core": k, "dropped_users": short}
    return leave_one_out(name, data, recorded)


def leave_one_out(name: str, data: Interactions, options: Mapping[str, Any]) -> SequenceDataset:
    """Split rows whose users all have at least 3: the last item is for test, the one before it for validation."""
    users, user_codes = pd.factorize(data.users)
    items, item_codes = pd.factorize(data.items)
    order = np.argsort(users, kind="stable") if data.times is None else np.lexsort((data.times, users))
    train_items, train_offsets, val, test = split(items[order] + 1, np.bincount(users))
    return SequenceDataset(
        name=name,
        train_items=train_items,
        train_offsets=train_offsets,
        val=val,
        test=test,
        items=item_table([str(n) for n in data.item_names[item_codes]], data.attributes),
        user_ids=data.user_names[user_codes].astype(str),
        options=dict(options),
    )
