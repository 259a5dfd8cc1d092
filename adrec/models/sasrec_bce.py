"""SASRec with its original loss: the next item against one item drawn at random, as two binary decisions."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from adrec.config import TrainConfig, require_integers
from adrec.data.batches import PackedBatch
from adrec.errors import ConfigError
from adrec.models.base import Preset, Stage, register
from adrec.models.neural import NeuralModel
from adrec.models.rng import RandomSource
from adrec.models.sasrec import SASRec, SASRecConfig


@dataclass(frozen=True)
class SASRecBCEConfig(SASRecConfig):
    """drawn: how many random items each next item is told apart from."""

    drawn: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integers(self, {"drawn": (1, 10_000)})


@register
class SASRecBCE(SASRec):
    """-log sigmoid(score of the next item) - mean of log(1 - sigmoid(score)) of the items drawn (section III-E)."""

    name = "sasrec-bce"
    title = "SASRec"
    source = (
        "Kang & McAuley 2018 (arXiv 1808.09781), with its binary loss; layers and padding as SASRec+ here, from the ADRec authors' code"
    )
    differences = (
        "SASRec+'s post-norm blocks with GELU and its width, so that the two differ in the loss alone; the random item of a position is "
        "none of the history that is read"
    )
    Config = SASRecBCEConfig
    abilities = NeuralModel.abilities
    presets = {
        "sasrec-bce": Preset(
            "SASRec",
            "SASRec as published, with its binary loss: each next item against one random item, not the catalogue.",
            {"positions": True, "batch_size": 32, "lr": 0.003, "epochs": 200, "patience": 10},
        )
    }
    loss_names = ("bce",)
    config: SASRecBCEConfig

    @classmethod
    def stages(cls, config: SASRecBCEConfig, train: TrainConfig) -> list[Stage]:
        if train.loss != "full":
            raise ConfigError("The model 'sasrec-bce' draws its own items to compare with; it takes no loss=sampled. Use drawn=N for more.")
        return super().stages(config, train)

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        out, table = self(batch, rng), self.item_embedding.weight
        positive = (out * table[batch.targets]).sum(-1, keepdim=True)
        drawn = self.draw(batch, rng)
        negative = torch.einsum("nd,nkd->nk", out, table[drawn])
        return {"bce": (F.softplus(-positive) + F.softplus(negative).mean(-1, keepdim=True)).sum() / batch.total_tokens}

    def draw(self, batch: PackedBatch, rng: RandomSource) -> Tensor:
        """Random items for each token, (N, drawn), none of which its history holds or is about to; after some tries any."""
        rows = self.config.n_items + 1
        user = batch.to_tokens(torch.arange(len(batch.lengths), device=batch.items.device))
        own = torch.unique(torch.cat([user * rows + batch.items, user * rows + batch.targets]))
        drawn = self._random(batch.tokens * self.config.drawn, rng).view(-1, self.config.drawn)
        for _ in range(20):
            keys = user.unsqueeze(1) * rows + drawn
            taken = own[torch.searchsorted(own, keys).clamp_(max=len(own) - 1)] == keys
            if not taken.any():
                break
            drawn[taken] = self._random(int(taken.sum()), rng)
        return drawn

    def _random(self, size: int, rng: RandomSource) -> Tensor:
        return 1 + rng.timesteps(self.config.n_items, size)
