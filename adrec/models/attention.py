"""Causal attention on packed tokens, and how padding enters it.

The official code pads histories on the left and never masks the pads. All pads of one position carry the same vector
whoever the user is, so they are computed once, as *prefix* rows behind the N valid tokens:

- without positions all pads are equal: one prefix row, whose attention logit is raised by log(number of pads);
- with positions a user with n pads attends to the first n of L prefix rows;
- ``padding="masked"`` has no prefix at all: the clean alternative, with other numbers than the official code.

Prefix rows never receive dropout (docs/DECISIONS.md says why).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from adrec.data.batches import PackedBatch
from adrec.models.rng import RandomSource

PADDINGS = ("sink", "masked")


@dataclass(frozen=True)
class Layout:
    """Where the tokens of U packed sequences lie: rows 0 to ``tokens``, then ``prefix`` rows of pads.

    For attention each sequence gets S slots: first the pads that some sequence sees, then its tokens from the left, so
    that the causal mask also hides what a shorter sequence leaves empty. lengths: (U,); frame: the padded length L.
    """

    lengths: np.ndarray
    prefix: int
    frame: int
    device: torch.device

    @classmethod
    def of(cls, batch: PackedBatch, padding: str, positions: bool = False) -> "Layout":
        """The layout of a batch in a model with these settings, which decide how many rows the pads need."""
        prefix = 0 if padding == "masked" else batch.frame if positions else 1
        return cls(batch.lengths, prefix, batch.frame, batch.items.device)

    @cached_property
    def tokens(self) -> int:
        return int(self.lengths.sum())

    @property
    def users(self) -> int:
        return len(self.lengths)

    @cached_property
    def longest(self) -> int:
        return int(self.lengths.max(initial=0))

    @cached_property
    def pads(self) -> int:
        """How many prefix rows the sequence with the most pads sees."""
        return min(self.prefix, self.frame - int(self.lengths.min(initial=self.frame)))

    @property
    def slots(self) -> int:
        return self.pads + self.longest

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Each token's sequence and its place in it, (N,) each."""
        user = np.repeat(np.arange(self.users), self.lengths)
        return user, np.arange(self.tokens) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def spread(self, heads: int) -> Tensor:
        """Where each slot of (3, U, H, S) comes from among the 3 H pieces of every row; an empty slot from row 0."""
        rows = np.zeros((self.users, self.slots), dtype=np.int64)
        user, place = self._places
        rows[:, : self.pads] = self.tokens + np.arange(self.pads)
        rows[user, self.pads + place] = np.arange(self.tokens)
        piece = np.arange(3 * heads).reshape(3, 1, heads, 1)
        return self._tensor((rows[None, :, None] * (3 * heads) + piece).ravel())

    def gather(self, heads: int) -> Tensor:
        """Where each of the 3 H pieces of every token lies in (3, U, H, S), (N * 3 * H,)."""
        user, place = self._places
        piece, head = np.arange(3).reshape(1, 3, 1), np.arange(heads)
        slot = (self.pads + place).reshape(-1, 1, 1)
        return self._tensor((((piece * self.users + user.reshape(-1, 1, 1)) * heads + head) * self.slots + slot).ravel())

    def collect(self, heads: int) -> Tensor:
        """Where each of the H pieces of every token lies in (U, H, longest), (N * H,)."""
        user, place = self._places
        return self._tensor(((user[:, None] * heads + np.arange(heads)) * self.longest + place[:, None]).ravel())

    @cached_property
    def indices(self) -> dict[int, tuple[Tensor, Tensor, Tensor]]:
        """``spread``, ``gather`` and ``collect`` by number of heads, once they were asked for."""
        return {}

    def index(self, heads: int) -> tuple[Tensor, Tensor, Tensor]:
        """``spread``, ``gather`` and ``collect``, made once."""
        if heads not in self.indices:
            self.indices[heads] = self.spread(heads), self.gather(heads), self.collect(heads)
        return self.indices[heads]

    @cached_property
    def bias(self) -> Tensor:
        """What is added to the logits, (U, 1, longest, S): -inf where a query does not see a slot, log(pads) at the sink."""
        bias = torch.full((self.users, 1, self.longest, self.slots), 0.0, device=self.device)
        bias[..., self.pads :] = torch.full((self.longest, self.longest), -math.inf, device=self.device).triu_(1)
        bias[..., : self.pads] = self.pad_bias.view(self.users, 1, 1, self.pads)
        return bias

    @cached_property
    def pad_bias(self) -> Tensor:
        """The part of the bias at the pads' slots, (U, pads)."""
        n = self.frame - self.lengths
        if self.prefix == 1:
            with np.errstate(divide="ignore"):
                bias = np.log(n[:, None] * np.ones(self.pads))
        else:
            bias = np.where(np.arange(self.pads) < n[:, None], 0.0, -np.inf)
        return self._tensor(bias.astype(np.float32))


