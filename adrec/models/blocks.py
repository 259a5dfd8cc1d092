"""The causal Transformer block on packed tokens, and how padding enters it.

The official code pads histories on the left and never masks the pads. All pads of one position carry the same vector
whoever the user is, so they are computed once, as *prefix* rows behind the N valid tokens:

- without positions all pads are equal: one prefix row, whose attention logit is raised by log(number of pads);
- with positions a user with n pads attends to the first n of L prefix rows;
- ``padding="masked"`` has no prefix at all: the clean alternative, with other numbers than the official code.

Prefix rows never receive dropout (docs/DECISIONS.md says why).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrec.data.batches import Group, PackedBatch


@dataclass(frozen=True)
class Layout:
    """Where the tokens of a packed batch lie. Rows ``tokens`` to ``tokens + prefix`` are the pads' rows."""

    tokens: int
    prefix: int
    groups: list[Group]
    frame: int

    @classmethod
    def of(cls, batch: PackedBatch, prefix: int) -> "Layout":
        return cls(batch.tokens, prefix, batch.groups, batch.frame)


def prefix_rows(padding: str, positions: bool, frame: int) -> int:
    """How many rows the pads need."""
    return 0 if padding == "masked" else frame if positions else 1


def dropout(x: Tensor, p: float, noise: np.random.Generator | None, tokens: int | None = None) -> Tensor:
    """Inverted dropout on the first ``tokens`` rows (default: all), drawn from ``noise``; none without a generator.

    16 random bits decide on an element, so p is rounded to a multiple of 2^-16, and kept values are scaled to match.
    """
    if noise is None or p == 0:
        return x
    dropped = round(p * 2**16)
    bits = noise.integers(0, 2**64, size=-(-x.numel() // 4), dtype=np.uint64).view(np.int16)[: x.numel()]
    mask = torch.from_numpy(bits).view(x.shape).ge(dropped - 2**15).to(x.dtype).mul_(1 / (1 - dropped / 2**16))
    if tokens is not None:
        mask[tokens:] = 1
    return x * mask


def packed_attention(q: Tensor, k: Tensor, v: Tensor, layout: Layout, p: float, noise: np.random.Generator | None) -> Tensor:
    """Causal attention within each sequence and onto the pads before it.

    q, k, v: (N + P, H, dh). Returns (N + P, H, dh).
    """
    n, heads = layout.tokens, q.shape[1]
    q = q / math.sqrt(q.shape[-1])
    sizes = [group.users * group.length for group in layout.groups]
    queries, keys, values = (x[:n].split(sizes) for x in (q, k, v))
    pad_logits = torch.einsum("nhd,phd->nhp", q[:n], k[n:]).split(sizes)
    mixed, onto_pads = [], []
    for i, group in enumerate(layout.groups):
        shape, pads = (group.users, group.length, heads, -1 if sizes[i] else q.shape[-1]), group_pads(layout, group)
        qg, kg, vg = (x[i].view(shape).transpose(1, 2) for x in (queries, keys, values))
        future = torch.full((group.length, group.length), -math.inf, dtype=q.dtype, device=q.device).triu_(1)
        sinks = pad_logits[i][..., :pads].reshape(*shape[:3], pads).transpose(1, 2)
        if layout.prefix == 1 and pads:
            sinks = sinks + math.log(layout.frame - group.length)
        weights = torch.cat([sinks, qg @ kg.transpose(-1, -2) + future], -1).softmax(-1)
        onto_tokens = dropout(weights[..., pads:], p, noise)
        mixed.append((onto_tokens @ vg).transpose(1, 2).reshape(sizes[i], heads, q.shape[-1]))
        onto_pads.append(F.pad(weights[..., :pads].transpose(1, 2).reshape(sizes[i], heads, pads), (0, layout.prefix - pads)))
    out = torch.cat(mixed) if mixed else q[:0]
    if not layout.prefix:
        return out
    if mixed:
        out = out + torch.einsum("nhp,phd->nhd", torch.cat(onto_pads), v[n:])
    return torch.cat([out, _prefix_attention(v[n:])])


def group_pads(layout: Layout, group: Group) -> int:
    """How many prefix rows the users of this group see."""
    return min(layout.prefix, layout.frame - group.length)


def _prefix_attention(v: Tensor) -> Tensor:
    """A pad attends uniformly to the pads up to itself: the official code gives a padded query equal logits. v: (P, H, dh)."""
    return v.cumsum(0) / torch.arange(1, len(v) + 1, dtype=v.dtype, device=v.device).view(-1, 1, 1)


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

    def split_heads(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of h (..., D), each (..., H, dh)."""
        q, k, v = self.qkv(h).unflatten(-1, (3, self.heads, -1)).unbind(-3)
        return q, k, v

    def after_attention(self, h: Tensor, mixed: Tensor, noise: np.random.Generator | None = None, tokens: int | None = None) -> Tensor:
        """Everything behind the attention. h: (..., D), mixed: (..., H, dh) the attention's output."""
        h = self.attention_norm(h + dropout(self.out(mixed.flatten(-2)), self.p, noise, tokens))
        inner = dropout(F.gelu(self.wide(h), approximate="tanh"), self.p, noise, tokens)
        return self.ff_norm(h + dropout(self.narrow(inner), self.p, noise, tokens))

    def forward(self, h: Tensor, layout: Layout, noise: np.random.Generator | None = None) -> Tensor:
        """h: (N + P, D) -> (N + P, D)."""
        q, k, v = self.split_heads(h)
        return self.after_attention(h, packed_attention(q, k, v, layout, self.p, noise), noise, layout.tokens)


class CausalTransformer(nn.Module):
    """A stack of blocks on packed tokens."""

    def __init__(self, blocks: int, hidden_size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(hidden_size, heads, dropout) for _ in range(blocks))

    def forward(self, h: Tensor, layout: Layout, noise: np.random.Generator | None = None) -> Tensor:
        """h: (N + P, D) -> (N + P, D)."""
        for block in self.blocks:
            h = block(h, layout, noise)
        return h


class KeyValueCache:
    """Keys and values of clean history tokens in every block, so that only the last token is left to compute.

    Causality keeps them constant over the reverse process. Slots: the pads' rows, the history, and one for the token itself.
    """

    def __init__(self, net: CausalTransformer, h: Tensor, layout: Layout, copies: int = 1) -> None:
        """h: (N + P, D) the stack's input for each user's tokens before the last one (groups may have length 0)."""
        users = sum(g.users for g in layout.groups)
        slots = layout.prefix + max((g.length for g in layout.groups), default=0) + 1
        self.net = net
        self.bias = torch.full((users, 1, 1, slots), -math.inf, dtype=h.dtype)
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self._fill_bias(layout)
        for i, block in enumerate(net.blocks):
            q, k, v = block.split_heads(h)  # type: ignore[operator]
            self.keys.append(self._slots(k, layout, users, slots))
            self.values.append(self._slots(v, layout, users, slots))
            if i + 1 < len(net.blocks):
                h = block.after_attention(h, packed_attention(q, k, v, _behind_last(layout), 0.0, None))  # type: ignore[operator]
        if copies > 1:
            self.bias = self.bias.repeat_interleave(copies, 0)
            self.keys = [k.repeat_interleave(copies, 0) for k in self.keys]
            self.values = [v.repeat_interleave(copies, 0) for v in self.values]

    def _fill_bias(self, layout: Layout) -> None:
        row = 0
        for group in layout.groups:
            rows = slice(row, row := row + group.users)
            pads = group_pads(layout, Group(0, group.users, group.length + 1))
            self.bias[rows, ..., :pads] = math.log(layout.frame - group.length - 1) if layout.prefix == 1 and pads else 0.0
            self.bias[rows, ..., layout.prefix : layout.prefix + group.length] = 0.0
        self.bias[..., -1] = 0.0

    def _slots(self, x: Tensor, layout: Layout, users: int, slots: int) -> Tensor:
        """(N + P, H, dh) -> (B, H, slots, dh); the slot of the token itself is filled at each step."""
        heads, width = x.shape[1:]
        out = x.new_zeros(users, heads, slots, width)
        out[:, :, : layout.prefix] = x[layout.tokens :].transpose(0, 1)
        row = 0
        for group in layout.groups:
            rows = slice(row, row := row + group.users)
            history = x[group.start : group.stop].view(group.users, group.length, heads, width)
            out[rows, :, layout.prefix : layout.prefix + group.length] = history.transpose(1, 2)
        return out

    def last_token(self, h: Tensor) -> Tensor:
        """The stack's output for the last token. h: (B, D) -> (B, D)."""
        for block, keys, values in zip(self.net.blocks, self.keys, self.values, strict=True):
            q, k, v = block.split_heads(h)  # type: ignore[operator]
            keys[:, :, -1], values[:, :, -1] = k, v
            mixed = F.scaled_dot_product_attention(q.unsqueeze(2), keys, values, attn_mask=self.bias)
            h = block.after_attention(h, mixed.squeeze(2))  # type: ignore[operator]
        return h


def _behind_last(layout: Layout) -> Layout:
    """The layout of histories that lack their last token: the frame is one shorter, the number of pads the same."""
    return Layout(layout.tokens, layout.prefix, layout.groups, layout.frame - 1)
