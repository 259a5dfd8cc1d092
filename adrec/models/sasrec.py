"""SASRec with a full softmax: without positions it is ADRec's first stage, with them the baseline "SASRec+"."""

from dataclasses import dataclass

from torch import Tensor, nn

from adrec.data.batches import PackedBatch
from adrec.losses.full import next_item_loss
from adrec.models.attention import Layout, looked_up
from adrec.models.base import Between, Preset, register
from adrec.models.blocks import CausalTransformer, TransformerConfig, dropout
from adrec.models.neural import NeuralModel
from adrec.models.rng import RandomSource


@dataclass(frozen=True)
class SASRecConfig(TransformerConfig):
    """positions: a learned embedding of each place in the padded history is added to its item's."""

    positions: bool = False


@register
class SASRec(NeuralModel):
    """Embedding, layer norm, dropout, causal Transformer; the last token's output scores every item by inner product."""

    name = "sasrec"
    title = "SASRec+"
    source = (
        "Kang & McAuley 2018 (arXiv 1808.09781); with the full softmax, Klenitskiy & Vasilev 2023 (arXiv 2309.07602); layers as in the "
        "ADRec authors' code"
    )
    differences = "post-norm blocks with GELU and pads as an attention sink, as in the ADRec authors' code"
    Config = SASRecConfig
    abilities = (*NeuralModel.abilities, "browser")
    presets = {
        "sasrec": Preset(
            "SASRec+",
            "The plain sequence model with positions and the full softmax: the baseline without diffusion.",
            {"positions": True},
        )
    }
    space = {**NeuralModel.space, "embedding_dropout": Between(0.0, 0.5), "blocks": (1, 2, 3)}
    loss_names = ("ce",)
    config: SASRecConfig

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__(config)
        self.item_embedding = nn.Embedding(config.n_items + 1, config.hidden_size)
        if config.positions:
            self.position_embedding = nn.Embedding(config.length, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=1e-5)
        self.encoder = CausalTransformer(config.blocks, config.hidden_size, config.heads, config.dropout)

    def forward(self, batch: PackedBatch, rng: RandomSource | None = None) -> Tensor:
        """The output at every token, (N, D)."""
        config = self.config
        layout = Layout.of(batch, config.padding, config.positions)
        h = looked_up(batch, layout, self.item_embedding.weight, self.position_embedding.weight if config.positions else None)
        h = dropout(self.norm(h), config.embedding_dropout, rng, layout.tokens)
        return self.encoder(h, layout, rng)[: layout.tokens]

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """Cross-entropy of the next item at every token."""
        return {"ce": next_item_loss(self(batch, rng), self.item_embedding.weight, batch)}
