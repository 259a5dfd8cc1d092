"""Which items co-occur in training histories: the neighbours one expects in a meaningful table."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from adrec.data.dataset import SequenceDataset, histories_of

WINDOW = 5
"""Two items of a history co-occur if they are at most this many positions apart."""
MOST_INTERACTIONS = 4_000_000
"""Larger data are thinned to about this many interactions of evenly spaced users: at most 20 million pairs, under 1 GiB."""


@dataclass(frozen=True)
class Cooccurrence:
    """Pairs of items within WINDOW positions of each other in a training history, and each item's number of occurrences.

    pairs: (P, 2) int32, zero-based item rows (id - 1), the smaller first, sorted, each pair once. popularity: (n_items,) int64 training
    occurrences. share: the share of users whose histories were read for the pairs.
    """

    n_items: int
    pairs: np.ndarray
    popularity: np.ndarray
    share: float = 1.0

    @classmethod
    def from_dataset(cls, data: SequenceDataset) -> "Cooccurrence":
        """From the training histories of a data set; validation and test items are never used."""
        return cls.from_rows(data.train_items.astype(np.int64) - 1, data.train_offsets, data.n_items)

    @classmethod
    def from_rows(cls, rows: np.ndarray, offsets: np.ndarray, n_items: int) -> "Cooccurrence":
        """From all users' histories of zero-based item rows (N,), concatenated; user u's end before offsets[u + 1], (U + 1,)."""
        popularity = np.bincount(rows, minlength=n_items)
        step = max(-(-len(rows) // MOST_INTERACTIONS), 1)
        if step > 1:
            rows, offsets = histories_of(np.arange(0, len(offsets) - 1, step), rows, offsets)
        return cls(n_items, _pairs(rows, offsets, n_items), popularity, 1 / step)

    @cached_property
    def codes(self) -> np.ndarray:
        """Each pair as a single number, smaller * n_items + larger: (P,) int64, ascending."""
        return np.asarray(self.pairs[:, 0].astype(np.int64) * self.n_items + self.pairs[:, 1])

    def contains(self, first: ArrayLike, second: ArrayLike) -> np.ndarray:
        """Whether the items of each pair of rows co-occur, in either order. Both arrays have the same shape; returns bool."""
        first, second = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
        wanted = np.minimum(first, second) * self.n_items + np.maximum(first, second)
        index = np.searchsorted(self.codes, wanted).clip(max=max(len(self.codes) - 1, 0))
        return self.codes[index] == wanted if len(self.codes) else np.zeros(wanted.shape, dtype=bool)

    def among(self, items: np.ndarray) -> "Cooccurrence":
        """The same for a subset of the items: ``items`` (n,) ascending rows, which become rows 0..n-1."""
        new = np.full(self.n_items, -1, dtype=np.int32)
        new[items] = np.arange(len(items), dtype=np.int32)
        pairs = new[self.pairs]
        return Cooccurrence(len(items), pairs[(pairs >= 0).all(axis=1)], self.popularity[items], self.share)


def _pairs(rows: np.ndarray, offsets: np.ndarray, n_items: int) -> np.ndarray:
    """Distinct pairs of different items at most WINDOW positions apart in a history: (P, 2) int32."""
    user = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    found = [np.zeros(0, dtype=np.int64)]
    for distance in range(1, WINDOW + 1):
        first, second = rows[:-distance], rows[distance:]
        near = (user[:-distance] == user[distance:]) & (first != second)
        first, second = first[near], second[near]
        found.append(np.minimum(first, second) * n_items + np.maximum(first, second))
    codes = np.concatenate(found)
    codes.sort()  # once: numpy's unique takes a hundred times as long
    codes = codes[np.diff(codes, prepend=-1) > 0]
    return np.stack([codes // max(n_items, 1), codes % max(n_items, 1)], axis=1).astype(np.int32)
