"""What several libraries need: interactions as a sparse matrix, pairs of neighbours in histories."""

import numpy as np
from scipy import sparse

from tests.measure.verdict_set.registry import Training


def matrix(data: Training) -> sparse.csr_matrix:
    """Users by items, how often."""
    ones = np.ones(len(data.items), dtype=np.float32)
    return sparse.csr_matrix((ones, (data.users, data.items)), shape=(data.n_users, data.n_items))


def neighbours(data: Training, window: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Each ordered pair of items within so many positions in a history, as often as it occurs."""
    first, second, users = [], [], data.users
    for distance in range(1, window + 1):
        near = users[:-distance] == users[distance:]
        a, b = data.items[:-distance][near], data.items[distance:][near]
        first += [a, b]
        second += [b, a]
    return np.concatenate(first).astype(np.int64), np.concatenate(second).astype(np.int64)


def padded(data: Training, length: int) -> np.ndarray:
    """The last ``length`` items of each user, one-based, zeros in front."""
    rows = np.zeros((data.n_users, length), dtype=np.int64)
    for u, history in enumerate(data.histories()):
        last = history[-length:]
        rows[u, length - len(last) :] = last + 1
    return rows
