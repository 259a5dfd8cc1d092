"""Noise schedules, in float64. Sources: DDPM (Ho et al. 2020, arXiv 2006.11239); the cosine: Nichol & Dhariwal 2021 (arXiv 2102.09672)."""

from collections.abc import Callable

import numpy as np

from adrec.errors import ConfigError


def betas(schedule: str, timesteps: int) -> np.ndarray:
    """The noise added at each step, (T,) float64 in (0, 1). schedule: one of ``config.SCHEDULES``."""
    t, k = timesteps, 1000 / timesteps
    if schedule == "linear":
        values = np.linspace(0.0001 * k, 0.02 * k, t)
    elif schedule == "trunc_lin":
        end = 0.02 * k + 0.01
        values = np.linspace(0.0001 * k + 0.01, end if end <= 1 else 0.001 * k + 0.01, t)
    elif schedule == "cosine":
        values = _from_alpha_bar(_cosine(0.008), t)
    elif schedule == "sqrt":
        values = _from_alpha_bar(lambda u: 1 - np.sqrt(u + 0.0001), t)
    elif schedule == "exp":
        # the variance-preserving process of Song et al. 2021 (arXiv 2011.13456), rates 0.1 to 10, as DreamRec discretises it
        values = 1 - np.exp(-0.1 / t - np.linspace(1, 2 * t + 1, t) * 0.5 * (10 - 0.1) / t**2)
    elif schedule == "trunc_cos":
        # the series is shifted by one: its first entry is the step from no noise at all to f(0)
        f = _cosine(0.1)
        values = np.concatenate([1 - f(np.zeros(1)), _from_alpha_bar(f, t)[: t - 1]])
    else:
        raise ConfigError(f"Unknown noise schedule '{schedule}'.")
    if not ((values > 0) & (values < 1)).all():
        raise ConfigError(f"Schedule '{schedule}' needs more than timesteps = {t}: its noise would pass 1.")
    return values


def _cosine(offset: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda u: np.cos((u + offset) / (1 + offset) * np.pi / 2) ** 2


def _from_alpha_bar(f: Callable[[np.ndarray], np.ndarray], t: int) -> np.ndarray:
    u = np.arange(t + 1, dtype=np.float64) / t
    return np.minimum(1 - f(u[1:]) / f(u[:-1]), 0.999)
