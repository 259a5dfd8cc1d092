"""Item-based nearest neighbours (Sarwar et al. 2001), with recency: items near each other in many histories, added up over a history."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from adrec.config import ModelConfig, require, require_integers
from adrec.data.batches import PackedBatch
from adrec.models.base import Between, Preset, register
from adrec.models.counting import CountingModel, decay, histories, log, log_shares, neighbour_arrays, square, strongest

if TYPE_CHECKING:
    from adrec.data.dataset import SequenceDataset

PAIRS = 1 << 23
"""Pairs of items held in memory at once, about."""
NEGLIGIBLE = 0.01
"""Pairs that would weigh less than this are not counted."""


@dataclass(frozen=True)
class ItemKNNConfig(ModelConfig):
    """neighbours: kept of each item. half_life: of the items of a history; pair_half_life: of the pairs counted in training, by how many
    items apart they are; 0 for none. directed: a pair counts only from the earlier item to the later one. popularity_share: how much of
    the answer goes by popularity, which orders the items that are nobody's neighbour.
    """

    neighbours: int = 500
    half_life: float = 3.0
    pair_half_life: float = 6.0
    directed: bool = True
    popularity_share: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integers(self, {"neighbours": (1, 1_000_000)})
        for field in ("half_life", "pair_half_life"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "a number of items of at least 0")
        require(0 < self.popularity_share < 1, "popularity_share", self.popularity_share, "a number above 0 and below 1")

    @property
    def reach(self) -> int | None:
        """How many items apart two items are counted as a pair; None for any number."""
        return int(1 - self.pair_half_life * np.log2(NEGLIGIBLE)) if self.pair_half_life else None


@register
class ItemKNN(CountingModel):
    """similarity(i, j) = pairs(i, j) / sqrt(count(i) count(j)), without recency the cosine of the two items' columns in the matrix of users
    and items. A candidate's share is the sum of its similarities to the items of the history, weighted by recency; scores are logarithms.
    """

    name = "item-knn"
    title = "Item-kNN"
    source = (
        "Sarwar et al. 2001 (doi 10.1145/371920.372071); recency as session-based neighbours have it, Ludewig & Jannach 2018 "
        "(arXiv 1803.09587)"
    )
    differences = (
        "pairs count less the further apart they are in a history, and only in their order: pair_half_life=0 and directed=false undo both"
    )
    Config = ItemKNNConfig
    presets = {
        "item-knn": Preset(
            "Item-kNN", "Items that people took close to each other, added up over the history: a strong baseline without learning."
        ),
        "item-knn-cosine": Preset(
            "Item-kNN, plain cosine",
            "Whole histories as sets, as item-kNN was first described; only the history that is read counts by recency.",
            {"pair_half_life": 0.0, "directed": False, "half_life": 1.0},
        ),
    }
    space = {
        "neighbours": (50, 100, 200, 500),
        "half_life": Between(0.0, 20.0),
        "pair_half_life": Between(0.0, 20.0),
        "directed": (True, False),
    }
    config: ItemKNNConfig

    def __init__(self, config: ItemKNNConfig) -> None:
        super().__init__(config)
        self.arrays = neighbour_arrays(config.n_items, config.neighbours)

    def fit(self, data: "SequenceDataset") -> None:
        k, scale = self.arrays["ids"].shape[1], 1 / np.sqrt(np.maximum(data.popularity, 1))
        for first, pairs in self.pairs(data):
            rows = slice(first, first + pairs.shape[0])
            cosines = sp.diags(scale[rows]) @ pairs @ sp.diags(scale)
            self.arrays["ids"][rows], self.arrays["weights"][rows] = strongest(cosines, k)
        self.arrays["log_shares"] = log_shares(data.popularity)

    def pairs(self, data: "SequenceDataset") -> Iterator[tuple[int, sp.csr_matrix]]:
        """Blocks of rows of the matrix of pairs (V + 1, V + 1), without those of an item with itself, and the first row of each."""
        items, offsets, rows = data.train_items, data.train_offsets, self.config.n_items + 1
        user = np.repeat(np.arange(data.n_users), np.diff(offsets))
        order = np.argsort(items, kind="stable")
        after = self._within(offsets[user + 1] - 1 - np.arange(len(items)))
        before = np.zeros_like(after) if self.config.directed else self._within(np.arange(len(items)) - offsets[user])
        bounds = np.searchsorted(items[order], np.arange(rows + 1))
        costs = np.append(0, np.cumsum((after + before)[order]))[bounds]
        first = 0
        while first < rows:
            stop = max(first + 1, int(np.searchsorted(costs, costs[first] + PAIRS, side="right")) - 1)
            own = order[bounds[first] : bounds[stop]]
            place = np.concatenate([np.repeat(own, lengths[own]) for lengths in (after, before)])
            apart = np.concatenate([_counted(lengths[own]) for lengths in (after, before)])
            other = place + np.where(np.arange(len(place)) < after[own].sum(), apart, -apart)
            row, column = items[place] - first, items[other]
            weights = decay(apart - 1, self.config.pair_half_life) * (items[place] != column)
            block = sp.coo_matrix((weights, (row, column)), shape=(stop - first, rows)).tocsr()
            block.eliminate_zeros()
            yield first, block
            first = stop

    def _within(self, lengths: np.ndarray) -> np.ndarray:
        return lengths if self.config.reach is None else np.minimum(lengths, self.config.reach)

    def answers(self, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> np.ndarray:
        similar = square(self.arrays["ids"], self.arrays["weights"])
        found = (histories(batch, similar.shape[0], self.config.half_life) @ similar).toarray()
        total, share = found.sum(1, keepdims=True), self.config.popularity_share
        found *= (1 - share) / np.where(total > 0, total, 1)
        found += np.where(total > 0, share, 1) * np.exp(self.arrays["log_shares"])
        return log(found).astype(np.float32)


def _counted(lengths: np.ndarray) -> np.ndarray:
    """1, 2, ... up to each length, concatenated."""
    return np.arange(lengths.sum()) + 1 - np.repeat(np.cumsum(lengths) - lengths, lengths)
