"""What a model offers, and what the diffusion models share: the item table, the causal encoder of the history, the schedule.

A model is one file here and one line in ``adrec.models.REGISTRY`` (and its name in ``config.MODELS``). The training loop uses
``initialise``, ``losses`` and ``loss_names``; the evaluator and the trajectory use ``last_token`` of a `DiffusionModel`, and of
any other model its call, which gives every token's output.
"""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import ModelConfig
from adrec.data.batches import PackedBatch
from adrec.diffusion import Diffusion
from adrec.models.attention import Layout, prefix_rows
from adrec.models.blocks import CausalTransformer, dropout
from adrec.models.rng import RandomSource


class Model(nn.Module):
    """``loss_names``: of what ``losses`` returns, in its order. Dropout is active in a forward pass exactly where a generator
    ``rng`` is passed; there is no train/eval switch."""

    loss_names: ClassVar[tuple[str, ...]]
    item_embedding: nn.Embedding

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config

    def initialise(self, generator: torch.Generator) -> None:
        """Set all weights, drawn from ``generator``."""
        raise NotImplementedError

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The batch's part of its step's losses, whose mean is minimised; what is random is drawn from ``rng``."""
        raise NotImplementedError


class DiffusionModel(Model):
    """A model that answers by a reverse process, conditioned on the causal encoder's output (METHOD, 1, 2, 4)."""

    alpha_bar: Tensor
    time_table: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.item_embedding = nn.Embedding(config.n_items + 1, width)
        self.hist_norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = CausalTransformer(config.blocks, width, config.heads, config.dropout)
        self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))
        self.diffusion = Diffusion.from_schedule(config.schedule, config.timesteps)
        self.register_buffer("alpha_bar", torch.from_numpy(self.diffusion.alpha_bar), persistent=False)
        self.register_buffer("time_table", time_features(torch.arange(config.timesteps), config.timesteps, width), persistent=False)

    def layout(self, batch: PackedBatch) -> Layout:
        """Where the batch's tokens and its pads' rows lie; made once for all stacks."""
        return Layout.of(batch, prefix_rows(self.config.padding, False, batch.frame))

    def with_pads(self, rows: Tensor, prefix: int) -> Tensor:
        """Append the pads' rows: E[0], which learns only through the softmax, not by being looked up."""
        return torch.cat([rows, self.item_embedding.weight[:1].detach().expand(prefix, -1)])

    def history(self, batch: PackedBatch, layout: Layout) -> Tensor:
        """The looked-up history and the pads' rows, (N + P, D)."""
        return self.with_pads(F.embedding(batch.items, self.item_embedding.weight), layout.prefix)

    def encode(self, batch: PackedBatch, layout: Layout | None = None, rng: RandomSource | None = None) -> Tensor:
        """The condition c of every token, followed by the pads' rows: (N + P, D). layout: the batch's, if it is at hand."""
        layout = layout or self.layout(batch)
        h = self.history(batch, layout)
        h = self.hist_norm(dropout(h, self.config.embedding_dropout, rng, layout.tokens))
        return self.encoder(h, layout, rng)

    def last_token(self, batch: PackedBatch, copies: int = 1) -> Callable[[Tensor, int], Tensor]:
        """The denoiser of each user's last token as a function (x_t (B * copies, D), t) -> x0_hat of the same shape.

        copies: several noise seeds for each user, user by user.
        """
        raise NotImplementedError

    def noise_share(self, batch: PackedBatch, x: Tensor) -> Tensor | None:
        """How loud noise x (B, D) is beside the history, to which it is added: ratios of lengths (B,); None if it is not added to it."""
        return None


def time_features(t: Tensor, timesteps: int, width: int) -> Tensor:
    """Sinusoidal features of timesteps, rescaled to 0..1000: t (N,) -> (N, width), cosines first (METHOD, 4)."""
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
