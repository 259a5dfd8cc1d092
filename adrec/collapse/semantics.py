"""Whether a table's geometry means anything: do items that occur together lie together, against the same rows dealt out at random.

Cosines are of centred rows. The null of permuted rows is exact (``nulls.permuted_rows``), so nothing here is drawn but the samples of
large tables, which are stated.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.moments import Moments, blocks
from adrec.collapse.nulls import PairSums, permuted_rows
from adrec.maps.neighbours import _top
from adrec.maps.tables import unit_rows

NEIGHBOURS = 10
MOST_PAIRS = 300_000
"""Co-occurring pairs whose cosines are taken; of more, a sample."""
ALL_ROWS, SAMPLED_ROWS = 5_000, 2_000
"""Items up to which every item's neighbours are found, and the sample of items above."""
SCORES = 2**24
"""Cosines that are looked at together: 64 MiB."""
KEPT = 2**23
"""Entries up to which the unit rows of a table are kept (64 MiB); of a larger one they are computed anew where they are needed."""
TWIN = 0.9999
"""Cosine from which two items are the same to any recommender: an angle of 0.8 degrees."""


class Rows:
    """The unit rows of a centred table, and without what ``basis`` explains of them; computed where they are needed.

    basis: (V, m) orthonormal columns, the first constant. The others are taken out of rows of unit length, so that a few long rows do not
    decide what is taken out of the many short ones; what is left has unit length again. Rows of a table with more columns than rows are
    turned into as many coordinates as there are rows, which changes no cosine.
    """

    def __init__(self, table: np.ndarray, moments: Moments, basis: np.ndarray) -> None:
        self.scale, self.mean = moments.scale, moments.mean
        if len(table) < table.shape[1]:
            table = np.asarray(np.linalg.qr((table / self.scale - self.mean).T, mode="r")).T
            self.scale, self.mean = 1.0, np.zeros(len(table))
        self.table, self.basis = table, basis
        self._kept: np.ndarray | None = None
        self.coefficients = np.zeros((basis.shape[1] - 1, table.shape[1]))
        if basis.shape[1] > 1:
            for start, rows in blocks(table):
                self.coefficients += basis[start : start + len(rows), 1:].T @ unit_rows(rows / self.scale - self.mean)
        if table.size <= KEPT:
            self._kept = self._unit(slice(None))

    def unit(self, which: np.ndarray | slice) -> np.ndarray:
        """Those rows, (n, D) float64."""
        return self._unit(which) if self._kept is None else self._kept[which]

    def _unit(self, which: np.ndarray | slice) -> np.ndarray:
        rows = unit_rows(self.table[which].astype(np.float64) / self.scale - self.mean)
        return unit_rows(rows - self.basis[which, 1:] @ self.coefficients) if len(self.coefficients) else rows

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, unit rows)."""
        for start, rows in blocks(self.table):
            yield start, self.unit(slice(start, start + len(rows)))

    def cosine_sums(self) -> PairSums:
        """The sums of all pairs' cosines that the permutation null needs."""
        n, width = self.table.shape
        total, gram, own, own_squared = np.zeros(width), np.zeros((width, width)), 0.0, 0.0
        for _, rows in self.blocks():
            squared = (rows**2).sum(axis=1)
            total += rows.sum(axis=0)
            gram += rows.T @ rows
            own, own_squared = own + squared.sum(), own_squared + (squared**2).sum()
        row_squares = sum(float((((rows @ total) - (rows**2).sum(axis=1)) ** 2).sum()) for _, rows in self.blocks())
        return PairSums(n, float(total @ total - own), float((gram**2).sum() - own_squared), row_squares)

    def mean_cosine(self, pairs: np.ndarray) -> float:
        """Mean cosine of the rows of (P, 2) pairs."""
        step, total = max(2**19 // self.table.shape[1], 1), 0.0
        for start in range(0, len(pairs), step):
            part = pairs[start : start + step]
            total += float(np.einsum("ij,ij->", self.unit(part[:, 0]), self.unit(part[:, 1])))
        return total / max(len(pairs), 1)

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k rows nearest to each row of ``queries`` by cosine, the nearest first, and the cosines: both (len(queries), k)."""
        wanted = self.unit(queries).astype(np.float32)
        best = np.full((len(queries), k), -np.inf, dtype=np.float32)
        rows = np.zeros((len(queries), k), dtype=np.int64)
        step = max(SCORES // len(queries), 64)
        for start in range(0, len(self.table), step):
            scores = wanted @ self.unit(slice(start, start + step)).astype(np.float32).T
            inside = np.flatnonzero((queries >= start) & (queries < start + scores.shape[1]))
            scores[inside, queries[inside] - start] = -np.inf
            best, rows = _merged(best, rows, scores, start)
        return rows, best


def _merged(best: np.ndarray, rows: np.ndarray, scores: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best of what was found and of one more block of scores (n, width), whose first column is row ``start``."""
    k = best.shape[1]
    if scores.shape[1] > k and not np.isfinite(best).all():
        found = _top(scores, k)
        query, column = np.repeat(np.arange(len(best)), k), found.ravel()
    else:
        query, column = np.nonzero(scores > best[:, -1:])
    every = np.concatenate([np.repeat(np.arange(len(best)), k), query])
    value = np.concatenate([best.ravel(), scores[query, column]])
    row = np.concatenate([rows.ravel(), column + start])
    order = np.lexsort((row, -value, every))
    first = np.searchsorted(every[order], np.arange(len(best)))
    chosen = order[first[:, None] + np.arange(k)]
    return value[chosen], row[chosen]


@dataclass(frozen=True)
class Neighbourhood:
    """The nearest other items of ``queries`` (n,): rows (n, k) and their cosines (n, k)."""

    queries: np.ndarray
    rows: np.ndarray
    cosines: np.ndarray

    @classmethod
    def of(cls, rows: Rows, seed: int) -> "Neighbourhood":
        """Of all items up to ALL_ROWS, of a sample above."""
        n = len(rows.table)
        queries = np.arange(n)
        if n > ALL_ROWS:
            queries = np.sort(np.random.default_rng([seed, 1]).choice(n, SAMPLED_ROWS, replace=False))
        return cls(queries, *rows.nearest(queries, min(NEIGHBOURS, n - 1)))

    @property
    def twins(self) -> float:
        """The share of the items whose nearest other item has a cosine of TWIN or more."""
        return float((self.cosines[:, 0] >= TWIN).mean())

    def sums(self, n: int) -> PairSums:
        """Of the matrix (N + N^T) / 2, N_ij = 1 where j is among the neighbours of i."""
        first, second = np.repeat(self.queries, self.rows.shape[1]), self.rows.ravel()
        mutual = int(np.isin(first * n + second, second * n + first).sum())
        degree = (np.bincount(first, minlength=n) + np.bincount(second, minlength=n)) / 2
        return PairSums(n, float(len(first)), (len(first) + mutual) / 2, float((degree**2).sum()))


@dataclass(frozen=True)
class Compared:
    """A mean over pairs, the mean and the standard deviation it has when rows are permuted."""

    value: float
    null: float
    spread: float

    @property
    def z(self) -> float:
        """(value - null) / spread; 0 where permuting changes nothing."""
        return (self.value - self.null) / self.spread if self.spread > 0 else 0.0


def pair_sums(pairs: np.ndarray, n: int) -> PairSums:
    """Of the adjacency matrix of distinct pairs (P, 2)."""
    degree = np.bincount(pairs.ravel(), minlength=n).astype(np.float64)
    return PairSums(n, 2.0 * len(pairs), 2.0 * len(pairs), float((degree**2).sum()))


def sampled(pairs: np.ndarray, seed: int) -> np.ndarray:
    """All pairs up to MOST_PAIRS, above that a sample."""
    if len(pairs) <= MOST_PAIRS:
        return pairs
    return pairs[np.sort(np.random.default_rng([seed, 2]).choice(len(pairs), MOST_PAIRS, replace=False))]


def alignment(rows: Rows, pairs: np.ndarray) -> Compared:
    """Mean cosine of co-occurring items (Wang & Isola 2020, arXiv 2005.10242, as a cosine) against permuted rows. pairs: (P, 2), P > 0.

    Taking a basis out of meaningless rows leaves a pair, on average, minus the product of its rows of the basis: items of like popularity,
    which co-occur more, lose more. The null's mean allows for that.
    """
    mean, spread = permuted_rows(pair_sums(pairs, len(rows.table)), rows.cosine_sums())
    basis = rows.basis[:, 1:]
    removed = float(np.einsum("ij,ij->", basis[pairs[:, 0]], basis[pairs[:, 1]])) / len(pairs)
    return Compared(rows.mean_cosine(pairs), mean / (2 * len(pairs)) - removed, spread / (2 * len(pairs)))


def overlap(found: Neighbourhood, cooccurrence: Cooccurrence) -> Compared:
    """The share of the nearest neighbours that co-occur with their item, against permuted rows: the share of all pairs that co-occur."""
    n = cooccurrence.n_items
    hits = cooccurrence.contains(np.repeat(found.queries, found.rows.shape[1]), found.rows.ravel())
    mean, spread = permuted_rows(found.sums(n), pair_sums(cooccurrence.pairs, n))
    return Compared(float(hits.mean()), mean / len(hits), spread / len(hits))


def popularity_basis(popularity: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span 1, l and l^2, l the logarithm of 1 + popularity: (V, 1 to 3)."""
    logs = np.log1p(popularity.astype(np.float64))
    spread = logs.std()
    scaled = (logs - logs.mean()) / spread if spread > 1e-12 else np.zeros(len(logs))
    q, r = np.linalg.qr(np.stack([np.ones(len(logs)), scaled, scaled**2], axis=1))
    kept = np.abs(np.diag(r)) > 1e-9 * np.sqrt(len(logs))
    return np.asarray(q[:, kept])
