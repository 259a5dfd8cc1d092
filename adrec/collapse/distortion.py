"""Where a map can be trusted: whether the items shown near a point are also near it in the table."""

import numpy as np
from numpy.typing import ArrayLike

from adrec.errors import WeightsError
from adrec.maps.neighbours import similarity_blocks
from adrec.runs import Progress


def point_trustworthiness(
    table: ArrayLike, layout: ArrayLike, k: int = 10, metric: str = "cosine", progress: Progress | None = None
) -> np.ndarray:
    """For each item, how well its k neighbours on a layout (V, 2) match those in the table (V, D): (V,), 1 if all do.

    T_i(k) = 1 - 2 / (k (2V - 3k - 1)) sum over j in N_i of max(0, r(i, j) - k), where N_i are the k items nearest to i on the
    layout and r(i, j) is the rank of j among the items nearest to i in the table by ``metric`` (ties all get the best rank).
    Its mean over the items is the trustworthiness of Venna and Kaski (2001), as in ``sklearn.manifold.trustworthiness``. About 0.5 for a
    layout unrelated to the table. k must be below V / 2.
    """
    from sklearn.neighbors import NearestNeighbors

    placed = np.asarray(layout, dtype=np.float64)
    items = len(placed)
    if placed.ndim != 2 or items != len(np.asarray(table)) or not np.isfinite(placed).all():
        raise WeightsError(f"A layout must be a finite matrix with one row per item of the table; it has shape {placed.shape}.")
    if not 1 <= k < items / 2:
        raise WeightsError(f"Trustworthiness of {items} items takes 1 to {(items - 1) // 2} neighbours, not {k}.")
    near = NearestNeighbors(n_neighbors=k).fit(placed).kneighbors(return_distance=False)
    found = np.empty(items)
    for rows, scores in similarity_blocks(table, k, metric, progress):
        mapped = np.take_along_axis(scores, near[rows], axis=1)
        better = np.stack([np.count_nonzero(scores > mapped[:, [j]], axis=1) for j in range(k)], axis=1)
        found[rows] = np.maximum(better + 1 - k, 0).sum(axis=1)
    return np.asarray(1 - 2 / (k * (2 * items - 3 * k - 1)) * found)
