"""The method written plainly on padded tensors, as the paper's equations read: slow, obvious, and what the packed code must equal.

It takes a packed model's parameters and computes with (B, L, D) tensors, every pad included, no caches, no groups.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from adrec.models import ADRec, SASRec
from adrec.models.adrec import MLPDenoiser, time_features
from adrec.models.blocks import Block, CausalTransformer


def attention(block: Block, h: Tensor, real: Tensor, padding: str) -> Tensor:
    """h: (B, L, D), real: (B, L). Keys are never masked for "sink"; a padded query attends uniformly to what is before it."""
    batch, length, width = h.shape
    heads = block.heads
    q, k, v = (x.view(batch, length, heads, -1).transpose(1, 2) for x in F.linear(h, block.qkv.weight, block.qkv.bias).chunk(3, -1))
    logits = q @ k.transpose(-1, -2) / math.sqrt(width // heads)
    logits = torch.where(real[:, None, :, None], logits, torch.zeros(()))
    if padding == "masked":
        logits = logits.masked_fill(real[:, None, :, None] & ~real[:, None, None, :], -math.inf)
    logits = logits.masked_fill(torch.ones(length, length, dtype=torch.bool).triu(1), -math.inf)
    return (logits.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width)


def transformer(stack: CausalTransformer, h: Tensor, real: Tensor, padding: str) -> Tensor:
    for block in stack.blocks:
        assert isinstance(block, Block)
        h = block.attention_norm(h + block.out(attention(block, h, real, padding)))
        h = block.ff_norm(h + block.narrow(F.gelu(block.wide(h), approximate="tanh")))
    return h


def embed(weight: Tensor, ids: Tensor) -> Tensor:
    """Look up rows; row 0 is a padding index and gets no gradient from being looked up."""
    return F.embedding(ids, weight, padding_idx=0)


def sasrec(model: SASRec, seq: Tensor) -> Tensor:
    """(B, L) left-padded ids -> (B, L, D)."""
    h = embed(model.item_embedding.weight, seq)
    if model.config.positions:
        h = h + model.position_embedding.weight
    return transformer(model.encoder, model.norm(h), seq > 0, model.config.padding)


def condition(model: ADRec, seq: Tensor) -> Tensor:
    return transformer(model.encoder, model.hist_norm(embed(model.item_embedding.weight, seq)), seq > 0, model.config.padding)


def denoise(model: ADRec, c: Tensor, x: Tensor, t: Tensor, real: Tensor) -> Tensor:
    """c, x: (B, L, D), t, real: (B, L)."""
    time = model.time_embed(time_features(t.flatten(), model.config.timesteps, c.shape[-1])).view(x.shape)
    h = c + model.config.noise_weight * (x + time)
    if isinstance(model.denoiser, MLPDenoiser):
        return model.denoiser(h)
    assert isinstance(model.denoiser, CausalTransformer)
    return transformer(model.denoiser, h, real, model.config.padding)


def adrec(model: ADRec, seq: Tensor, tgt: Tensor, t: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """(x0_hat, x_0), each (B, L, D); t: (B, L), eps: (B, L, D), both without meaning at pads."""
    real = seq > 0
    x_0 = embed(model.item_embedding.weight, tgt)
    level = model.alpha_bar[t].unsqueeze(-1)
    x_t = torch.where(real.unsqueeze(-1), level.sqrt().float() * x_0 + (1 - level).sqrt().float() * eps, x_0)
    return denoise(model, condition(model, seq), x_t, torch.where(real, t, 0), real), x_0


def losses(model: ADRec, seq: Tensor, tgt: Tensor, t: Tensor, eps: Tensor) -> list[Tensor]:
    real = seq > 0
    x0_hat, x_0 = adrec(model, seq, tgt, t, eps)
    ce = F.cross_entropy(x0_hat[real] @ model.item_embedding.weight.T, tgt[real])
    error = (x0_hat - x_0).square().mean(-1)
    per_user = torch.stack([error[u][real[u]].mean() for u in range(len(seq))])
    return [ce, per_user.mean()]


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
