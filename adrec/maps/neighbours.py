"""Exact nearest neighbours among the rows of a table, and how much of them two tables share."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from adrec.errors import WeightsError
from adrec.runs import Progress

METRICS = ("cosine", "dot", "euclidean")
BLOCK = 2**22
"""Similarities in a block: 32 MiB."""
GROUP = 64
DOUBLE = 20_000
"""Up to this many items, similarities are computed in double precision; above, in single."""


def _prepared(table: ArrayLike, metric: str, k: int) -> np.ndarray:
    array = np.asarray(table)
    array = array.astype(np.float64 if len(array) <= DOUBLE else np.float32)
    if metric not in METRICS:
        raise WeightsError(f"Unknown neighbour metric '{metric}'; must be one of {', '.join(METRICS)}.")
    if array.ndim != 2 or not np.isfinite(array).all():
        raise WeightsError(f"The table for neighbours must be a finite matrix with one row per item; it has shape {array.shape}.")
    if not 1 <= k < len(array):
        raise WeightsError(f"The number of neighbours among {len(array)} items must be 1 to {len(array) - 1}, not {k}.")
    if metric == "cosine":
        norm = np.linalg.norm(array, axis=1, keepdims=True)
        return array / np.where(norm > 0, norm, 1.0)
    return array - array.mean(axis=0) if metric == "euclidean" else array


def _similarities(array: np.ndarray, rows: np.ndarray, metric: str) -> np.ndarray:
    """Similarities of the given rows to every row, (len(rows), V): cosine, dot product or negated Euclidean distance. A row's similarity
    to itself is minus infinity."""
    scores = array[rows] @ array.T
    if metric == "euclidean":
        squared = (array**2).sum(axis=1)
        scores = -np.sqrt((squared[rows, None] + squared[None, :] - 2 * scores).clip(min=0))
    scores[np.arange(len(rows)), rows] = -np.inf
    return scores


def top_columns(scores: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k largest entries of each row, largest first, ties by column: (rows, k).

    The k-th largest of GROUP block maxima is a lower bound that few columns reach, so this is much faster than partitioning whole rows.
    """
    rows, width = scores.shape
    bound = np.full(rows, -np.inf, dtype=scores.dtype)
    if width // GROUP >= k:
        whole = scores[:, : width // GROUP * GROUP].reshape(rows, GROUP, width // GROUP).max(axis=1)
        bound = np.partition(whole, whole.shape[1] - k, axis=1)[:, whole.shape[1] - k]
    row, column = places(scores >= bound[:, None])
    order = np.lexsort((column, -scores[row, column], row))
    first = np.searchsorted(row, np.arange(rows))
    return np.asarray(column[order][first[:, None] + np.arange(k)])


def places(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``mask.nonzero()`` of a (rows, width) mask, for which numpy takes ten times as long as for a flat one."""
    row, column = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return row, column


def neighbours(table: ArrayLike, item_row: int, k: int = 10, metric: str = "cosine") -> tuple[np.ndarray, np.ndarray]:
    """The k other rows of (V, D) most similar to row ``item_row``, most similar first: rows (k,), similarities (k,).

    The similarity is the cosine, the dot product or the negated Euclidean distance. Returns V - 1 rows if k is larger.
    """
    k = min(k, len(np.asarray(table)) - 1)
    array = _prepared(table, metric, k)
    if not 0 <= item_row < len(array):
        raise WeightsError(f"There is no row {item_row} in a table of {len(array)} items; must be 0 to {len(array) - 1}.")
    scores = _similarities(array, np.array([item_row]), metric)
    rows = top_columns(scores, k)[0]
    return rows, scores[0, rows]


def similarity_blocks(
    table: ArrayLike, k: int = 10, metric: str = "cosine", progress: Progress | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Similarities of all pairs of rows of (V, D), block by block: the block's rows (b,) and their similarities (b, V).

    A row's similarity to itself is minus infinity. k, 1 to V - 1, is only checked. ``progress`` gets the share of rows done after each
    block.
    """
    array = _prepared(table, metric, k)
    step = max(BLOCK // len(array), 1)
    for start in range(0, len(array), step):
        rows = np.arange(start, min(start + step, len(array)))
        yield rows, _similarities(array, rows, metric)
        if progress is not None:
            progress((rows[-1] + 1) / len(array), "comparing items")


def nearest(table: ArrayLike, k: int = 10, metric: str = "cosine", progress: Progress | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other rows of every row of (V, D), nearest first, and their similarities: (V, k) each. Computed in blocks."""
    found, similarities = [], []
    for _, scores in similarity_blocks(table, k, metric, progress):
        found.append(top_columns(scores, k))
        similarities.append(np.take_along_axis(scores, found[-1], axis=1))
    return np.concatenate(found), np.concatenate(similarities)


def neighbour_sets(table: ArrayLike, k: int = 10, metric: str = "cosine", progress: Progress | None = None) -> np.ndarray:
    """The k nearest other rows of every row of (V, D), nearest first: (V, k)."""
    return nearest(table, k, metric, progress)[0]


def neighbour_overlap(sets_a: np.ndarray, sets_b: np.ndarray) -> np.ndarray:
    """The share of each item's k neighbours that two (V, k) ``neighbour_sets`` have in common: (V,), 0 to 1."""
    if sets_a.shape != sets_b.shape:
        raise WeightsError(f"Neighbour sets to compare must have equal shapes, not {sets_a.shape} and {sets_b.shape}.")
    both = np.sort(np.concatenate([sets_a, sets_b], axis=1), axis=1)
    return np.asarray((both[:, 1:] == both[:, :-1]).sum(axis=1) / sets_a.shape[1])
