"""ADRec (KDD 2025, arXiv 2505.19544): a causal encoder reads the history, a denoiser restores each noised target."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.config import ModelConfig
from adrec.data.batches import PackedBatch
from adrec.diffusion import Diffusion, q_sample
from adrec.losses import next_item_loss, token_error
from adrec.models.attention import Layout, prefix_rows
from adrec.models.blocks import CausalTransformer, KeyValueCache, dropout
from adrec.models.noise import Noise


def time_features(t: Tensor, timesteps: int, width: int) -> Tensor:
    """Sinusoidal features of timesteps, rescaled to 0..1000: t (N,) -> (N, width), cosines first (METHOD, 4)."""
    rates = torch.exp(torch.arange(width // 2, dtype=torch.float32) * (-math.log(10000.0) / (width // 2)))
    angles = (t.float() * (1000.0 / timesteps)).unsqueeze(-1) * rates
    return torch.cat([angles.cos(), angles.sin()], -1)


class MLPDenoiser(nn.Module):
    """The paper's smaller denoiser: each token on its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide, self.narrow, self.norm = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.LayerNorm(width)

    def forward(self, h: Tensor) -> Tensor:
        return self.norm(self.narrow(F.silu(self.wide(h))))


class ADRec(nn.Module):
    """config.noise_weight is lambda, how much of the noised token reaches the denoiser.

    Dropout is active in a forward pass exactly where a generator ``noise`` is passed; there is no train/eval switch.
    """

    loss_names = ("ce", "mse")
    alpha_bar: Tensor
    time_table: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.item_embedding = nn.Embedding(config.n_items + 1, width)
        self.hist_norm = nn.LayerNorm(width, eps=1e-12)
        self.encoder = CausalTransformer(config.blocks, width, config.heads, config.dropout)
        self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))
        self.denoiser: nn.Module = (
            CausalTransformer(config.blocks, width, config.heads, config.dropout)
            if config.denoiser == "transformer"
            else MLPDenoiser(width)
        )
        self.diffusion = Diffusion.from_schedule(config.schedule, config.timesteps)
        self.register_buffer("alpha_bar", torch.from_numpy(self.diffusion.alpha_bar), persistent=False)
        self.register_buffer("time_table", time_features(torch.arange(config.timesteps), config.timesteps, width), persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Weights of the blocks Xavier-normal, the rest as torch does by default; drawn from ``generator``."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                bound = 1 / math.sqrt(module.in_features)
                module.weight.data.uniform_(-bound, bound, generator=generator)
                module.bias.data.uniform_(-bound, bound, generator=generator)
        for stack in (self.encoder, self.denoiser):
            for block in getattr(stack, "blocks", ()):
                for weight in (*block.qkv.weight.data.chunk(3), block.out.weight.data, block.wide.weight.data, block.narrow.weight.data):
                    nn.init.xavier_normal_(weight, generator=generator)
        self.item_embedding.weight.data.normal_(0, 0.1, generator=generator)

    # -- the parts ------------------------------------------------------------------------------------------------

    def layout(self, batch: PackedBatch) -> Layout:
        """Where the batch's tokens and its pads' rows lie; made once for the encoder and the denoiser."""
        return Layout.of(batch, prefix_rows(self.config.padding, False, batch.frame))

    def _with_pads(self, rows: Tensor, prefix: int) -> Tensor:
        """Append the pads' rows: E[0], which learns only through the softmax, not by being looked up."""
        return torch.cat([rows, self.item_embedding.weight[:1].detach().expand(prefix, -1)])

    def encode(self, batch: PackedBatch, layout: Layout | None = None, noise: Noise | None = None) -> Tensor:
        """The condition c of every token, followed by the pads' rows: (N + P, D). layout: the batch's, if it is at hand."""
        layout = layout or self.layout(batch)
        h = self._with_pads(F.embedding(batch.items, self.item_embedding.weight), layout.prefix)
        h = self.hist_norm(dropout(h, self.config.embedding_dropout, noise, layout.tokens))
        return self.encoder(h, layout, noise)

    def denoiser_input(self, condition: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """c + lambda (x_t + time(t)). condition, x: (M, D), t: (M,)."""
        return condition + self.config.noise_weight * (x + self.time_embed(self.time_table)[t])

    def denoise(self, condition: Tensor, x: Tensor, t: Tensor, layout: Layout, noise: Noise | None = None) -> Tensor:
        """x0_hat of every token. condition: (N + P, D), x: (N, D), t: (N,) -> (N, D). Pads enter clean, at t = 0."""
        h = self.denoiser_input(condition, self._with_pads(x, layout.prefix), F.pad(t, (0, layout.prefix)))
        if isinstance(self.denoiser, MLPDenoiser):
            return self.denoiser(h[: layout.tokens])
        return self.denoiser(h, layout, noise)[: layout.tokens]

    # -- training -------------------------------------------------------------------------------------------------

    def forward(self, batch: PackedBatch, t: Tensor, eps: Tensor, noise: Noise | None = None) -> tuple[Tensor, Tensor]:
        """(x0_hat, x_0), both (N, D), for one timestep t (N,) and one noise eps (N, D) a token."""
        layout = self.layout(batch)
        x_0 = F.embedding(batch.targets, self.item_embedding.weight)
        x_t = q_sample(x_0, t, eps, self.alpha_bar)
        return self.denoise(self.encode(batch, layout, noise), x_t, t, layout, noise), x_0

    def losses(self, batch: PackedBatch, noise: Noise) -> dict[str, Tensor]:
        """The two losses whose mean is minimised, timesteps, noise and dropout drawn from ``noise``."""
        t = noise.timesteps(self.config.timesteps, batch.tokens)
        x0_hat, x_0 = self(batch, t, noise.normal(batch.tokens, self.config.hidden_size), noise)
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

    def _history_cache(self, batch: PackedBatch, condition: Tensor, layout: Layout, copies: int) -> KeyValueCache:
        assert isinstance(self.denoiser, CausalTransformer)
        history = torch.from_numpy(np.delete(np.arange(batch.tokens), np.cumsum(batch.lengths) - 1)).to(condition.device)
        x = self._with_pads(F.embedding(batch.targets[history], self.item_embedding.weight), layout.prefix)
        clean = torch.cat([condition[history], condition[batch.tokens :]])
        h = self.denoiser_input(clean, x, torch.zeros(len(x), dtype=torch.long, device=x.device))
        # the frame is one shorter as well, so that the number of pads is the same
        return KeyValueCache(self.denoiser, h, Layout(layout.lengths - 1, layout.prefix, layout.frame - 1, layout.device), copies)
