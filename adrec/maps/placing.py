"""Where new vectors go on a map of items, and how much of their neighbourhood the map preserves."""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from adrec.errors import WeightsError
from adrec.maps.neighbours import neighbour_overlap
from adrec.maps.projection import LinearMap
from adrec.maps.tables import unit_rows

EXACT = 1e-9
"""Cosine distance below which two vectors point the same way in float64."""


class MapPositions(NamedTuple):
    """Positions of vectors (P, D) on a map. positions: (P, 2) float32. near: (P, k), rows of the nearest items by cosine, nearest first.
    errors: (P,), the share of these that are not among the k items nearest on the map: 0, the map shows the whole neighbourhood; 1, none
    of it."""

    positions: np.ndarray
    near: np.ndarray
    errors: np.ndarray


class Placer:
    """Places vectors on the layout (V, 2) of a table (V, D). Everything that depends only on the items is computed once, on first use.

    linear: the projection of a PCA layout. A vector is then rescaled to the items' mean length, which leaves the ranking unchanged, and
    projected. Without it, the position is the geometric median of the k nearest items by cosine, weighted by 1 / (1 - cosine): unlike a
    mean, it is not pulled away by one distant neighbour. A vector in exactly an item's direction lands on that item (the nearest by
    length, if there are several). The neighbours are exact among the 2 k nearest in float32.
    """

    def __init__(self, table: np.ndarray, layout: np.ndarray, linear: LinearMap | None = None, k: int = 10) -> None:
        if layout.shape != (len(table), 2):
            raise WeightsError(f"The layout of {len(table)} items must have shape ({len(table)}, 2), not {layout.shape}.")
        self.table, self.layout, self.linear, self.k = table, layout, linear, min(k, len(table))

    @cached_property
    def _norms(self) -> np.ndarray:
        return np.linalg.norm(self.table, axis=1)

    @cached_property
    def length(self) -> float:
        """To which a linear map rescales vectors."""
        return float(self._norms.mean())

    @cached_property
    def _unit(self) -> np.ndarray:
        return unit_rows(self.table).astype(np.float32, copy=False)

    @cached_property
    def _map(self) -> Any:
        from scipy.spatial import KDTree

        return KDTree(self.layout)

    def __call__(self, points: np.ndarray) -> MapPositions:
        """Place vectors (P, D); a WeightsError if they are not finite or have another width."""
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != self.table.shape[1] or not np.isfinite(points).all():
            expected = f"finite vectors of shape (P, {self.table.shape[1]})"
            raise WeightsError(f"Cannot place vectors of shape {points.shape} among these items; expected {expected}.")
        unit = unit_rows(points)
        near, distances = self._nearest(unit)
        if self.linear is None:
            positions = _geometric_median(self.layout[near].astype(np.float64), 1 / np.maximum(distances, EXACT))
            for p in np.flatnonzero(distances[:, 0] <= EXACT):
                positions[p] = self.layout[self._same(points[p], unit[p])]
        else:
            positions = self.linear.apply(unit * self.length)
        shown = self._map.query(positions, list(range(1, self.k + 1)))[1]
        return MapPositions(positions.astype(np.float32), near, 1 - neighbour_overlap(near, shown))

    def _nearest(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and cosine distances (P, k) of the nearest items, nearest first, ties by row."""
        cosines, count = unit.astype(np.float32) @ self._unit.T, min(2 * self.k, len(self.table))
        rows = np.sort(np.argpartition(cosines, len(self.table) - count, axis=1)[:, -count:], axis=1)
        found = unit_rows(self.table[rows.ravel()].astype(np.float64)).reshape(*rows.shape, -1)
        distances = (1 - np.einsum("pd,pnd->pn", unit, found)).clip(min=0)
        order = np.argsort(distances, axis=1, kind="stable")[:, : self.k]
        return np.take_along_axis(rows, order, axis=1), np.take_along_axis(distances, order, axis=1)

    def _same(self, point: np.ndarray, unit: np.ndarray) -> int:
        """Among the items in the vector's direction, the one closest in length."""
        same = np.flatnonzero(1 - unit_rows(self.table.astype(np.float64)) @ unit <= EXACT)
        return int(same[np.linalg.norm(self.table[same] - point, axis=1).argmin()])


def _geometric_median(points: np.ndarray, weights: np.ndarray, rounds: int = 100) -> np.ndarray:
    """The positions (P, 2) with the smallest weighted sum of distances to points (P, k, 2), by Weiszfeld's iteration (1937)."""
    shares = weights
    for _ in range(rounds):
        positions = (shares[:, :, None] * points).sum(axis=1) / shares.sum(axis=1, keepdims=True)
        shares = weights / np.maximum(np.linalg.norm(points - positions[:, None, :], axis=2), 1e-6)
    return positions
