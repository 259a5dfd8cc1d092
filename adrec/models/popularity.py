"""Popularity: the same list for everybody, of what was taken most in all of training or lately."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adrec.config import ModelConfig, require
from adrec.data.batches import PackedBatch
from adrec.models.base import Between, Preset, register
from adrec.models.counting import CountingModel, ages_of, decay, log_shares

if TYPE_CHECKING:
    from adrec.data.dataset import SequenceDataset


@register
class Popularity(CountingModel):
    """Scores are the logarithms of each item's share of the training interactions."""

    name = "popularity"
    title = "Popularity"
    source = "counts of the training interactions; the floor that any recommender has to clear"
    differences = "none: one count is added to each item, so that no probability is 0"
    presets = {"popularity": Preset("Popularity", "What most people took is recommended to everybody: the floor.")}

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.arrays = {"log_shares": np.zeros(config.n_items + 1, np.float32)}

    def fit(self, data: "SequenceDataset") -> None:
        self.arrays["log_shares"] = log_shares(self.counts(data))

    def counts(self, data: "SequenceDataset") -> np.ndarray:
        """How much each of the V + 1 rows was taken."""
        return data.popularity

    def answers(self, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> np.ndarray:
        return np.tile(self.arrays["log_shares"], (len(batch.lengths), 1))


@dataclass(frozen=True)
class RecentConfig(ModelConfig):
    """half_life: in each training history an item counts half as much as the one so many items later."""

    half_life: float = 20.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.half_life > 0, "half_life", self.half_life, "a number of items above 0")


@register
class RecentPopularity(Popularity):
    """What people took last, before the end of training, counts most."""

    name = "recent-popularity"
    title = "Recent popularity"
    source = "counts of the training interactions, the late ones of each history weighted up"
    differences = (
        "prepared data keep the order of a history, not its times, so 'recent' is counted in items from the end of each person's history; "
        "popularity of the last weeks is only comparable where people are active at the same time"
    )
    Config = RecentConfig
    presets = {"recent-popularity": Preset("Recent popularity", "What people took last is recommended to everybody.")}
    space = {"half_life": Between(1.0, 200.0, log=True)}
    config: RecentConfig

    def counts(self, data: "SequenceDataset") -> np.ndarray:
        weights = decay(ages_of(np.diff(data.train_offsets)), self.config.half_life)
        return np.bincount(data.train_items, weights, minlength=self.config.n_items + 1)
