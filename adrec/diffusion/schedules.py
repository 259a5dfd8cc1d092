"""Noise schedules: how much noise each step adds. One function per schedule, in float64; ``betas`` calls it by name.

To add a schedule, decorate a function from T to betas with ``@schedule(name, title, source)`` in a module named in ``ADREC_PLUGINS``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adrec.errors import ConfigError
from adrec.registry import Registry


@dataclass(frozen=True)
class Schedule:
    """betas: maps the number of timesteps T to the noise added at each, (T,)."""

    title: str
    source: str
    betas: Callable[[int], np.ndarray]


SCHEDULES: Registry[Schedule] = Registry("noise schedule")
DIFFUSION_LM = "the code of Diffusion-LM (Li et al. 2022, arXiv 2205.14217)"


def schedule(name: str, title: str, source: str) -> Callable[[Callable[[int], np.ndarray]], Schedule]:
    """Register the decorated function as a schedule."""
    return lambda function: SCHEDULES.register(name, Schedule(title, source, function))


def betas(name: str, timesteps: int) -> np.ndarray:
    """The noise added at each step of a schedule, (T,) float64 in (0, 1)."""
    values = SCHEDULES[name].betas(timesteps)
    if not ((values > 0) & (values < 1)).all():
        raise ConfigError(f"Schedule '{name}' needs more than timesteps = {timesteps}: its noise would pass 1.")
    return values


@schedule("trunc_lin", "Linear in the variance, starting a little later; the paper's", DIFFUSION_LM)
def truncated_linear(t: int) -> np.ndarray:
    k = 1000 / t
    end = 0.02 * k + 0.01
    return np.linspace(0.0001 * k + 0.01, end if end <= 1 else 0.001 * k + 0.01, t)


@schedule("linear", "Linear in the variance", "Ho et al. 2020 (DDPM), arXiv 2006.11239")
def linear(t: int) -> np.ndarray:
    k = 1000 / t
    return np.linspace(0.0001 * k, 0.02 * k, t)


@schedule("ddpm", "Linear in the variance from 0.0001 to 0.02, however many steps there are", "Ho et al. 2020 (DDPM), arXiv 2006.11239")
def unscaled_linear(t: int) -> np.ndarray:
    """As "linear" for T = 1000; with fewer steps it does not end in pure noise."""
    return np.linspace(0.0001, 0.02, t)


@schedule("cosine", "Squared cosine in alpha_bar", "Nichol & Dhariwal 2021, arXiv 2102.09672, eq. 17")
def cosine(t: int) -> np.ndarray:
    return _from_alpha_bar(_cosine(0.008), t)


@schedule("sqrt", "Square root in alpha_bar: much noise early on", DIFFUSION_LM)
def square_root(t: int) -> np.ndarray:
    return _from_alpha_bar(lambda u: 1 - np.sqrt(u + 0.0001), t)


@schedule("trunc_cos", "Squared cosine in alpha_bar, starting a little later", DIFFUSION_LM)
def truncated_cosine(t: int) -> np.ndarray:
    """The series is shifted by one: its first entry is the step from no noise to f(0)."""
    f = _cosine(0.1)
    return np.concatenate([1 - f(np.zeros(1)), _from_alpha_bar(f, t)[: t - 1]])


@schedule("exp", "Variance-preserving, rates from 0.1 to 10", "Song et al. 2021, arXiv 2011.13456")
def variance_preserving(t: int) -> np.ndarray:
    return 1 - np.exp(-0.1 / t - np.linspace(1, 2 * t + 1, t) * 0.5 * (10 - 0.1) / t**2)


def _cosine(offset: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda u: np.cos((u + offset) / (1 + offset) * np.pi / 2) ** 2


def _from_alpha_bar(f: Callable[[np.ndarray], np.ndarray], t: int) -> np.ndarray:
    u = np.arange(t + 1, dtype=np.float64) / t
    return np.minimum(1 - f(u[1:]) / f(u[:-1]), 0.999)
