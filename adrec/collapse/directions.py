"""One singular direction of a table: which items it separates, how it relates to popularity, and the table without it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adrec.collapse.measures import standardised
from adrec.collapse.spectra import check_view
from adrec.errors import WeightsError
from adrec.maps.tables import as_table, principal_axes


@dataclass(frozen=True)
class Direction:
    """The ``number``-th strongest direction, from 1, of a table in a view of ``adrec.collapse.spectra``.

    loadings: (V,), each item's position along it; the largest in size is positive. pattern: (D,), what a loading of 1 adds to an item's
    row. energy: its share of the squared length in this view.
    """

    number: int
    loadings: np.ndarray
    pattern: np.ndarray
    energy: float

    def ends(self, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the k items with the lowest loadings and of the k with the highest, most extreme first."""
        order = np.argsort(self.loadings, kind="stable")
        k = min(k, len(order) // 2)
        return order[:k], order[::-1][:k]


def direction(table: ArrayLike, number: int, view: str = "centred") -> Direction:
    """A direction of (V, D) by its number in the view's spectrum; a number out of range is a WeightsError."""
    check_view(view)
    w = as_table(table)
    most = min(w.shape)
    if not 1 <= number <= most:
        raise WeightsError(f"There is no direction {number} in a table of shape {w.shape}; must be 1 to {most}.")
    seen = w if view == "raw" else standardised(w) if view == "standardised" else w - w.mean(axis=0)
    scale = w.std(axis=0) if view == "standardised" else np.ones(w.shape[1])
    lam, axes = principal_axes(seen)
    vector = axes[:, number - 1]
    loadings = seen @ vector
    sign = -1.0 if loadings[np.abs(loadings).argmax()] < 0 else 1.0
    total = lam.clip(min=0).sum()
    share = float(lam[number - 1].clip(min=0) / total) if total > 0 else 0.0
    return Direction(number, sign * loadings, sign * vector * scale, share)


def without(table: ArrayLike, found: Direction) -> np.ndarray:
    """The table (V, D) with the direction removed: all differences between items along it are gone; float64.

    In the centred views, the mean row stays; in ``raw``, the table is projected onto the direction's complement.
    """
    return as_table(table) - np.outer(found.loadings, found.pattern)


def popularity_correlation(loadings: np.ndarray, popularity: ArrayLike) -> float | None:
    """Pearson's correlation of loadings (V,) with ln(1 + popularity), popularity in training occurrences (V,).

    None if either is constant.
    """
    logs = np.log1p(np.asarray(popularity, dtype=np.float64))
    if loadings.shape != logs.shape:
        raise WeightsError(f"There are {len(loadings):,} loadings and {len(logs):,} counts; expected one count per item.")
    if not (np.ptp(logs) > 0 and loadings.std() > 1e-12 * max(float(np.abs(loadings).max()), 1e-300)):
        return None
    return float(np.corrcoef(loadings, logs)[0, 1])
