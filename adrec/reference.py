"""The method written plainly on padded tensors, as the paper's equations read: slow, obvious, and what the packed code must equal.

It takes a packed model's parameters and computes with (B, L, D) tensors, every pad included, no caches, no groups. The tests compare
with it, and it is the benchmark's baseline, because the official code computes this way. Dropout, where a rate is given, is torch's,
from torch's global random state, on pads as well.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from adrec.data.batches import PackedBatch
from adrec.models import ADRec, Model, SASRec
from adrec.models.adrec import MLPDenoiser
from adrec.models.base import time_features
from adrec.models.blocks import Block, CausalTransformer


class Rates(NamedTuple):
    """Dropout: of the looked-up histories; of attention weights, inside ff and of each sublayer's output."""

    embedding: float = 0.0
    blocks: float = 0.0


NO_DROPOUT = Rates()


def padded(batch: PackedBatch) -> tuple[Tensor, Tensor]:
    """The batch's histories and targets as the official code lays them out: (B, L) each, zeros on the left."""
    seq, tgt = (torch.zeros(len(batch.lengths), batch.frame, dtype=torch.long) for _ in range(2))
    real = torch.arange(batch.frame) >= batch.frame - torch.from_numpy(batch.lengths).unsqueeze(1)
    seq[real], tgt[real] = batch.items, batch.targets
    return seq, tgt


