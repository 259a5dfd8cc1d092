"""What models share that count instead of learning by gradient: recency, histories as vectors, neighbours in arrays of a fixed shape."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from adrec.data.batches import PackedBatch
from adrec.models.base import Model


class CountingModel(Model):
    """A model whose state is these arrays; their shapes are known before `fit` fills them. Floats are float32, ids int32."""

    arrays: dict[str, np.ndarray]

    def state_dict(self) -> dict[str, np.ndarray]:
        return self.arrays

    def load_state_dict(self, state: Any) -> None:
        self.arrays = {name: np.array(state[name], dtype=array.dtype) for name, array in self.arrays.items()}


def decay(ages: np.ndarray, half_life: float) -> np.ndarray:
    """Weights of what lies so many items back: halved every ``half_life`` of them; all 1 if it is 0."""
    return np.exp2(-ages / half_life) if half_life else np.ones(len(ages))


def ages_of(lengths: np.ndarray) -> np.ndarray:
    """How many items of its own history follow each item, for histories of these lengths, concatenated."""
    return np.repeat(np.cumsum(lengths), lengths) - 1 - np.arange(lengths.sum())


def log(shares: np.ndarray) -> np.ndarray:
    """The logarithm, minus infinity of 0."""
    with np.errstate(divide="ignore"):
        return np.log(shares)


def log_shares(counts: np.ndarray) -> np.ndarray:
    """log of each item's share of all counts, each raised by 1 so that none is impossible; the padding's is. (V + 1,) float32."""
    raised = counts[1:] + 1.0
    return np.append(-np.inf, np.log(raised / raised.sum())).astype(np.float32)


def history_matrix(items: np.ndarray, lengths: np.ndarray, rows: int, half_life: float) -> sp.csr_matrix:
    """Histories, concatenated, as one vector each over a table of ``rows`` rows: (U, V + 1). An item that occurs in a history more than
    once weighs as its latest occurrence."""
    keys = np.repeat(np.arange(len(lengths)) * rows, lengths) + items
    found, back = np.unique(keys[::-1], return_index=True)
    weights = decay(ages_of(lengths), half_life)[len(keys) - 1 - back]
    return sp.csr_matrix((weights, (found // rows, found % rows)), shape=(len(lengths), rows))


def histories(batch: PackedBatch, rows: int, half_life: float) -> sp.csr_matrix:
    """`history_matrix` of a batch."""
    return history_matrix(batch.items.numpy(), batch.lengths, rows, half_life)


def neighbour_arrays(n_items: int, k: int) -> dict[str, np.ndarray]:
    """Empty arrays for the state of a model that keeps ``k`` items for each: ``ids`` and ``weights`` (V + 1, k), as `strongest` gives them,
    and the popularities ``log_shares`` (V + 1,)."""
    shape = n_items + 1, min(k, n_items)
    return {"ids": np.zeros(shape, np.int32), "weights": np.zeros(shape, np.float32), "log_shares": np.zeros(n_items + 1, np.float32)}


def strongest(matrix: sp.csr_matrix, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` largest entries of each row, largest first, as columns (rows, k) int32 and values (rows, k) float32, both 0 where a row
    has fewer; of equal ones those further left."""
    matrix.sort_indices()
    counts = np.diff(matrix.indptr)
    row = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((-matrix.data, row))
    place = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], counts)
    kept = place < k
    columns, values = np.zeros((len(counts), k), np.int32), np.zeros((len(counts), k), np.float32)
    columns[row[kept], place[kept]] = matrix.indices[order[kept]]
    values[row[kept], place[kept]] = matrix.data[order[kept]]
    return columns, values


def square(columns: np.ndarray, values: np.ndarray) -> sp.csr_matrix:
    """The matrix (V + 1, V + 1) of which these are the `strongest` entries."""
    rows, k = columns.shape
    return sp.csr_matrix((values.ravel(), columns.ravel(), np.arange(rows + 1) * k), shape=(rows, rows))
