"""Exact nearest neighbours among the rows of a table, and how far two tables agree on them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from adrec.errors import WeightsError
from adrec.runs import Progress

METRICS = ("cosine", "dot", "euclidean")
BLOCK = 2**22
"""Entries of a block of similarities: 32 MiB."""
GROUP = 64
DOUBLE = 20_000
"""Items up to which similarities are in double precision; above, in single."""


def _prepared(table: ArrayLike, metric: str, k: int) -> np.ndarray:
    array = np.asarray(table)
    array = array.astype(np.float64 if len(array) <= DOUBLE else np.float32)
    if metric not in METRICS:
        raise WeightsError(f"Unknown neighbour metric '{metric}'; known are {', '.join(METRICS)}.")
    if array.ndim != 2 or not np.isfinite(array).all():
        raise WeightsError(f"Neighbours need a finite matrix with one row an item, not shape {array.shape} with NaN or infinity.")
    if not 1 <= k < len(array):
        raise WeightsError(f"Cannot take {k} neighbours among {len(array)} items; accepted is 1 to {len(array) - 1}.")
    if metric == "cosine":
        norm = np.linalg.norm(array, axis=1, keepdims=True)
        return array / np.where(norm > 0, norm, 1.0)
    return array - array.mean(axis=0) if metric == "euclidean" else array


def _similarities(array: np.ndarray, rows: np.ndarray, metric: str) -> np.ndarray:
    """(len(rows), V): cosine, dot product, or minus the Euclidean distance, of the rows to every row; minus infinity to itself."""
    scores = array[rows] @ array.T
    if metric == "euclidean":
        squared = (array**2).sum(axis=1)
        scores = -np.sqrt((squared[rows, None] + squared[None, :] - 2 * scores).clip(min=0))
    scores[np.arange(len(rows)), rows] = -np.inf
    return scores


def _top(scores: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k largest of each row, largest first, of equal ones the first: (rows, k).

    The k-th largest of the maxima of GROUP columns each is a lower bound that only a few columns of a row reach: much faster
    than partitioning whole rows.
    """
    rows, width = scores.shape
    bound = np.full(rows, -np.inf, dtype=scores.dtype)
    if width // GROUP >= k:
        whole = scores[:, : width // GROUP * GROUP].reshape(rows, GROUP, width // GROUP).max(axis=1)
        bound = np.partition(whole, whole.shape[1] - k, axis=1)[:, whole.shape[1] - k]
    row, column = np.nonzero(scores >= bound[:, None])
    order = np.lexsort((column, -scores[row, column], row))
    first = np.searchsorted(row, np.arange(rows))
    return np.asarray(column[order][first[:, None] + np.arange(k)])


def neighbours(table: ArrayLike, item_row: int, k: int = 10, metric: str = "cosine") -> tuple[np.ndarray, np.ndarray]:
    """The k rows of (V, D) most like row ``item_row`` without itself, the most like first: rows (k,), similarities (k,).

    The similarity is the cosine, the dot product, or minus the Euclidean distance. Fewer come back if V - 1 < k.
    """
    k = min(k, len(np.asarray(table)) - 1)
    array = _prepared(table, metric, k)
    if not 0 <= item_row < len(array):
        raise WeightsError(f"There is no row {item_row} in a table of {len(array)} items; accepted is 0 to {len(array) - 1}.")
    scores = _similarities(array, np.array([item_row]), metric)
    rows = _top(scores, k)[0]
    return rows, scores[0, rows]


def similarity_blocks(
    table: ArrayLike, k: int = 10, metric: str = "cosine", progress: Progress | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every row of (V, D) against every row, a block of rows at a time: the block's rows (b,) and their similarities (b, V).

    A row's similarity to itself is minus infinity. k is only checked: 1 to V - 1. ``progress`` is told the share of rows done after
    each block.
    """
    array = _prepared(table, metric, k)
    step = max(BLOCK // len(array), 1)
    for start in range(0, len(array), step):
        rows = np.arange(start, min(start + step, len(array)))
        yield rows, _similarities(array, rows, metric)
        if progress is not None:
            progress((rows[-1] + 1) / len(array), "comparing items")


def nearest(table: ArrayLike, k: int = 10, metric: str = "cosine", progress: Progress | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other rows of every row of (V, D) and their similarities: both (V, k), the nearest first, a block of rows at a time."""
    found, similarities = [], []
    for _, scores in similarity_blocks(table, k, metric, progress):
        found.append(_top(scores, k))
        similarities.append(np.take_along_axis(scores, found[-1], axis=1))
    return np.concatenate(found), np.concatenate(similarities)


def neighbour_sets(table: ArrayLike, k: int = 10, metric: str = "cosine", progress: Progress | None = None) -> np.ndarray:
    """The k nearest other rows of every row of (V, D): (V, k), the nearest first."""
    return nearest(table, k, metric, progress)[0]


def neighbour_overlap(sets_a: np.ndarray, sets_b: np.ndarray) -> np.ndarray:
    """For each item the share of its k neighbours that two (V, k) ``neighbour_sets`` have in common: (V,), 0 to 1."""
    if sets_a.shape != sets_b.shape:
        raise WeightsError(f"Neighbour sets of shapes {sets_a.shape} and {sets_b.shape} cannot be compared; accepted are equal shapes.")
    both = np.sort(np.concatenate([sets_a, sets_b], axis=1), axis=1)
    return np.asarray((both[:, 1:] == both[:, :-1]).sum(axis=1) / sets_a.shape[1])


def neighbour_jaccard(table_a: ArrayLike, table_b: ArrayLike, k: int = 10, metric: str = "cosine") -> float:
    """Mean over items of |A and B| / |A or B|, A and B an item's k nearest neighbours in two tables of the same items (Jaccard 1901).

    1: every item kept its neighbours; about k / (2 V) for unrelated tables. k is at most V - 1.
    """
    k = min(k, len(np.asarray(table_a)) - 1)
    common = neighbour_overlap(neighbour_sets(table_a, k, metric), neighbour_sets(table_b, k, metric))
    return float((common / (2 - common)).mean())
