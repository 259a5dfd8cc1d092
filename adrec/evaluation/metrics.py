"""Ranking metrics: pure functions of ranks. Each user has one relevant item; ``ranks`` (U,) holds its rank in their list, 1 = best.

Where a user has none, the rank is 0, and `user_metrics` leaves them out: they count nowhere.

To add a metric, decorate a function of ranks with ``@metric(name, title, source)`` in a module named in ``ADREC_PLUGINS``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from adrec.registry import Registry

CUTOFFS = (5, 10, 20)


@dataclass(frozen=True)
class Metric:
    """A number per user, reported as its mean over users.

    name: its key in reports; a name ending in "@K" is measured at every cutoff. title: its meaning in words. source: who defined it.
    per_user: maps ``ranks``, and a cutoff ``k`` if the name ends in "@K", to values (U,).
    """

    name: str
    title: str
    source: str
    per_user: Callable[..., np.ndarray]

    @property
    def keys(self) -> dict[str, tuple[int, ...]]:
        """The keys it is reported under, with the arguments of each."""
        stem = self.name.removesuffix("K")
        return {f"{stem}{k}": (k,) for k in CUTOFFS} if self.name.endswith("@K") else {self.name: ()}


METRICS: Registry[Metric] = Registry("metric")


def metric(name: str, title: str, source: str) -> Callable[[Callable[..., np.ndarray]], Metric]:
    """Register the decorated function as a metric."""
    return lambda per_user: METRICS.register(name, Metric(name, title, source, per_user))


@metric("hr@K", "Hit rate: the share of users whose next item is among the first K", "Deshpande & Karypis 2004, doi 10.1145/963770.963776")
def hit_rate(ranks: np.ndarray, k: int) -> np.ndarray:
    return (ranks <= k).astype(np.float64)


@metric("ndcg@K", "Normalised discounted cumulative gain of the first K", "Järvelin & Kekäläinen 2002, doi 10.1145/582415.582418")
def discounted_gain(ranks: np.ndarray, k: int) -> np.ndarray:
    return np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0)  # one relevant item: the ideal gain is 1


@metric("mrr", "Mean reciprocal rank of the next item in the whole list", "Voorhees 1999, The TREC-8 Question Answering Track Report")
def reciprocal_rank(ranks: np.ndarray) -> np.ndarray:
    return 1.0 / ranks


def user_metrics(ranks: np.ndarray, metrics: Iterable[Metric] | None = None) -> dict[str, np.ndarray]:
    """Each ranked user's values, in the order of ``ranks``, by key. metrics: default all registered."""
    ranks = ranks[ranks > 0]
    chosen = [entry for _, entry in METRICS.items()] if metrics is None else metrics
    return {key: entry.per_user(ranks, *cutoff) for entry in chosen for key, cutoff in entry.keys.items()}


def ranking_metrics(ranks: np.ndarray, metrics: Iterable[Metric] | None = None) -> dict[str, float]:
    """Means over users as fractions, each followed by its standard error over users (``<key>_se``). metrics: default all registered."""
    means: dict[str, float] = {}
    for key, values in user_metrics(ranks, metrics).items():
        means[key] = float(values.mean())
        means[f"{key}_se"] = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return means
