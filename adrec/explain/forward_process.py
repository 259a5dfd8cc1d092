"""Figures about the forward process: what noise does to an item at every t, and which noise level each token gets."""

import numpy as np
import torch

from adrec.diffusion import Diffusion, q_sample
from adrec.errors import DataError
from adrec.explain.records import NoisedItem, Schedule

DRAWS = 200
"""Noise draws that means and shares are taken over."""


def schedule(diffusion: Diffusion) -> Schedule:
    """Signal and noise weights at every t (DDPM, eq. 4)."""
    kept = diffusion.alpha_bar
    return Schedule(np.sqrt(kept), np.sqrt(1 - kept), kept / (1 - kept))


def noised(table: np.ndarray, item: int, diffusion: Diffusion, seed: int = 0, draws: int = DRAWS) -> NoisedItem:
    """How recognisable an item is at every t. table: (V + 1, D), with the padding row. All t share the same draws."""
    items, width = len(table) - 1, table.shape[1]
    if not 1 <= item <= items:
        raise DataError(f"Item id {item} is not in the catalogue; ids go from 1 to {items}.")
    eps = torch.randn(draws, width, generator=torch.Generator().manual_seed(seed))
    x_0 = torch.from_numpy(np.ascontiguousarray(table[item], dtype=np.float32)).expand(draws, -1)
    alpha_bar = torch.from_numpy(diffusion.alpha_bar)
    others = torch.from_numpy(np.ascontiguousarray(table[1:], dtype=np.float32))
    others = others / others.norm(dim=1, keepdim=True).clamp_min(1e-12)
    cosine, found, rank = [], [], []
    for t in range(len(alpha_bar)):
        x_t = q_sample(x_0, torch.full((draws,), t), eps, alpha_bar)
        similar = (x_t / x_t.norm(dim=1, keepdim=True).clamp_min(1e-12)) @ others.T
        own = similar[:, item - 1 : item]
        ranks = 1 + (similar > own).sum(1)
        cosine.append(float(own.mean()))
        found.append(float((ranks == 1).double().mean()))
        rank.append(float(ranks.double().quantile(0.5)))
    power = float(np.square(table[item].astype(np.float64)).sum()) / width
    return NoisedItem(item, draws, np.array(cosine), np.array(found), np.array(rank), power * schedule(diffusion).snr)


def noise_levels(length: int, diffusion: Diffusion, seed: int = 0) -> dict[str, np.ndarray]:
    """The timestep of each of a history's ``length`` targets, (length,), -1 if clean: in training with one draw per ``token``, in training
    with one draw per ``sequence``, and at the ``start`` of the reverse process, where only the last target is noised."""
    draws, top = np.random.default_rng(seed), len(diffusion.alpha_bar)
    start = np.full(length, -1)
    start[-1] = top - 1
    return {"token": draws.integers(top, size=length), "sequence": np.full(length, draws.integers(top)), "start": start}
