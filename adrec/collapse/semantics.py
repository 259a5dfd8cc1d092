"""Whether a table's geometry means anything: do items that occur together lie closer than if the rows were shuffled?

Cosines are of centred rows. The null of permuted rows is exact (``nulls.permuted_rows``), so only large tables are sampled, and the
sample is reported.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.moments import Moments, blocks
from adrec.collapse.nulls import PairSums, permuted_rows
from adrec.maps.neighbours import places, top_columns
from adrec.maps.tables import BLOCK, unit_rows

NEIGHBOURS = 10
MOST_PAIRS = 300_000
"""Cosines are taken of at most this many co-occurring pairs; of more, a sample."""
ALL_ROWS, SAMPLED_ROWS = 5_000, 2_000
"""Up to ALL_ROWS items, neighbours are found for every item; above, for a sample of SAMPLED_ROWS."""
SCORES = 2**24
"""Cosines with a block of rows."""
NEAR_SCORES = 2**20
"""Cosines that are looked through at once: 4 MiB, which stay in a processor's cache."""
KEPT = 2**23
"""Unit rows of tables with up to this many entries are kept in memory (64 MiB); those of larger tables are recomputed when needed."""
TWIN = 0.9999
"""Two items with at least this cosine (0.8 degrees apart) are the same to any recommender."""


