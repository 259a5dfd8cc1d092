"""The forward process in figures: what noise does to a clean item at every t, and how it is dealt out over a history."""

from dataclasses import dataclass

import numpy as np
import torch

from adrec.diffusion import Diffusion, q_sample
from adrec.errors import DataError

DRAWS = 200
"""Draws of noise that shares and means are over."""


@dataclass(frozen=True)
class Schedule:
    """By t = 0..T-1, (T,) each. signal: weight of the clean embedding, sqrt(alpha_bar). noise: weight of the Gaussian noise,
    sqrt(1 - alpha_bar). snr: signal-to-noise ratio of the weights, alpha_bar / (1 - alpha_bar)."""

    signal: np.ndarray
    noise: np.ndarray
    snr: np.ndarray


@dataclass(frozen=True)
class Noised:
    """One item at growing t, (T,) each, under ``draws`` draws of noise.

    cosine: mean cosine of x_t to the clean embedding. found: share of draws in which the item is the nearest of all to x_t by cosine.
    rank: median rank of the item by cosine to x_t, 1 is nearest. snr: |signal part|^2 / expected |noise part|^2, the item's own length
    and the width included.
    """

    item: int
    draws: int
    cosine: np.ndarray
    found: np.ndarray
    rank: np.ndarray
    snr: np.ndarray


def schedule(diffusion: Diffusion) -> Schedule:
    """Weights of signal and noise at every t (DDPM, eq. 4)."""
    kept = diffusion.alpha_bar
    return Schedule(np.sqrt(kept), np.sqrt(1 - kept), kept / (1 - kept))


def noised(table: np.ndarray, item: int, diffusion: Diffusion, seed: int = 0, draws: int = DRAWS) -> Noised:
    """What is left of an item at every t. table: (V + 1, D) with the padding row. The draws are the same at every t."""
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
    return Noised(item, draws, np.array(cosine), np.array(found), np.array(rank), power * schedule(diffusion).snr)


def dealt(length: int, diffusion: Diffusion, seed: int = 0) -> dict[str, np.ndarray]:
    """How noised each of ``length`` targets of a history is, (length,) timesteps, -1 where none is: one draw in training with a
    level per ``token``, one with a level per ``sequence``, and the ``start`` of the reverse process, where only the last is noise."""
    draws, top = np.random.default_rng(seed), len(diffusion.alpha_bar)
    start = np.full(length, -1)
    start[-1] = top - 1
    return {"token": draws.integers(top, size=length), "sequence": np.full(length, draws.integers(top)), "start": start}
