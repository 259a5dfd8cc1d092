"""The causal Transformer block on packed tokens, and its cache of keys and values for the reverse process."""

import math

import torch
from torch import Tensor, nn

from adrec.models.attention import Layout, packed_attention
from adrec.models.fused import gelu
from adrec.models.noise import Noise


def keep_mask(x: Tensor, p: float, noise: Noise | None, tokens: int | None = None) -> Tensor | None:
    """The inverted-dropout mask of ``x``, of 1 behind the first ``tokens`` rows; None without noise."""
    if noise is None or p == 0:
        return None
    mask = noise.keep(x.shape, p)
    if tokens is not None:
        mask[tokens:] = 1
    return mask


def dropout(x: Tensor, p: float, noise: Noise | None, tokens: int | None = None) -> Tensor:
    """Inverted dropout on the first ``tokens`` rows (default: all); none without noise."""
    mask = keep_mask(x, p, noise, tokens)
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

    def after_attention(self, h: Tensor, mixed: Tensor, noise: Noise | None = None, tokens: int | None = None) -> Tensor:
        """Everything behind the attention. h, mixed: (M, D), mixed the attention's output."""
        h = self.attention_norm(h + dropout(self.out(mixed), self.p, noise, tokens))
        inner = self.wide(h)
        inner = gelu(inner, keep_mask(inner, self.p, noise, tokens))
        return self.ff_norm(h + dropout(self.narrow(inner), self.p, noise, tokens))

    def forward(self, h: Tensor, layout: Layout, noise: Noise | None = None) -> Tensor:
        """h: (N + P, D) -> (N + P, D)."""
        mixed = packed_attention(self.qkv(h), layout, self.heads, self.p, noise)
        return self.after_attention(h, mixed, noise, layout.tokens)


class CausalTransformer(nn.Module):
    """A stack of blocks on packed tokens."""

    def __init__(self, blocks: int, hidden_size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(hidden_size, heads, dropout) for _ in range(blocks))

    def forward(self, h: Tensor, layout: Layout, noise: Noise | None = None) -> Tensor:
        """h: (N + P, D) -> (N + P, D)."""
        for block in self.blocks:
            h = block(h, layout, noise)
        return h


class KeyValueCache:
    """Keys and values of clean history tokens in every block, so that only the last token is left to compute.

    Causality keeps them constant over the reverse process. Slots: the pads' rows, the history, and one for the token itself.
    """

    def __init__(self, net: CausalTransformer, h: Tensor, layout: Layout, copies: int = 1) -> None:
        """h: (N + P, D) the stack's input for each user's tokens before the last one (a user may have none)."""
        self.net = net
        empty = torch.arange(layout.longest, device=h.device) >= torch.from_numpy(layout.lengths).to(h.device).unsqueeze(1)
        of_history = torch.zeros(empty.shape, device=h.device).masked_fill_(empty, -math.inf)
        of_itself = of_history.new_zeros(layout.users, 1)
        self.bias = torch.cat([layout.pad_bias, of_history, of_itself], 1).unsqueeze(1).repeat_interleave(copies, 0)  # (B, 1, S + 1)
        self.slots: list[Tensor] = []  # keys and values of a block, (2, B, H, S + 1, dh)
        for i, block in enumerate(net.blocks):
            qkv = block.qkv(h)  # type: ignore[operator]
            self.slots.append(self._slots(qkv, layout, block.heads, copies))  # type: ignore[arg-type]
            if i + 1 < len(net.blocks):
                h = block.after_attention(h, packed_attention(qkv, layout, block.heads))  # type: ignore[operator, arg-type]

    def _slots(self, qkv: Tensor, layout: Layout, heads: int, copies: int) -> Tensor:
        """Keys and values of every slot; the slot of the token itself is filled at each step."""
        width = qkv.shape[1] // (3 * heads)
        spread = layout.index(heads)[0].view(3, -1)[1:].flatten()
        shape = (2, layout.users, heads, layout.slots, width)
        slots = qkv.view(-1, width).index_select(0, spread).view(shape).repeat_interleave(copies, 1)
        return torch.cat([slots, slots.new_zeros(*slots.shape[:3], 1, width)], 3)

    def last_token(self, h: Tensor) -> Tensor:
        """The stack's output for the last token. h: (B, D) -> (B, D).

        One query a user: products summed along slots beat batched matrix products, whose cost a call is larger than the work.
        """
        for block, slots in zip(self.net.blocks, self.slots, strict=True):
            q, *key_and_value = block.qkv(h).view(len(h), 3, *slots.shape[2::2]).unbind(1)  # type: ignore[operator]
            slots[..., -1, :] = torch.stack(key_and_value)
            keys, values = slots
            logits = (q.unsqueeze(2) * keys).sum(-1).mul_(1 / math.sqrt(q.shape[-1]))
            weights = logits.add_(self.bias).softmax(-1)
            h = block.after_attention(h, (weights.unsqueeze(-1) * values).sum(2).flatten(1))  # type: ignore[operator]
        return h
