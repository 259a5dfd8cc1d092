"""SASRec with a full softmax: without positions it is ADRec's first stage, with them the baseline "SASRec+"."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import ModelConfig
from adrec.data.batches import PackedBatch
from adrec.losses.full import next_item_loss
from adrec.models.attention import Layout, prefix_rows
from adrec.models.base import Model
from adrec.models.blocks import CausalTransformer, dropout
from adrec.models.rng import RandomSource


class SASRec(Model):
    """Embedding, layer norm, dropout, causal Transformer; the last token's output scores every item by inner product."""

    loss_names = ("ce",)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.item_embedding = nn.Embedding(config.n_items + 1, config.hidden_size)
        if config.positions:
            self.position_embedding = nn.Embedding(config.length, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=1e-5)
        self.encoder = CausalTransformer(config.blocks, config.hidden_size, config.heads, config.dropout)

    def initialise(self, generator: torch.Generator) -> None:
        """Every linear and embedding weight N(0, 0.1), biases 0; drawn from ``generator``."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.weight.data.normal_(0, 0.1, generator=generator)
            if isinstance(module, nn.Linear):
                module.bias.data.zero_()

    def forward(self, batch: PackedBatch, rng: RandomSource | None = None) -> Tensor:
        """The output at every token, (N, D)."""
        config = self.config
        layout = Layout.of(batch, prefix_rows(config.padding, config.positions, batch.frame))
        h = F.embedding(batch.items, self.item_embedding.weight)
        pads = self.item_embedding.weight[:1].detach().expand(layout.prefix, -1)
        if config.positions:
            h = h + self.position_embedding(batch.positions)
            pads = pads + self.position_embedding.weight[: layout.prefix]
        h = dropout(self.norm(torch.cat([h, pads])), config.embedding_dropout, rng, layout.tokens)
        return self.encoder(h, layout, rng)[: layout.tokens]

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """Cross-entropy of the next item at every token."""
        return {"ce": next_item_loss(self(batch, rng), self.item_embedding.weight, batch)}
