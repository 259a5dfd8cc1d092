"""Paired comparisons over users: a permutation test, an interval, an effect size, and Holm's correction over a table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

PERMUTATIONS, RESAMPLES, CHUNK = 10_000, 2_000, 250
LARGEST = 1 << 25
"""Numbers held at once, where there are many users."""
LEVEL = 0.05
DEFINITION = (
    "Differences are paired over users: each user's value, mean over the seeds that both have, less the baseline's. p: two-sided "
    f"permutation test that flips the signs of users' differences {PERMUTATIONS:,} times (Good 2005, Permutation, Parametric and "
    "Bootstrap Tests), corrected over all comparisons of the table by Holm (1979). The interval is the 95 % bootstrap percentile interval "
    f"over users ({RESAMPLES:,} resamples; Efron & Tibshirani 1993). Effect: the mean difference over the standard deviation of the "
    "differences (Cohen's d_z). All of it is about these trainings and users drawn like these; how trainings differ is the spread over "
    "seeds."
)


@dataclass(frozen=True)
class Comparison:
    """difference: mean of the users' differences; low, high: its 95 % interval; effect: d_z; p, p_holm: before and after correction."""

    difference: float
    low: float
    high: float
    effect: float
    p: float
    p_holm: float = 1.0

    @property
    def says(self) -> str:
        """In a word, after correction."""
        if self.p_holm >= LEVEL:
            return "no difference found"
        return "higher" if self.difference > 0 else "lower"

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "says": self.says}


def paired(differences: np.ndarray, rng: np.random.Generator) -> Comparison:
    """Compare users' differences (U,) with zero."""
    users, mean = len(differences), float(differences.mean())
    spread = float(differences.std(ddof=1)) if users > 1 else 0.0
    low, high = np.percentile(_resampled(differences, rng), (2.5, 97.5))
    effect = mean / spread if spread else 0.0
    return Comparison(mean, float(low), float(high), effect, _flipped(differences, rng))


def _flipped(differences: np.ndarray, rng: np.random.Generator) -> float:
    """The share of sign flips whose mean is at least as far from zero, the observed one included."""
    values = differences[differences != 0]  # the others do not change a sum
    if not len(values):
        return 1.0
    observed = abs(values.sum()) * (1 - 1e-12)
    beyond = 0
    for size in _sizes(PERMUTATIONS, len(values)):
        signs = rng.integers(0, 2, (size, len(values)), dtype=np.int8) * 2.0 - 1.0
        beyond += int(np.count_nonzero(np.abs(signs @ values) >= observed))
    return (1 + beyond) / (1 + PERMUTATIONS)


def _resampled(differences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means of resamples of the users, (RESAMPLES,)."""
    users = len(differences)
    return np.concatenate([differences[rng.integers(0, users, (size, users))].mean(axis=1) for size in _sizes(RESAMPLES, users)])


def _sizes(total: int, users: int) -> list[int]:
    """Parts of so many repetitions over these users that are computed at once."""
    size = max(1, min(CHUNK, LARGEST // users))
    return [min(size, total - begin) for begin in range(0, total, size)]


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same with Holm's step-down p-values over all of them."""
    order = np.argsort([each.p for each in comparisons], kind="stable")
    found, least = list(comparisons), 0.0
    for position, i in enumerate(order.tolist()):
        least = max(least, min(1.0, (len(order) - position) * comparisons[i].p))
        found[i] = replace(comparisons[i], p_holm=least)
    return found