def attention(block: Block, h: Tensor, real: Tensor, padding: str, p: float = 0.0) -> Tensor:
    """h: (B, L, D), real: (B, L). Keys are never masked for "sink"; a padded query attends uniformly to what is before it."""
    batch, length, width = h.shape
    heads = block.heads
    q, k, v = (x.view(batch, length, heads, -1).transpose(1, 2) for x in F.linear(h, block.qkv.weight, block.qkv.bias).chunk(3, -1))
    logits = q @ k.transpose(-1, -2) / math.sqrt(width // heads)
    logits = torch.where(real[:, None, :, None], logits, torch.zeros(()))
    if padding == "masked":
        logits = logits.masked_fill(real[:, None, :, None] & ~real[:, None, None, :], -math.inf)
    logits = logits.masked_fill(torch.ones(length, length, dtype=torch.bool).triu(1), -math.inf)
    return (F.dropout(logits.softmax(-1), p) @ v).transpose(1, 2).reshape(batch, length, width)


def transformer(stack: CausalTransformer, h: Tensor, real: Tensor, padding: str, p: float = 0.0) -> Tensor:
    """h: (B, L, D) -> (B, L, D), every position computed. p: dropout."""
    for block in stack.blocks:
        assert isinstance(block, Block)
        h = block.attention_norm(h + F.dropout(block.out(attention(block, h, real, padding, p)), p))
        inner = F.dropout(F.gelu(block.wide(h), approximate="tanh"), p)
        h = block.ff_norm(h + F.dropout(block.narrow(inner), p))
    return h


def embed(weight: Tensor, ids: Tensor) -> Tensor:
    """Look up rows; row 0 is a padding index and gets no gradient from being looked up."""
    return F.embedding(ids, weight, padding_idx=0)


def sasrec(model: SASRec, seq: Tensor, rates: Rates = NO_DROPOUT) -> Tensor:
    """(B, L) left-padded ids -> (B, L, D)."""
    h = embed(model.item_embedding.weight, seq)
    if model.config.positions:
        h = h + model.position_embedding.weight
    h = F.dropout(model.norm(h), rates.embedding)
    return transformer(model.encoder, h, seq > 0, model.config.padding, rates.blocks)


def condition(model: ADRec, seq: Tensor, rates: Rates = NO_DROPOUT) -> Tensor:
    """(B, L) left-padded ids -> the condition c, (B, L, D)."""
    h = model.hist_norm(F.dropout(embed(model.item_embedding.weight, seq), rates.embedding))
    return transformer(model.encoder, h, seq > 0, model.config.padding, rates.blocks)


def denoise(model: ADRec, c: Tensor, x: Tensor, t: Tensor, real: Tensor, p: float = 0.0) -> Tensor:
    """c, x: (B, L, D), t, real: (B, L)."""
    time = model.time_embed(time_features(t.flatten(), model.config.timesteps, c.shape[-1])).view(x.shape)
    h = c + model.config.noise_weight * (x + time)
    if isinstance(model.denoiser, MLPDenoiser):
        return model.denoiser(h)
    assert isinstance(model.denoiser, CausalTransformer)
    return transformer(model.denoiser, h, real, model.config.padding, p)


def adrec(model: ADRec, seq: Tensor, tgt: Tensor, t: Tensor, eps: Tensor, rates: Rates = NO_DROPOUT) -> tuple[Tensor, Tensor]:
    """(x0_hat, x_0), each (B, L, D); t: (B, L), eps: (B, L, D), both without meaning at pads."""
    real = seq > 0
    x_0 = embed(model.item_embedding.weight, tgt)
    level = model.alpha_bar[t].unsqueeze(-1)
    x_t = torch.where(real.unsqueeze(-1), level.sqrt().float() * x_0 + (1 - level).sqrt().float() * eps, x_0)
    return denoise(model, condition(model, seq, rates), x_t, torch.where(real, t, 0), real, rates.blocks), x_0


def losses(model: ADRec, seq: Tensor, tgt: Tensor, t: Tensor, eps: Tensor, rates: Rates = NO_DROPOUT) -> list[Tensor]:
    """Cross-entropy over the full catalogue, mean over valid tokens; squared error, mean over D, each user's tokens, users."""
    real = seq > 0
    x0_hat, x_0 = adrec(model, seq, tgt, t, eps, rates)
    ce = F.cross_entropy(x0_hat[real] @ model.item_embedding.weight.T, tgt[real])
    error = (x0_hat - x_0).square().mean(-1) * real
    return [ce, (error.sum(1) / real.sum(1)).mean()]


def sasrec_losses(model: SASRec, seq: Tensor, tgt: Tensor, rates: Rates = NO_DROPOUT) -> list[Tensor]:
    """Cross-entropy of the next item, mean over valid tokens."""
    real = seq > 0
    return [F.cross_entropy(sasrec(model, seq, rates)[real] @ model.item_embedding.weight.T, tgt[real])]


def train_step(model: Model, optimizer: torch.optim.Optimizer, seq: Tensor, tgt: Tensor, rates: Rates, generator: torch.Generator) -> None:
    """One optimiser step on a padded batch: forward, one backward pass of the losses' mean, update."""
    if isinstance(model, ADRec):
        t = torch.randint(model.config.timesteps, seq.shape, generator=generator)
        eps = torch.randn(*seq.shape, model.config.hidden_size, generator=generator)
        found = losses(model, seq, tgt, t, eps, rates)
    else:
        assert isinstance(model, SASRec)
        found = sasrec_losses(model, seq, tgt, rates)
    optimizer.zero_grad()
    torch.stack(found).mean().backward()
    optimizer.step()


@torch.no_grad()
def reverse(model: ADRec, seq: Tensor, tgt: Tensor, x_start: Tensor, step_noise: Tensor, steps: int | None = None) -> Tensor:
    """The plain sampler: at every step the whole padded sequence runs through the denoiser. x_start: (B, D) -> (B, D)."""
    diffusion = model.diffusion.strided(steps or model.config.timesteps)
    c, x = condition(model, seq), embed(model.item_embedding.weight, tgt)
    current = x_start
    for i, step in enumerate(reversed(range(len(diffusion.timesteps)))):
        x = torch.cat([x[:, :-1], current[:, None]], 1)
        t = torch.zeros(seq.shape, dtype=torch.long)
        t[:, -1] = int(diffusion.timesteps[step])
        x0_hat = denoise(model, c, x, t, seq > 0)[:, -1]
        of_x0, of_xt = diffusion.posterior_coefficients
        current = of_x0[step] * x0_hat + of_xt[step] * current
        if step > 0:
            current = current + diffusion.posterior_std[step] * step_noise[i]
        current = current.float()
    return current
