"""Models that learn one target a sequence: every prefix of a history is a training sequence of its own."""

from dataclasses import dataclass

import numpy as np

from adrec.config import ModelConfig, require
from adrec.data.batches import PackedBatch, prefix_batch
from adrec.data.dataset import SequenceDataset
from adrec.models.neural import NeuralModel


@dataclass(frozen=True)
class PrefixConfig(ModelConfig):
    """prefix_share: how many of a batch's prefixes are trained on in an epoch, drawn afresh each time; 1 for all.

    All of them cost as many sequences as there are interactions, where a model with a target at every position needs one a user.
    """

    prefix_share: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.prefix_share <= 1, "prefix_share", self.prefix_share, "a number above 0 and at most 1")


class PrefixTrained(NeuralModel):
    """A model whose loss is at each sequence's last position. The batch size counts users; their prefixes are the sequences."""

    config: PrefixConfig

    def training_batch(self, data: SequenceDataset, users: np.ndarray, rng: np.random.Generator) -> PackedBatch:
        return prefix_batch(data, users, self.config.length, self.config.prefix_share, rng)
