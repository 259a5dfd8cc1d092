"""Interactions, data sets and co-occurrences from rows and histories that a test spells out."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.data.dataset import ItemTable, SequenceDataset, split
from tests.adrec.plain_building import Interactions

Histories = Iterable[Sequence[int] | np.ndarray]


def joined(histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """The histories one after another, and the length of each."""
    parts = [np.asarray(history, dtype=np.int64) for history in histories]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts]), np.array([len(part) for part in parts], dtype=np.int64)


def dataset(histories: Histories, items: Sequence[str], name: str = "made") -> SequenceDataset:
    """Histories of ids 1..V of users u0, u1, ..., the last two items for validation and test."""
    train_items, train_offsets, val, test = split(*joined(histories))
    users = np.array([f"u{i}" for i in range(len(val))])
    return SequenceDataset(name, train_items, train_offsets, val, test, ItemTable.untitled(list(items)), users)


def cooccurrence(histories: Histories, n_items: int) -> Cooccurrence:
    """From histories of rows 0..V-1."""
    rows, lengths = joined(histories)
    return Cooccurrence.from_rows(rows, np.cumsum([0, *lengths]), n_items)


def interactions(frame: pd.DataFrame, attributes: pd.DataFrame | None = None) -> Interactions:
    """From a frame with the columns ``user``, ``item`` and, optionally, ``time`` and ``rating``."""
    (users, user_names), (items, item_names) = (pd.factorize(frame[role].astype(str)) for role in ("user", "item"))
    times, ratings = (frame[c].to_numpy() if c in frame else None for c in ("time", "rating"))
    return Interactions(users, items, user_names.to_numpy(object), item_names.to_numpy(object), times, ratings, attributes)
