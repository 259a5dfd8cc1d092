"""New vectors on a map of items: where they go, and how much of their neighbourhood the map shows."""

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
    """Vectors (P, D) on a map. positions: (P, 2) float32. near: (P, k), rows of their nearest items by cosine, nearest first. errors:
    (P,), the share of these that are not among the k items nearest to the position on the map: 0, it shows the neighbourhood; 1, nothing
    of it."""

    positions: np.ndarray
    near: np.ndarray
    errors: np.ndarray


class Placer:
    """Puts vectors on the layout (V, 2) of a table (V, D); what hangs on the items alone is computed once, with the first of them.

    linear: of a layout by PCA. A vector is then projected as the items were, at the items' mean length, since length changes no ranking.
    Without it, a position is the geometric median of the k nearest items' by cosine, weighted by 1 / (1 - cosine): unlike the mean, it
    is not pulled out of the map by one neighbour that lies elsewhere. A vector that points as an item does is put exactly there (the
    nearest by length, if several do). The neighbours are the exact ones among the 2 k that float32 finds nearest.
    """

    def __init__(self, table: np.ndarray, layout: np.ndarray, linear: LinearMap | None = None, k: int = 10) -> None:
        if layout.shape != (len(table), 2):
            raise WeightsError(f"A layout of shape {layout.shape} does not belong to {len(table)} items; accepted is ({len(table)}, 2).")
        self.table, self.layout, self.linear, self.k = table, layout, linear, min(k, len(table))

    @cached_property
    def _norms(self) -> np.ndarray:
        return np.linalg.norm(self.table, axis=1)

    @cached_property
    def _unit(self) -> np.ndarray:
        return unit_rows(self.table).astype(np.float32, copy=False)

    @cached_property
    def _map(self) -> Any:
        from scipy.spatial import KDTree

        return KDTree(self.layout)

    def __call__(self, points: np.ndarray) -> MapPositions:
        """Vectors (P, D), placed; a WeightsError if they are not finite or of another width."""
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != self.table.shape[1] or not np.isfinite(points).all():
            accepted = f"finite vectors of shape (P, {self.table.shape[1]})"
            raise WeightsError(f"Cannot place vectors of shape {points.shape} among these items; accepted are {accepted}.")
        unit = unit_rows(points)
        near, distances = self._nearest(unit)
        if self.linear is None:
            positions = _geometric_median(self.layout[near].astype(np.float64), 1 / np.maximum(distances, EXACT))
            for p in np.flatnonzero(distances[:, 0] <= EXACT):
                positions[p] = self.layout[self._same(points[p], unit[p])]
        else:
            positions = self.linear.apply(unit * self._norms.mean())
        shown = self._map.query(positions, list(range(1, self.k + 1)))[1]
        return MapPositions(positions.astype(np.float32), near, 1 - neighbour_overlap(near, shown))

    def _nearest(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and cosine distances (P, k) of the nearest items, nearest first, the first of equal ones first."""
        import torch  # not before the page's first words

        from adrec.evaluation import top_items

        cosines = torch.from_numpy(unit.astype(np.float32) @ self._unit.T)
        rows = np.sort(top_items(cosines, min(2 * self.k, len(self.table)))[1].numpy(), axis=1)
        found = unit_rows(self.table[rows.ravel()].astype(np.float64)).reshape(*rows.shape, -1)
        distances = (1 - np.einsum("pd,pnd->pn", unit, found)).clip(min=0)
        order = np.argsort(distances, axis=1, kind="stable")[:, : self.k]
        return np.take_along_axis(rows, order, axis=1), np.take_along_axis(distances, order, axis=1)

    def _same(self, point: np.ndarray, unit: np.ndarray) -> int:
        """Of the items in the vector's own direction the one nearest to it by length."""
        same = np.flatnonzero(1 - unit_rows(self.table.astype(np.float64)) @ unit <= EXACT)
        return int(same[np.linalg.norm(self.table[same] - point, axis=1).argmin()])


def _geometric_median(points: np.ndarray, weights: np.ndarray, rounds: int = 100) -> np.ndarray:
    """The places (P, 2) with the least weighted sum of distances to points (P, k, 2), by Weiszfeld's iteration (1937)."""
    shares = weights
    for _ in range(rounds):
        positions = (shares[:, :, None] * points).sum(axis=1) / shares.sum(axis=1, keepdims=True)
        shares = weights / np.maximum(np.linalg.norm(points - positions[:, None, :], axis=2), 1e-6)
    return positions
