"""Which items moved most between two tables of the same items."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import orthogonal_procrustes

from adrec.errors import WeightsError
from adrec.maps.neighbours import neighbour_overlap, neighbour_sets
from adrec.runs import Progress


class Movers(NamedTuple):
    """jaccard: (V,), |A and B| / |A or B| of an item's k neighbours before and after (Jaccard 1901): 1, all kept; 0, none.

    displacement: (V,), how far an item moved relative to its neighbours, in units of the typical distance between neighbours.
    """

    jaccard: np.ndarray
    displacement: np.ndarray


def movers(before: ArrayLike, after: ArrayLike, k: int = 10, metric: str = "cosine", progress: Progress | None = None) -> Movers:
    """How far each item moved between two (V, D) tables, by its k nearest neighbours (at most V - 1) and by its displacement.

    The second table is first aligned to the first by the best shift, rotation and reflection (orthogonal Procrustes, never scaled), which
    change no distance. With d_i the item's remaining shift, N_i its neighbours before, and u the median over items of the mean distance to
    their neighbours before, displacement_i = |d_i - mean of d_j over j in N_i| / u: what a whole neighbourhood does together does not
    count. If all neighbours coincide, u is 1.
    """
    first, second = (np.asarray(t, dtype=np.float64) for t in (before, after))
    if first.shape != second.shape or first.ndim != 2:
        raise WeightsError(f"Tables to compare must have the same shape (items, width), not {first.shape} and {second.shape}.")
    k = min(k, len(first) - 1)
    half = (None, None) if progress is None else tuple(_part(progress, start) for start in (0.0, 0.5))
    old = neighbour_sets(first, k, metric, half[0])
    common = neighbour_overlap(old, neighbour_sets(second, k, metric, half[1]))
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    way = second @ orthogonal_procrustes(second, first)[0] - first
    apart, beyond = np.zeros(len(first)), way.copy()
    for j in range(k):  # one neighbour at a time: a (V, k, D) array would be large
        apart += np.linalg.norm(first[old[:, j]] - first, axis=1) / k
        beyond -= way[old[:, j]] / k
    return Movers(common / (2 - common), np.linalg.norm(beyond, axis=1) / (float(np.median(apart)) or 1.0))


def _part(progress: Progress, start: float) -> Progress:
    return lambda fraction, words: progress(start + fraction / 2, words)
