"""What ADRec and its peers in diffusion share: a causal encoder of the history, whose output conditions the denoiser."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from adrec.config import require_words
from adrec.data.batches import PackedBatch
from adrec.models.attention import Layout, looked_up
from adrec.models.blocks import CausalTransformer, TransformerConfig, dropout
from adrec.models.neural import DiffusionConfig, DiffusionModel
from adrec.models.rng import RandomSource


@dataclass(frozen=True)
class ConditionedConfig(TransformerConfig, DiffusionConfig):
    """timestep_per: in training each token draws its own t, or all of a user's tokens share one ("sequence")."""

    timestep_per: str = "token"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_words(self, {"timestep_per": ("token", "sequence")})


class ConditionedModel(DiffusionModel):
    """The item table, the encoder with its norm, and the code of the timestep."""

    config: ConditionedConfig
    time_table: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.item_embedding = nn.Embedding(config.n_items + 1, width)
        self.hist_norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = CausalTransformer(config.blocks, width, config.heads, config.dropout)
        self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))
        self.register_buffer("time_table", time_features(torch.arange(config.timesteps), config.timesteps, width), persistent=False)

    def layout(self, batch: PackedBatch) -> Layout:
        """Where the batch's tokens and its pads' rows lie; made once for all stacks."""
        return Layout.of(batch, self.config.padding)

    def history(self, batch: PackedBatch, layout: Layout) -> Tensor:
        """The looked-up history and the pads' rows, (N + P, D)."""
        return looked_up(batch, layout, self.item_embedding.weight)

    def encode(self, batch: PackedBatch, layout: Layout | None = None, rng: RandomSource | None = None) -> Tensor:
        """The condition c of every token, followed by the pads' rows: (N + P, D). layout: the batch's, if it is at hand."""
        layout = layout or self.layout(batch)
        h = self.history(batch, layout)
        h = self.hist_norm(dropout(h, self.config.embedding_dropout, rng, layout.tokens))
        return self.encoder(h, layout, rng)

    def draw_timesteps(self, batch: PackedBatch, rng: RandomSource) -> Tensor:
        """A noise level for each token, (N,): token-level diffusion, or one level for all tokens of a user."""
        if self.config.timestep_per == "token":
            return rng.timesteps(self.config.timesteps, batch.tokens)
        return batch.to_tokens(rng.timesteps(self.config.timesteps, len(batch.lengths)))


def time_features(t: Tensor, timesteps: int, width: int) -> Tensor:
    """Sinusoidal features of timesteps, rescaled to 0..1000: t (N,) -> (N, width), cosines first."""
    rates = torch.exp(torch.arange(width // 2, dtype=torch.float32) * (-math.log(10000.0) / (width // 2)))
    angles = (t.float() * (1000.0 / timesteps)).unsqueeze(-1) * rates
    return torch.cat([angles.cos(), angles.sin()], -1)


def initialise_layers(model: nn.Module, stacks: Sequence[nn.Module], generator: torch.Generator) -> None:
    """Linear layers as torch does by default, those of the stacks' blocks Xavier-normal."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            module.weight.data.uniform_(-bound, bound, generator=generator)
            module.bias.data.uniform_(-bound, bound, generator=generator)
    for stack in stacks:
        for block in getattr(stack, "blocks", ()):
            for weight in (*block.qkv.weight.data.chunk(3), block.out.weight.data, block.wide.weight.data, block.narrow.weight.data):
                nn.init.xavier_normal_(weight, generator=generator)
