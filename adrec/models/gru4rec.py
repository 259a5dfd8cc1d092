"""GRU4Rec (Hidasi et al. 2016): a recurrent network reads the history; here with the full softmax."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from adrec.config import FRACTION, ModelConfig, require, require_integers, setting
from adrec.data.batches import PackedBatch
from adrec.losses.full import next_item_loss
from adrec.models.base import Between, Preset, register
from adrec.models.blocks import dropout
from adrec.models.neural import NeuralModel
from adrec.models.rng import RandomSource


@dataclass(frozen=True)
class GRU4RecConfig(ModelConfig):
    """hidden_size: the width D of the item table; state_size: of the recurrent state; layers: of the network; embedding_dropout: of the
    history; dropout: of the state before it is compared with the items."""

    hidden_size: int = setting(64, "Width D", "How many numbers describe an item.", (32, 64, 128, 256))
    state_size: int = 128
    layers: int = 1
    dropout: float = 0.1
    embedding_dropout: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integers(self, {"hidden_size": (2, 4096), "state_size": (2, 4096), "layers": (1, 16)})
        for field in ("dropout", "embedding_dropout"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), FRACTION)


@register
class GRU4Rec(NeuralModel):
    """Embedding, dropout, GRU, dropout, a linear layer to the width of the table; the last output scores every item by inner product."""

    name = "gru4rec"
    title = "GRU4Rec"
    source = (
        "Hidasi et al., ICLR 2016 (arXiv 1511.06939); with cross-entropy over the catalogue at every position, as Petrov & Macdonald 2022 "
        "(arXiv 2207.02830) and Klenitskiy & Vasilev 2023 (arXiv 2309.07602) train it"
    )
    differences = (
        "full softmax instead of sampled pairwise losses; whole histories instead of session-parallel mini-batches; one item table for "
        "input and output; Adam; settings chosen here on MovieLens-100K"
    )
    Config = GRU4RecConfig
    presets = {
        "gru4rec": Preset(
            "GRU4Rec",
            "A recurrent network with the full softmax: the sequence model from before Transformers.",
            {"batch_size": 64, "lr": 0.003},
        )
    }
    space = {**NeuralModel.space, "embedding_dropout": Between(0.0, 0.5), "batch_size": (32, 64, 128)}
    loss_names = ("ce",)
    config: GRU4RecConfig

    def __init__(self, config: GRU4RecConfig) -> None:
        super().__init__(config)
        self.item_embedding = nn.Embedding(config.n_items + 1, config.hidden_size)
        self.gru = nn.GRU(config.hidden_size, config.state_size, config.layers, batch_first=True)
        self.out = nn.Linear(config.state_size, config.hidden_size)

    def initialise(self, generator: torch.Generator) -> None:
        """The item table N(0, 0.1), everything else as torch does: uniform up to 1 / sqrt(state_size)."""
        bound = 1 / math.sqrt(self.config.state_size)
        for weight in (*self.gru.parameters(), *self.out.parameters()):
            weight.data.uniform_(-bound, bound, generator=generator)
        self.item_embedding.weight.data.normal_(0, 0.1, generator=generator)

    def forward(self, batch: PackedBatch, rng: RandomSource | None = None) -> Tensor:
        """The output at every token, (N, D)."""
        h = dropout(self.item_embedding(batch.items), self.config.embedding_dropout, rng)
        padded = pad_sequence(h.split(batch.lengths.tolist()), batch_first=True)  # pads follow the history, so nothing has read them
        inside = torch.arange(padded.shape[1]) < torch.from_numpy(batch.lengths).unsqueeze(1)
        states = self.gru(padded)[0][inside.to(h.device)]
        return self.out(dropout(states, self.config.dropout, rng))

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """Cross-entropy of the next item at every token."""
        return {"ce": next_item_loss(self(batch, rng), self.item_embedding.weight, batch)}
