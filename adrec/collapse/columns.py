"""The columns of an item table: which of them are dead, copies of another, or of another scale than all others."""

import numpy as np

from adrec.maps.tables import blocks

DEAD = 1e-3
"""A column is dead if its standard deviation is at most this share of the others', their 90 % quantile: a millionth of the variance."""
SAME = 1e-6
"""Two columns are copies if their correlation lies at most this far from 1 or -1."""
RAW = 10.0
"""A column with this many times the root mean square of every other may be no dimension: a verdict that rests on it alone is a question."""
SAMPLE = 5_000
"""Evenly spaced rows of which the first direction, copies of columns and whole numbers are found."""


class Sums:
    """Per column and row: what passes over the blocks of a table give. Rows are divided by the largest entry, so nothing overflows."""

    def __init__(self, table: np.ndarray) -> None:
        n, width = table.shape
        self.n, self.width = n, width
        rng = np.random.default_rng(0)
        for_rows, for_columns = (rng.standard_normal((size,)) for size in (width, n))
        self.broken_rows: list[int] = []
        self.broken_columns: list[int] = []
        self.scale = 0.0
        for start, rows in blocks(table):
            largest = float(np.abs(rows).max())
            if not np.isfinite(largest):
                bad = ~np.isfinite(rows)
                self.broken_rows += (start + np.flatnonzero(bad.any(axis=1))).tolist()
                self.broken_columns = sorted({*self.broken_columns, *np.flatnonzero(bad.any(axis=0)).tolist()})
            self.scale = max(self.scale, largest)
        self.broken = len(self.broken_rows)
        if self.broken:
            return
        self.scale = self.scale or 1.0
        first = np.asarray(table[0], dtype=np.float64) / self.scale  # differences from it are exactly 0 in a constant column
        total, squares, mixed = np.zeros(width), np.zeros(width), np.zeros(width)
        self.length, self.signature = np.empty(n), np.empty(n)
        for start, rows in blocks(table):
            stop = start + len(rows)
            rows /= self.scale
            self.length[start:stop] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            self.signature[start:stop] = rows @ for_rows
            rows -= first
            total += rows.sum(axis=0)
            squares += np.einsum("ij,ij->j", rows, rows)
            mixed += for_columns[start:stop] @ rows
        shift = total / n
        self.mean = first + shift
        self.std = np.sqrt((squares / n - shift**2).clip(min=0))
        self.std[squares == 0] = 0.0
        self.column_signature = mixed - shift * for_columns.sum()
        ranked = np.sort(self.std)
        usual = ranked[int(0.9 * (width - 1))]
        self.dead = (self.std <= DEAD * usual) | (self.std <= 1e-7 * np.abs(self.mean))

    @property
    def spread(self) -> float:
        """Standard deviation of all entries, at the table's own scale."""
        return float(np.sqrt((self.std**2).mean() + ((self.mean - self.mean.mean()) ** 2).mean())) * self.scale


def sampled_rows(table: np.ndarray) -> np.ndarray:
    """At most SAMPLE evenly spaced rows, in float64."""
    return np.asarray(table[:: -(-len(table) // SAMPLE)], dtype=np.float64)


def copied_columns(sums: Sums, sample: np.ndarray) -> np.ndarray:
    """Whether each live column equals an earlier one up to scale, sign and offset: (D,) bool.

    Copies have the same signature, so only columns whose signatures are next to each other are compared, in the sample.
    """
    copies = np.zeros(sums.width, dtype=bool)
    live = np.flatnonzero(~sums.dead)
    if len(live) < 2 or len(sample) < 4:
        return copies
    signature = np.abs(sums.column_signature[live] / sums.std[live])
    order = np.argsort(signature, kind="stable")
    near = np.diff(signature[order]) <= 1e-5 * np.sqrt(sums.n)
    for at in np.flatnonzero(near):
        one, other = sorted(live[order[[at, at + 1]]])
        pair = sample[:, [one, other]] / sums.scale - sums.mean[[one, other]]
        lengths = np.linalg.norm(pair, axis=0)
        if lengths.all() and abs(pair[:, 0] @ pair[:, 1]) >= (1 - SAME) * lengths[0] * lengths[1]:
            copies[other] = True
    return copies


def heaviest_column(sums: Sums) -> tuple[int, float]:
    """`raw_column` of the table that the sums are of."""
    size = np.sqrt(sums.std**2 + sums.mean**2)
    if len(size) < 3:
        return 0, 1.0
    first, second = np.sort(size)[[-1, -2]]
    return int(size.argmax()), float(first / second) if second > 0 else 1.0


def raw_column(table: np.ndarray) -> tuple[int, float]:
    """The column of the largest scale, and how many times the next one's it is; 1 for tables of fewer than three columns."""
    return heaviest_column(Sums(table))
