"""ADRec (KDD 2025, arXiv 2505.19544): a causal encoder reads the history, a denoiser restores each noised target."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import ModelConfig
from adrec.data.batches import PackedBatch
from adrec.diffusion import q_sample
from adrec.losses.full import next_item_loss, token_error
from adrec.models.attention import Layout
from adrec.models.base import DiffusionModel, initialise_layers
from adrec.models.blocks import CausalTransformer, KeyValueCache
from adrec.models.rng import RandomSource


class MLPDenoiser(nn.Module):
    """The paper's smaller denoiser: each token on its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide, self.narrow, self.norm = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.LayerNorm(width)

    def forward(self, h: Tensor) -> Tensor:
        return self.norm(self.narrow(F.silu(self.wide(h))))


class ADRec(DiffusionModel):
    """config.noise_weight is lambda, how much of the noised token reaches the denoiser."""

    loss_names = ("ce", "mse")

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.denoiser: nn.Module = (
            CausalTransformer(config.blocks, width, config.heads, config.dropout)
            if config.denoiser == "transformer"
            else MLPDenoiser(width)
        )

    def initialise(self, generator: torch.Generator) -> None:
        """Weights of the blocks Xavier-normal, the rest as torch does by default; drawn from ``generator``."""
        initialise_layers(self, (self.encoder, self.denoiser), generator)
        self.item_embedding.weight.data.normal_(0, 0.1, generator=generator)

    # -- the parts ------------------------------------------------------------------------------------------------

    def denoiser_input(self, condition: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """c + lambda (x_t + time(t)). condition, x: (M, D), t: (M,)."""
        return condition + self.config.noise_weight * (x + self.time_embed(self.time_table)[t])

    def denoise(self, condition: Tensor, x: Tensor, t: Tensor, layout: Layout, rng: RandomSource | None = None) -> Tensor:
        """x0_hat of every token. condition: (N + P, D), x: (N, D), t: (N,) -> (N, D). Pads enter clean, at t = 0."""
        h = self.denoiser_input(condition, self.with_pads(x, layout.prefix), F.pad(t, (0, layout.prefix)))
        if isinstance(self.denoiser, MLPDenoiser):
            return self.denoiser(h[: layout.tokens])
        return self.denoiser(h, layout, rng)[: layout.tokens]

    # -- training -------------------------------------------------------------------------------------------------

    def forward(self, batch: PackedBatch, t: Tensor, eps: Tensor, rng: RandomSource | None = None) -> tuple[Tensor, Tensor]:
        """(x0_hat, x_0), both (N, D), for one timestep t (N,) and one noise eps (N, D) a token."""
        layout = self.layout(batch)
        x_0 = F.embedding(batch.targets, self.item_embedding.weight)
        x_t = q_sample(x_0, t, eps, self.alpha_bar)
        return self.denoise(self.encode(batch, layout, rng), x_t, t, layout, rng), x_0

    def losses(self, batch: PackedBatch, rng: RandomSource) -> dict[str, Tensor]:
        """The two losses whose mean is minimised, timesteps, noise and dropout drawn from ``rng``."""
        t = rng.timesteps_of(batch, self.config.timesteps, self.config.timestep_per)
        x0_hat, x_0 = self(batch, t, rng.normal(batch.tokens, self.config.hidden_size), rng)
        ce = next_item_loss(x0_hat, self.item_embedding.weight, batch)
        return {"ce": ce, "mse": token_error(x0_hat, x_0, batch.token_weights)}

    # -- inference ------------------------------------------------------------------------------------------------

    def last_token(self, batch: PackedBatch, copies: int = 1) -> Callable[[Tensor, int], Tensor]:
        """The denoiser of each user's last token as a function (x_t (B * copies, D), t) -> x0_hat of the same shape.

        The history is encoded once and its keys and values are kept: it stays clean (x = E[next item], t = 0), and
        causality makes it independent of the last token. copies: several noise seeds for each user, user by user.
        """
        layout, last = self.layout(batch), batch.last
        condition = self.encode(batch, layout)
        of_last = condition[last].repeat_interleave(copies, 0)
        time = self.time_embed(self.time_table)
        if isinstance(self.denoiser, MLPDenoiser):
            net: Callable[[Tensor], Tensor] = self.denoiser
        else:
            net = self._history_cache(batch, condition, layout, copies).last_token
        return lambda x, t: net(of_last + self.config.noise_weight * (x + time[t]))

    def noise_share(self, batch: PackedBatch, x: Tensor) -> Tensor:
        """Length of lambda x over that of the condition of each user's last token."""
        return self.config.noise_weight * x.norm(dim=-1) / self.encode(batch)[batch.last].norm(dim=-1)

    def _history_cache(self, batch: PackedBatch, condition: Tensor, layout: Layout, copies: int) -> KeyValueCache:
        assert isinstance(self.denoiser, CausalTransformer)
        history = torch.from_numpy(np.delete(np.arange(batch.tokens), np.cumsum(batch.lengths) - 1)).to(condition.device)
        x = self.with_pads(F.embedding(batch.targets[history], self.item_embedding.weight), layout.prefix)
        clean = torch.cat([condition[history], condition[batch.tokens :]])
        h = self.denoiser_input(clean, x, torch.zeros(len(x), dtype=torch.long, device=x.device))
        # the frame is one shorter as well, so that the number of pads is the same
        return KeyValueCache(self.denoiser, h, Layout(layout.lengths - 1, layout.prefix, layout.frame - 1, layout.device), copies)