class Rows:
    """The unit rows of a centred table, with everything that ``basis`` explains projected out; computed when needed.

    basis: (V, m) orthonormal columns, the first constant. The others are projected out of unit rows, so that a few long rows do not
    dominate, and the remainder is scaled to unit length again. A table with more columns than rows is rotated into as many coordinates as
    it has rows, which changes no cosine.
    """

    def __init__(self, table: np.ndarray, moments: Moments, basis: np.ndarray) -> None:
        self.scale, self.mean = moments.scale, moments.mean
        if len(table) < table.shape[1]:
            table = np.asarray(np.linalg.qr((table / self.scale - self.mean).T, mode="r")).T
            self.scale, self.mean = 1.0, np.zeros(len(table))
        self.table = table
        self._plain: np.ndarray | None = None
        if table.size <= KEPT:
            self._plain = self._centred(slice(None))
        self._project(basis)

    def without(self, basis: np.ndarray) -> "Rows":
        """The same rows with another basis projected out."""
        other = copy(self)
        other._project(basis)
        return other

    def _project(self, basis: np.ndarray) -> None:
        self.basis = basis
        self.coefficients = np.zeros((basis.shape[1] - 1, self.table.shape[1]))
        step = max(BLOCK // self.table.shape[1], 1)
        for part in (slice(start, start + step) for start in range(0, len(self.table), step) if basis.shape[1] > 1):
            self.coefficients += basis[part, 1:].T @ self._centred(part)
        self._kept = None if self._plain is None else self._unit(slice(None))

    def unit(self, which: np.ndarray | slice) -> np.ndarray:
        """The chosen unit rows, (n, D) float64."""
        return self._unit(which) if self._kept is None else self._kept[which]

    def _centred(self, which: np.ndarray | slice) -> np.ndarray:
        """Unit rows of which nothing is projected out."""
        return unit_rows(self.table[which].astype(np.float64) / self.scale - self.mean) if self._plain is None else self._plain[which]

    def _unit(self, which: np.ndarray | slice) -> np.ndarray:
        rows = self._centred(which)
        return unit_rows(rows - self.basis[which, 1:] @ self.coefficients) if len(self.coefficients) else rows

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, unit rows)."""
        for start, rows in blocks(self.table):
            yield start, self.unit(slice(start, start + len(rows)))

    def cosine_sums(self) -> PairSums:
        """The sums over all pairs' cosines that the permutation null needs."""
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
        """The k rows nearest to each row of ``queries`` by cosine, nearest first, and their cosines: (len(queries), k) each."""
        wanted = self.unit(queries).astype(np.float32)
        best = np.full((len(queries), k), -np.inf, dtype=np.float32)
        rows = np.zeros((len(queries), k), dtype=np.int64)
        step = max(SCORES // len(queries), 64)
        for start in range(0, len(self.table), step):
            block = self.unit(slice(start, start + step)).astype(np.float32).T
            many = max(NEAR_SCORES // block.shape[1], 1)
            for part in (slice(first, first + many) for first in range(0, len(queries), many)):
                scores = wanted[part] @ block
                own = queries[part] - start
                inside = np.flatnonzero((own >= 0) & (own < scores.shape[1]))
                scores[inside, own[inside]] = -np.inf
                best[part], rows[part] = _merged(best[part], rows[part], scores, start)
        return rows, best


def _merged(best: np.ndarray, rows: np.ndarray, scores: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best so far, merged with another block of scores (n, width) whose first column is row ``start``."""
    k = best.shape[1]
    if scores.shape[1] > k and np.isneginf(best).all():
        found = top_columns(scores, k)
        return np.take_along_axis(scores, found, axis=1), found + start
    if scores.shape[1] > k and not np.isfinite(best).all():
        found = top_columns(scores, k)
        query, column = np.repeat(np.arange(len(best)), k), found.ravel()
    else:
        query, column = places(scores > best[:, -1:])
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
    def from_rows(cls, rows: Rows, seed: int) -> "Neighbourhood":
        """The neighbours of all items up to ALL_ROWS, of a sample above."""
        n = len(rows.table)
        queries = np.arange(n)
        if n > ALL_ROWS:
            queries = np.sort(np.random.default_rng([seed, 1]).choice(n, SAMPLED_ROWS, replace=False))
        return cls(queries, *rows.nearest(queries, min(NEIGHBOURS, n - 1)))

    @property
    def twins(self) -> float:
        """The share of items whose nearest other item has a cosine of at least TWIN."""
        return float((self.cosines[:, 0] >= TWIN).mean())

    def sums(self, n: int) -> PairSums:
        """Sums of the matrix (N + N^T) / 2, where N_ij = 1 if j is among the neighbours of i."""
        first, second = np.repeat(self.queries, self.rows.shape[1]), self.rows.ravel()
        mutual = int(np.isin(first * n + second, second * n + first, assume_unique=True).sum())
        degree = (np.bincount(first, minlength=n) + np.bincount(second, minlength=n)) / 2
        return PairSums(n, float(len(first)), (len(first) + mutual) / 2, float((degree**2).sum()))


@dataclass(frozen=True)
class NullComparison:
    """A mean over pairs, and its mean and standard deviation when rows are permuted."""

    value: float
    null: float
    spread: float

    @property
    def z(self) -> float:
        """(value - null) / spread; 0 if permuting changes nothing."""
        return (self.value - self.null) / self.spread if self.spread > 0 else 0.0


def pair_sums(pairs: np.ndarray, n: int) -> PairSums:
    """Sums of the adjacency matrix of distinct pairs (P, 2)."""
    degree = np.bincount(pairs.ravel(), minlength=n).astype(np.float64)
    return PairSums(n, 2.0 * len(pairs), 2.0 * len(pairs), float((degree**2).sum()))


def sampled(pairs: np.ndarray, seed: int) -> np.ndarray:
    """All pairs up to MOST_PAIRS; above, a sample."""
    if len(pairs) <= MOST_PAIRS:
        return pairs
    return pairs[np.sort(np.random.default_rng([seed, 2]).choice(len(pairs), MOST_PAIRS, replace=False))]


def alignment(rows: Rows, pairs: np.ndarray) -> NullComparison:
    """Mean cosine of co-occurring items (Wang & Isola 2020, arXiv 2005.10242, as a cosine) against permuted rows. pairs: (P, 2), P > 0.

    Projecting a basis out of meaningless rows lowers a pair's cosine by, on average, the product of its two rows of the basis: items of
    similar popularity, which co-occur more, lose more. The null's mean corrects for that.
    """
    mean, spread = permuted_rows(pair_sums(pairs, len(rows.table)), rows.cosine_sums())
    basis = rows.basis[:, 1:]
    removed = float(np.einsum("ij,ij->", basis[pairs[:, 0]], basis[pairs[:, 1]])) / len(pairs)
    return NullComparison(rows.mean_cosine(pairs), mean / (2 * len(pairs)) - removed, spread / (2 * len(pairs)))


def overlap(found: Neighbourhood, cooccurrence: Cooccurrence) -> NullComparison:
    """The share of nearest neighbours that co-occur with their item, against permuted rows, where it is the share of all pairs."""
    n = cooccurrence.n_items
    hits = cooccurrence.contains(np.repeat(found.queries, found.rows.shape[1]), found.rows.ravel())
    mean, spread = permuted_rows(found.sums(n), pair_sums(cooccurrence.pairs, n))
    return NullComparison(float(hits.mean()), mean / len(hits), spread / len(hits))


GROUPS, IN_GROUP = 24, 20
"""Items are compared with those of like popularity in this many groups, each of at least IN_GROUP items."""


def overlap_of_popularity(found: Neighbourhood, cooccurrence: Cooccurrence) -> float:
    """The share of nearest neighbours that would co-occur with their item if only popularity mattered.

    Items are grouped by popularity; of the pairs between two groups, a share co-occurs, and that is each neighbour's chance.
    """
    n = cooccurrence.n_items
    count = max(min(GROUPS, n // IN_GROUP), 1)
    group = np.empty(n, dtype=np.int64)
    group[np.argsort(cooccurrence.popularity, kind="stable")] = np.arange(n) * count // n
    sizes = np.bincount(group, minlength=count).astype(np.float64)
    possible = np.outer(sizes, sizes) - np.diag(sizes)
    together = np.bincount(group[cooccurrence.pairs] @ [count, 1], minlength=count**2).reshape(count, count)
    share = (together + together.T) / possible.clip(min=1.0)
    return float(share[group[found.queries][:, None], group[found.rows]].mean())


def popularity_basis(*popularities: np.ndarray) -> np.ndarray:
    """Orthonormal columns spanning 1 and, for each popularity (V,), l and l^2 with l = ln(1 + popularity); the first is constant.

    (V, m); m is 1 to 3 for one popularity.
    """
    columns = [np.ones(len(popularities[0]))]
    for popularity in popularities:
        logs = np.log1p(popularity.astype(np.float64))
        spread = logs.std()
        if spread > 1e-12:
            scaled = (logs - logs.mean()) / spread
            columns += [scaled, scaled**2]
    q, r = np.linalg.qr(np.stack(columns, axis=1))
    kept = np.abs(np.diag(r)) > 1e-6 * np.sqrt(len(q))
    return np.asarray(q[:, kept])