def with_pads(rows: Tensor, table: Tensor, prefix: int) -> Tensor:
    """Append the pads' rows: row 0 of the item table, which learns only through the softmax, not by being looked up."""
    return torch.cat([rows, table[:1].detach().expand(prefix, -1)])


def looked_up(batch: PackedBatch, layout: Layout, table: Tensor, positions: Tensor | None = None) -> Tensor:
    """The history's rows of the item table and the pads' rows, (N + P, D). positions: (L, D), each place's own row, added."""
    rows = with_pads(F.embedding(batch.items, table), table, layout.prefix)
    return rows if positions is None else rows + torch.cat([F.embedding(batch.positions, positions), positions[: layout.prefix]])


class _PackedAttention(torch.autograd.Function):
    """Spread to slots, softmax(q k^T / sqrt(dh) + bias), dropout, mix, collect; as one function so that gradients are written
    where they belong instead of being summed from zero-filled pieces."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, mask: Tensor | None, layout: Layout, heads: int) -> Tensor:
        n, pads, users = layout.tokens, layout.pads, layout.users
        width = qkv.shape[1] // (3 * heads)
        spread, _, collect = layout.index(heads)
        slots = qkv.view(-1, width).index_select(0, spread).view(3, users * heads, layout.slots, width)
        q, k, v = slots[0, :, pads:], slots[1], slots[2]
        weights = torch.baddbmm(q.new_empty(1), q, k.transpose(1, 2), beta=0, alpha=1 / math.sqrt(width))
        weights.view(users, heads, layout.longest, layout.slots).add_(layout.bias)
        weights = weights.softmax(-1)
        mixed = torch.bmm(weights if mask is None else weights * mask, v)
        out = qkv.new_empty(len(qkv), heads * width)
        out[:n] = mixed.view(-1, width).index_select(0, collect).view(n, heads * width)
        out[n:] = _mean_of_pads(qkv[n:, 2 * heads * width :])
        ctx.layout, ctx.heads = layout, heads
        ctx.save_for_backward(slots, weights, mask)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        slots, weights, mask = ctx.saved_tensors
        layout, heads = ctx.layout, ctx.heads
        n, pads, users = layout.tokens, layout.pads, layout.users
        width = slots.shape[-1]
        _, gather, collect = layout.index(heads)
        q, k, v = slots[0, :, pads:], slots[1], slots[2]
        of_mixed = gradient.new_zeros(users * heads * layout.longest, width)
        of_mixed = of_mixed.index_copy_(0, collect, gradient[:n].reshape(-1, width)).view(users * heads, layout.longest, width)
        of_slots = torch.empty_like(slots)
        torch.bmm((weights if mask is None else weights * mask).transpose(1, 2), of_mixed, out=of_slots[2])
        of_weights = torch.bmm(of_mixed, v.transpose(1, 2))
        if mask is not None:
            of_weights.mul_(mask)
        of_logits = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_slots[0, :, pads:] = torch.baddbmm(q.new_empty(1), of_logits, k, beta=0, alpha=1 / math.sqrt(width))
        torch.baddbmm(of_slots[1], of_logits.transpose(1, 2), q, beta=0, alpha=1 / math.sqrt(width), out=of_slots[1])
        out = gradient.new_empty(len(gradient), 3 * heads * width)
        out[:n] = of_slots.view(-1, width).index_select(0, gather).view(n, 3 * heads * width)
        out[n:] = 0
        if len(out) > n:
            keys_and_values = of_slots[1:].view(2, users, heads, layout.slots, width)[..., :pads, :].sum(1)  # (2, H, pads, dh)
            out[n : n + pads, heads * width :] = keys_and_values.permute(2, 0, 1, 3).flatten(1)
            counts = torch.arange(1, len(out) - n + 1, dtype=out.dtype, device=out.device).unsqueeze(-1)
            out[n:, 2 * heads * width :] += (gradient[n:] / counts).flip(0).cumsum(0).flip(0)
        return out, None, None, None


def _mean_of_pads(v: Tensor) -> Tensor:
    """A pad attends uniformly to the pads up to itself: the official code gives a padded query equal logits. v: (P, D)."""
    return v.cumsum(0) / torch.arange(1, len(v) + 1, dtype=v.dtype, device=v.device).unsqueeze(-1)


def packed_attention(qkv: Tensor, layout: Layout, heads: int, p: float = 0.0, rng: RandomSource | None = None) -> Tensor:
    """Causal attention within each sequence and onto the pads before it; dropout with probability p on the weights of tokens.

    qkv: (N + P, 3 D), query, key and value of all heads one after the other. Returns (N + P, D).
    """
    mask = None
    if rng is not None and p > 0:
        mask = rng.keep((layout.users * heads, layout.longest, layout.slots), p)
        mask[..., : layout.pads] = 1
    return _PackedAttention.apply(qkv, mask, layout, heads)
