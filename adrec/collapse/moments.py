"""Sums over the rows of a table, a block at a time in float64: all that spectra and alignment need, for a million rows as for ten."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adrec.errors import WeightsError

BLOCK = 2**20
"""Entries of a block: 8 MiB."""
LARGEST = 1e100
"""Squares of larger entries leave float64."""


def blocks(table: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, rows in float64) one block after the other."""
    step = max(BLOCK // table.shape[1], 1)
    for start in range(0, len(table), step):
        yield start, table[start : start + step].astype(np.float64)


def checked(table: ArrayLike, name: str = "the table") -> np.ndarray:
    """``table`` as it is, a (V, D) matrix with at least 2 rows of finite numbers and not copied; anything else is a WeightsError."""
    array = np.asarray(table)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        kind = f"shape {array.shape} and type {array.dtype}"
        raise WeightsError(f"Cannot measure {name}: it has {kind}; accepted is a matrix of real numbers.")
    if array.shape[0] < 2 or array.shape[1] < 1:
        raise WeightsError(f"Cannot measure {name}: it has shape {array.shape}; accepted are at least 2 rows (items) and 1 column.")
    bad, first, largest = 0, 0, 0.0
    for start, rows in blocks(array):
        wrong = ~np.isfinite(rows).all(axis=1)
        if wrong.any():
            first = first if bad else start + int(wrong.argmax())
            bad += int(wrong.sum())
        else:
            largest = max(largest, float(np.abs(rows).max()))
    if bad:
        where = f"{bad} of its {len(array)} rows, the first is row {first}"
        raise WeightsError(f"Cannot measure {name}: it holds NaN or infinity in {where}; accepted are finite numbers.")
    if largest > LARGEST:
        raise WeightsError(f"Cannot measure {name}: its largest entry is {largest:.3g}; accepted is up to {LARGEST:.0e}.")
    return array


@dataclass(frozen=True)
class Moments:
    """n rows over ``scale``, their largest entry (1 for zeros): mean (D,), scatter (D, D) about it, mean cosine over pairs of rows."""

    n: int
    scale: float
    mean: np.ndarray
    scatter: np.ndarray
    mean_cosine: float

    @classmethod
    def of(cls, table: np.ndarray) -> "Moments":
        """Of a checked (V, D) table. Two passes, so that a common offset does not swallow the rest."""
        n, width = table.shape
        scale = max((float(np.abs(rows).max()) for _, rows in blocks(table)), default=0.0) or 1.0
        total, units, own = np.zeros(width), np.zeros(width), 0.0
        for _, rows in blocks(table):
            rows /= scale
            total += rows.sum(axis=0)
            unit = unit_rows(rows)
            units += unit.sum(axis=0)
            own += (unit**2).sum()
        mean, scatter = total / n, np.zeros((width, width))
        for _, rows in blocks(table):
            rows = rows / scale - mean
            scatter += rows.T @ rows
        return cls(n, scale, mean, scatter, float((units @ units - own) / (n * (n - 1))))

    @property
    def spectrum(self) -> np.ndarray:
        """Squared singular values of the centred rows over ``scale``, descending: (min(V - 1, D),), rounding clipped to 0."""
        lam = np.linalg.eigvalsh(self.scatter)[::-1][: max(min(self.n - 1, len(self.mean)), 1)]
        floor = np.finfo(np.float64).eps * self.n * (np.trace(self.scatter) + self.n * float(self.mean @ self.mean))
        return np.where(lam > floor, lam, 0.0)

    @property
    def offset(self) -> float:
        """|mu|^2 / mean |w|^2: the share of the squared length that all rows have in common; 0 for zeros."""
        common = float(self.mean @ self.mean)
        squared = float(np.trace(self.scatter)) / self.n + common
        return min(common / squared, 1.0) if squared > 0 else 0.0

    @property
    def std(self) -> float:
        """Standard deviation of all entries, at the table's own scale."""
        spread = np.trace(self.scatter) / self.n + ((self.mean - self.mean.mean()) ** 2).sum()
        return float(np.sqrt(spread / len(self.mean))) * self.scale


def unit_rows(table: np.ndarray) -> np.ndarray:
    """Rows of (V, D) over their length; a row of zeros stays zero."""
    largest = np.abs(table).max(axis=1, keepdims=True)
    scaled = table / np.where(largest > 0, largest, 1.0)
    norm = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(norm > 0, norm, 1.0)
