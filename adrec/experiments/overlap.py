"""How alike models' lists are, how much of the catalogue they use, and which models nobody beats at their cost."""

from collections.abc import Sequence

import numpy as np

from adrec.experiments.lists import Lists


def agreement(one: Lists, other: Lists) -> float:
    """How many of a user's ten items two models share, mean over users."""
    shared = (one.items[:, :, None] == other.items[:, None, :]) & (one.items > 0)[:, :, None]
    return float(shared.any(axis=2).sum(axis=1).mean())


def coverage(counts: np.ndarray) -> np.ndarray:
    """The share of all places that the n items used most often take, n = 0..V. counts: how often each of the V items is used."""
    return np.concatenate([[0.0], np.cumsum(np.sort(counts)[::-1])]) / max(1, counts.sum())


def used(lists: Lists, items: int) -> np.ndarray:
    """In how many users' ten each of the ``items`` items is, (V,)."""
    return np.bincount(lists.items.ravel(), minlength=items + 1)[1 : items + 1]


def front(costs: Sequence[float], qualities: Sequence[float]) -> list[int]:
    """The Pareto front, from cheap to dear: those of which none is at least as cheap and as good, and better in one of the two."""
    found: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -qualities[i])):
        if not found or qualities[i] > qualities[found[-1]]:
            found.append(i)
    return found
