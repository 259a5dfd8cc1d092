"""Who is helped and who is hurt by one model instead of another: users' differences, by what is known of the users."""

from dataclasses import dataclass

import numpy as np

from adrec.experiments.measures import Users

GROUPS = 4
FEWEST = 10
"""Users below whom a category is not told."""
RESAMPLES = 1000


@dataclass(frozen=True)
class Part:
    """Users who have something in common. by: what divides them; name: of this part; users: their number; difference: the mean of their
    differences, low, high: its 95 % bootstrap interval over users."""

    by: str
    name: str
    users: int
    difference: float
    low: float
    high: float


def parts(of: Users, differences: np.ndarray, seed: int = 0) -> list[Part]:
    """Users' mean differences (E,), in the order of ``of.users``, by the length of the history, the target's training count and its
    categories, of which a target may have several."""
    rng = np.random.default_rng(seed)
    lengths = of.data.known("test")[of.users]
    found = _quarters("History", "items", lengths, differences, rng)
    found += _quarters("Target's count in training", "", of.data.popularity[of.targets], differences, rng)
    return found + _categories(of, differences, rng)


def _quarters(by: str, unit: str, values: np.ndarray, differences: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """``GROUPS`` parts of about equally many users; equal values stay together."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, GROUPS + 1)[1:-1], method="nearest"))
    place = np.searchsorted(edges, values)
    found = []
    for part in np.unique(place):
        own = place == part
        low, high = int(values[own].min()), int(values[own].max())
        name = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        found.append(_part(by, f"{name} {unit}".strip(), differences[own], rng))
    return found


def _categories(of: Users, differences: np.ndarray, rng: np.random.Generator) -> list[Part]:
    if of.category is None:
        return []
    texts = of.data.items.frame[of.category].fillna("").reindex(of.targets)
    members: dict[str, list[int]] = {}
    for user, text in enumerate(texts):
        for word in set(filter(None, str(text).split("|"))):
            members.setdefault(word, []).append(user)
    known = [(word, users) for word, users in members.items() if len(users) >= FEWEST]
    return [_part(f"Target's {of.category}", word, differences[users], rng) for word, users in sorted(known, key=lambda k: -len(k[1]))]


def _part(by: str, name: str, values: np.ndarray, rng: np.random.Generator) -> Part:
    means = values[rng.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Part(by, name, len(values), float(values.mean()), float(low), float(high))
