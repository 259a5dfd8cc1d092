"""Sums over the rows of a table, block by block in float64: all that spectra and alignment need, for ten rows or a million."""

from dataclasses import dataclass

import numpy as np

from adrec.maps.tables import blocks, column_blocks, unit_rows


@dataclass(frozen=True)
class Moments:
    """Moments of n rows divided by ``scale``, their largest entry (1 for zeros): mean (D,), scatter, mean cosine over pairs of rows.

    scatter: X^T X (D, D) of the centred rows X; for a table with more columns than rows X X^T (V, V), which has the same trace and,
    except for zeros, the same eigenvalues.
    """

    n: int
    scale: float
    mean: np.ndarray
    scatter: np.ndarray
    mean_cosine: float

    @classmethod
    def from_table(cls, table: np.ndarray) -> "Moments":
        """From a checked (V, D) table. Two passes, so that a large common offset costs no precision."""
        n, width = table.shape
        scale = max((max(float(rows.max()), -float(rows.min())) for _, rows in blocks(table)), default=0.0) or 1.0
        total, units, own = np.zeros(width), np.zeros(width), 0.0
        for _, rows in blocks(table):
            rows /= scale
            total += rows.sum(axis=0)
            unit = unit_rows(rows)
            units += unit.sum(axis=0)
            own += (unit**2).sum()
        mean, side = total / n, min(n, width)
        scatter = np.zeros((side, side))
        if n < width:
            for columns, part in column_blocks(table):
                part = part / scale - mean[columns]
                scatter += part @ part.T
        else:
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

    def leading_scores(self, table: np.ndarray) -> np.ndarray:
        """Scores of the table's rows, scaled and centred, along their strongest direction: (V,)."""
        values, vectors = np.linalg.eigh(self.scatter)
        if self.n < len(self.mean):
            return np.asarray(vectors[:, -1] * np.sqrt(max(values[-1], 0.0)))
        return np.concatenate([(rows / self.scale - self.mean) @ vectors[:, -1] for _, rows in blocks(table)])

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
