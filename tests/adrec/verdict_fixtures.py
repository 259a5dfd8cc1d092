"""Tables whose true kind is known, because they were made so: what the rule is calibrated and tested on."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.data.named import synthetic


@lru_cache(maxsize=4)
def world(items: int, seed: int) -> tuple[Cooccurrence, np.ndarray]:
    """Interactions of ``items`` items by the synthetic generator, and each item's true cluster (items,)."""
    data = synthetic.generate(items=items, users=max(2 * items, 1000), seed=seed)
    return Cooccurrence.from_dataset(data), data.items.frame["cluster"].to_numpy().astype(int) - 1


def planted(clusters: np.ndarray, width: int, signal: float, seed: int, directions: int | None = None) -> np.ndarray:
    """(V, D): a share ``signal`` of the variance is the item's cluster, the rest its own noise. directions: of the cluster centres."""
    rng = np.random.default_rng([seed, 7])
    count = clusters.max() + 1
    centres = rng.standard_normal((count, width))
    if directions is not None:
        centres = rng.standard_normal((count, directions)) @ rng.standard_normal((directions, width)) / np.sqrt(directions)
    own = rng.standard_normal((len(clusters), width))
    return np.sqrt(signal) * centres[clusters] + np.sqrt(1 - signal) * own


def gaussian(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 1]).standard_normal((len(clusters), width)) * 0.1


def uneven(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Noise whose rows differ in length, a lognormal of 0.5: the spectrum is not that of noise, and means nothing."""
    return gaussian(clusters, width, seed) * np.exp(0.5 * np.random.default_rng([seed, 10]).standard_normal((len(clusters), 1)))


def uniform(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 2]).uniform(-0.05, 0.05, (len(clusters), width)).astype(np.float16)


def rank_four(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Four random directions that know nothing of the clusters, and a hundredth of noise."""
    rng = np.random.default_rng([seed, 3])
    n = len(clusters)
    return rng.standard_normal((n, 4)) @ rng.standard_normal((4, width)) / 2 + 0.01 * rng.standard_normal((n, width))


def constant(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    """One vector for all, and noise of a fifth of its length: 96 % of the squared length is common."""
    rng = np.random.default_rng([seed, 4])
    common = rng.standard_normal(width)
    return common + 0.2 * np.sqrt((common**2).mean()) * rng.standard_normal((len(clusters), width))


def narrowed(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    """A healthy table pushed off the origin: half of the squared length is common."""
    rng = np.random.default_rng([seed, 12])
    table, common = planted(clusters, width, 0.5, seed), rng.standard_normal(width)
    return table + common * np.sqrt((table**2).sum(axis=1).mean() / (common**2).sum())


def duplicated(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Every item is the copy of one of V / 10 random vectors, dealt out at random."""
    rng = np.random.default_rng([seed, 5])
    n = len(clusters)
    return rng.standard_normal((n // 10, width))[rng.integers(0, n // 10, n)]


def permuted(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    """A healthy table with its rows dealt out at random: its spectrum is healthy, its neighbours mean nothing."""
    return planted(clusters, width, 0.5, seed)[np.random.default_rng([seed, 6]).permutation(len(clusters))]


def healthy(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    return planted(clusters, width, 0.5, seed)


def concentrated(clusters: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Meaningful: 95 % of the variance is the cluster, but clusters differ in an eighth of the directions only, at least in 3."""
    return planted(clusters, width, 0.95, seed, directions=max(width // 8, 3))


Maker = Callable[[np.ndarray, int, int], np.ndarray]
MADE: dict[str, tuple[str, Maker]] = {
    "Gaussian": ("noise-like", gaussian),
    "uniform, half precision": ("noise-like", uniform),
    "Gaussian, uneven rows": ("spectral-only", uneven),
    "rank 4 + noise": ("low-rank", rank_four),
    "constant + noise": ("complete-collapse", constant),
    "half in common": ("narrowing", narrowed),
    "duplicated items": ("low-rank", duplicated),
    "planted, rows permuted": ("spectral-only", permuted),
    "planted, 50 % signal": ("healthy", healthy),
    "planted, few directions": ("concentrated", concentrated),
}
"""Name: the true kind, and how such a table is made from (clusters, width, seed)."""


def with_noise(table: np.ndarray, signal: float, seed: int) -> np.ndarray:
    """A share ``signal`` of the variance is the table, the rest is noise of its own scale."""
    noise = np.random.default_rng([seed, 8]).standard_normal(table.shape) * table.std()
    return np.sqrt(signal) * table + np.sqrt(1 - signal) * noise


def shuffled(table: np.ndarray, seed: int) -> np.ndarray:
    return table[np.random.default_rng([seed, 9]).permutation(len(table))]


def official_table(root: Path, name: str) -> np.ndarray:
    """An item table of the official code's files, without padding: (V, D) float32."""
    if name.endswith(".npy"):
        return np.load(root / "official" / name)
    import torch

    return torch.load(root / "official" / name, weights_only=True, map_location="cpu")["item_embedding.weight"].numpy()[1:]


def official_data(root: Path, name: str) -> SequenceDataset:
    return catalog.load(root / "official" / name / "dataset.pkl")


def drifted(table: np.ndarray, steps: int) -> np.ndarray:
    """What the official "frozen" warm-up leaves of a table: Adam given gradients of zeros and a weight decay of 1e-5."""
    import torch

    weight = torch.nn.Parameter(torch.from_numpy(table.copy()))
    optimiser = torch.optim.Adam([weight], lr=1e-3, weight_decay=1e-5)
    for _ in range(steps):
        weight.grad = torch.zeros_like(weight)
        optimiser.step()
    return weight.detach().numpy()
