"""The causal Transformer block on packed tokens, its settings, and its cache of keys and values for the reverse process."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from adrec.config import FRACTION, ModelConfig, require, require_integers, require_words, setting
from adrec.models.attention import PADDINGS, Layout, packed_attention
from adrec.models.fused import gelu
from adrec.models.rng import RandomSource


@dataclass(frozen=True)
class TransformerConfig(ModelConfig):
    """hidden_size: the width D; padding: how pads enter attention (`adrec.models.attention`); embedding_dropout: of the history."""

    hidden_size: int = setting(128, "Width D", "How many numbers describe an item.", (32, 64, 128, 256))
    heads: int = 4
    blocks: int = 2
    padding: str = "sink"
    dropout: float = 0.1
    embedding_dropout: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integers(self, {"hidden_size": (2, 4096), "heads": (1, 4096), "blocks": (1, 64)})
        require(self.hidden_size % self.heads == 0, "heads", self.heads, f"a divisor of hidden_size = {self.hidden_size}")
        for field in ("dropout", "embedding_dropout"):
            require(0 <= getattr(self, field) < 1, field, getattr(self, field), FRACTION)
        require_words(self, {"padding": PADDINGS})


def keep_mask(x: Tensor, p: float, rng: RandomSource | None, tokens: int | None = None) -> Tensor | None:
    """The inverted-dropout mask of ``x``, of 1 behind the first ``tokens`` rows; None without ``rng``."""
    if rng is None or p == 0:
        return None
    mask = rng.keep(x.shape, p)
    if tokens is not None:
        mask[tokens:] = 1
    return mask


def dropout(x: Tensor, p: float, rng: RandomSource | None, tokens: int | None = None) -> Tensor:
    """Inverted dropout on the first ``tokens`` rows (default: all); none without ``rng``."""
    mask = keep_mask(x, p, rng, tokens)
    return x if mask is None else x * mask


class Block(nn.Module):
    """Post-norm block: h = LN(h + attention(h)), then h = LN(h + ff(h)); ff with tanh-GELU, four times as wide."""

    def __init__(self, hidden_size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.p = heads, dropout
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)
        self.out = nn.Linear(hidden_size, hidden_size)
        self.attention_norm = nn.LayerNorm(hidden_size, eps=1e-12)
        self.wide = nn.Linear(hidden_size, 4 * hidden_size)
        self.narrow = nn.Linear(4 * hidden_size, hidden_size)
        self.ff_norm = nn.LayerNorm(hidden_size, eps=1e-12)

    def after_attention(self, h: Tensor, mixed: Tensor, rng: RandomSource | None = None, tokens: int | None = None) -> Tensor:
        """Everything behind the attention. h, mixed: (M, D), mixed the attention's output."""
        h = self.attention_norm(self._added(self.out(mixed), h, rng, tokens))
        inner = self.wide(h)
        inner = gelu(inner, keep_mask(inner, self.p, rng, tokens))
        return self.ff_norm(self._added(self.narrow(inner), h, rng, tokens))

    def _added(self, x: Tensor, h: Tensor, rng: RandomSource | None, tokens: int | None) -> Tensor:
        """h + dropout(x), written over ``x``: a new tensor would cost more than the sum."""
        mask = keep_mask(x, self.p, rng, tokens)
        return x.add_(h) if mask is None else x.mul_(mask).add_(h)

    def forward(self, h: Tensor, layout: Layout, rng: RandomSource | None = None) -> Tensor:
        """h: (N + P, D) -> (N + P, D)."""
        mixed = packed_attention(self.qkv(h), layout, self.heads, self.p, rng)
        return self.after_attention(h, mixed, rng, layout.tokens)


class CausalTransformer(nn.Module):
    """A stack of blocks on packed tokens."""

    def __init__(self, blocks: int, hidden_size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(hidden_size, heads, dropout) for _ in range(blocks))

    def forward(self, h: Tensor, layout: Layout, rng: RandomSource | None = None) -> Tensor:
        """h: (N + P, D) -> (N + P, D)."""
        for block in self.blocks:
            h = block(h, layout, rng)
        return h


class KeyValueCache:
    """Keys and values of clean history tokens in every block, so that only the last token is left to compute.

    Causality keeps them constant over the reverse process. Slots: the pads' rows and the history; the last token itself is apart.
    """

    def __init__(self, net: CausalTransformer, h: Tensor, layout: Layout, copies: int = 1) -> None:
        """h: (N + P, D) the stack's input for each user's tokens before the last one (a user may have none)."""
        self.net, self.copies = net, copies
        empty = torch.arange(layout.longest, device=h.device) >= torch.from_numpy(layout.lengths).to(h.device).unsqueeze(1)
        of_history = torch.zeros(empty.shape, device=h.device).masked_fill_(empty, -math.inf)
        self.bias = torch.cat([layout.pad_bias, of_history], 1)[:, None, None]  # (U, 1, 1, S)
        self.slots: list[Tensor] = []  # keys and values of a block, (2, U, H, S, dh)
        for i, block in enumerate(net.blocks):
            qkv, heads = block.qkv(h), block.heads  # type: ignore[operator]
            spread = layout.index(heads)[0].view(3, -1)[1:].flatten()  # type: ignore[arg-type]
            shape = (2, layout.users, heads, layout.slots, h.shape[1] // heads)  # type: ignore[operator]
            self.slots.append(qkv.view(-1, shape[-1]).index_select(0, spread).view(shape))
            if i + 1 < len(net.blocks):
                h = block.after_attention(h, packed_attention(qkv, layout, heads))  # type: ignore[operator, arg-type]

    def last_token(self, h: Tensor) -> Tensor:
        """The stack's output for the last token of each copy of each user. h: (U * copies, D), user by user, and so is the result."""
        for block, (keys, values) in zip(self.net.blocks, self.slots, strict=True):
            q, k, v = block.qkv(h).view(len(keys), self.copies, 3, *keys.shape[1::2]).permute(2, 0, 3, 1, 4)  # type: ignore[operator]
            q = q / math.sqrt(q.shape[-1])
            weights = torch.cat([self._scores(q, keys) + self.bias, (q * k).sum(-1, keepdim=True)], -1).softmax(-1)
            mixed = self._mixed(weights[..., :-1], values) + weights[..., -1:] * v
            h = block.after_attention(h, mixed.transpose(1, 2).reshape(h.shape))  # type: ignore[operator]
        return h

    # With one query a user, batched matrix products cost more per call than per number: sums of products are faster.

    def _scores(self, q: Tensor, keys: Tensor) -> Tensor:
        """Inner products. q: (U, H, copies, dh), keys: (U, H, S, dh) -> (U, H, copies, S)."""
        return (q * keys).sum(-1).unsqueeze(2) if self.copies == 1 else q @ keys.transpose(2, 3)

    def _mixed(self, weights: Tensor, values: Tensor) -> Tensor:
        """Weighted sums. weights: (U, H, copies, S), values: (U, H, S, dh) -> (U, H, copies, dh)."""
        return (weights.transpose(2, 3) * values).sum(2, keepdim=True) if self.copies == 1 else weights @ values
