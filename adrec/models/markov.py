"""First-order Markov chain: what followed the last item in training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from adrec.config import ModelConfig, require, require_integers
from adrec.data.batches import PackedBatch
from adrec.models.base import Between, Preset, register
from adrec.models.counting import CountingModel, log, log_shares, neighbour_arrays, strongest

if TYPE_CHECKING:
    from adrec.data.dataset import SequenceDataset


@dataclass(frozen=True)
class MarkovConfig(ModelConfig):
    """smoothing: how many followers drawn by popularity are added to each item's own (a Dirichlet prior); followers: how many different
    ones are kept of each item, the most frequent; the rest of its probability goes by popularity."""

    smoothing: float = 10.0
    followers: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.smoothing > 0, "smoothing", self.smoothing, "a number above 0")
        require_integers(self, {"followers": (1, 1_000_000)})


@register
class Markov(CountingModel):
    """p(next | last) = (count(last -> next) + smoothing * share(next)) / (count(last -> any) + smoothing); scores are its logarithms."""

    name = "markov"
    title = "Markov chain"
    source = "counts of item -> next item in training, smoothed by a Dirichlet prior of the popularities"
    differences = "reads the last item alone; of very popular items only the most frequent followers are kept"
    Config = MarkovConfig
    presets = {"markov": Preset("Markov chain", "What most often followed the last item, counted: order without learning.")}
    space = {"smoothing": Between(0.1, 1000.0, log=True)}
    config: MarkovConfig

    def __init__(self, config: MarkovConfig) -> None:
        super().__init__(config)
        self.arrays = neighbour_arrays(config.n_items, config.followers)

    def fit(self, data: "SequenceDataset") -> None:
        inside = np.ones(len(data.train_items), bool)
        inside[data.train_offsets[1:][np.diff(data.train_offsets) > 0] - 1] = False  # a history's last item is followed by nothing
        last = np.flatnonzero(inside)
        rows = self.config.n_items + 1
        pairs = data.train_items[last], data.train_items[last + 1]
        counts = sp.csr_matrix((np.ones(len(last)), pairs), shape=(rows, rows))
        followers, kept = strongest(counts, self.arrays["ids"].shape[1])
        totals = np.asarray(counts.sum(1)) + self.config.smoothing
        self.arrays = {"ids": followers, "weights": (kept / totals).astype(np.float32), "log_shares": log_shares(data.popularity)}

    def answers(self, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> np.ndarray:
        last = batch.items.numpy()[np.cumsum(batch.lengths) - 1]
        shares = self.arrays["weights"][last]
        found = (1 - shares.sum(1, keepdims=True)).clip(0) * np.exp(self.arrays["log_shares"])
        found[np.arange(len(last))[:, None], self.arrays["ids"][last]] += shares  # each follower once; 0, the padding, with 0
        return log(found)
