"""Gaussian diffusion over embeddings: the forward process, the posterior and the reverse process.

Coefficients are computed once in float64. There is no network in here: the denoiser is passed in as a function. Sources: Ho et al. 2020
(DDPM, arXiv 2006.11239); Nichol & Dhariwal 2021 (arXiv 2102.09672) for fewer steps; ADRec (arXiv 2505.19544) for one timestep per token.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrec.diffusion.schedules import betas
from adrec.errors import ConfigError

Predict = Callable[[Tensor, int], Tensor]
"""(x_t (B, D), t) -> x0_hat (B, D)."""


@dataclass(frozen=True)
class Diffusion:
    """All coefficients of one noise schedule, by step.

    timesteps: (S,) the timestep 0..T-1 of each step, ascending; alpha_bar: (S,) at these timesteps.
    """

    timesteps: np.ndarray
    alpha_bar: np.ndarray

    @classmethod
    def from_schedule(cls, schedule: str, timesteps: int) -> "Diffusion":
        return cls(np.arange(timesteps), np.cumprod(1 - betas(schedule, timesteps)))

    def strided(self, steps: int) -> "Diffusion":
        """The same schedule in fewer, evenly spaced steps, always including the noisiest.

        Nichol & Dhariwal 2021, section 4: the betas follow from the remaining alpha_bar.
        """
        total = len(self.timesteps)
        if not 1 <= steps <= total:
            raise ConfigError(f"The number of denoising steps must be 1 to {total}, not {steps}.")
        kept = np.round(np.linspace(total - 1, 0, steps)).astype(int)[::-1]
        return Diffusion(self.timesteps[kept], self.alpha_bar[kept])

    @cached_property
    def alpha_bar_before(self) -> np.ndarray:
        """alpha_bar one step closer to the data; 1 at the last step."""
        return np.append(1.0, self.alpha_bar[:-1])

    @cached_property
    def betas(self) -> np.ndarray:
        return 1 - self.alpha_bar / self.alpha_bar_before

    @cached_property
    def posterior_coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights of x_0 and of x_t in the mean of q(x_{t-1} | x_t, x_0) (DDPM, eq. 7), each (S,)."""
        beta, before = self.betas, self.alpha_bar_before
        rest = 1 - self.alpha_bar
        return beta * np.sqrt(before) / rest, (1 - before) * np.sqrt(1 - beta) / rest

    @cached_property
    def posterior_std(self) -> np.ndarray:
        """Standard deviation of the noise added in the reverse process, (S,): the "fixed large" variance beta_s, and 0 at the last step."""
        return np.sqrt(np.append(0.0, self.betas[1:]))

    def to_json(self) -> dict[str, Any]:
        """The numbers that a forward and a reverse process outside Python need, as run.json holds them.

        log_variance: of the noise that a reverse step adds. That of step 0, which adds none, is the official code's.
        """
        weight_x_0, weight_x_t = self.posterior_coefficients
        smallest = self.betas[1] * (1 - self.alpha_bar_before[1]) / (1 - self.alpha_bar[1])
        return {
            "timesteps": len(self.timesteps),
            "alpha_bar": self.alpha_bar.tolist(),
            "posterior_mean": {"x_0": weight_x_0.tolist(), "x_t": weight_x_t.tolist()},
            "log_variance": np.log(np.append(smallest, self.betas[1:])).tolist(),
        }


def q_sample(x_0: Tensor, t: Tensor, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """Noise clean embeddings to timestep ``t`` (DDPM, eq. 4), each token with its own ``t``.

    x_0, eps: (N, D). t: (N,), integers in [0, T). alpha_bar: (T,) float64. Returns x_t: (N, D).
    """
    level = alpha_bar[t].unsqueeze(-1)
    return level.sqrt().to(x_0.dtype) * x_0 + (1 - level).sqrt().to(x_0.dtype) * eps


def reverse_step(x_t: Tensor, x0_hat: Tensor, noise: Tensor, step: int, diffusion: Diffusion) -> Tensor:
    """One draw from p(x_{t-1} | x_t) (DDPM, algorithm 2, line 4). x_t, x0_hat, noise: (B, D)."""
    weight_x0, weight_xt = (float(c[step]) for c in diffusion.posterior_coefficients)
    mean = weight_x0 * x0_hat + weight_xt * x_t
    return mean if step == 0 else mean + float(diffusion.posterior_std[step]) * noise


def reverse_process(
    predict: Predict, x_start: Tensor, step_noise: Tensor, diffusion: Diffusion, record: Callable[[int, Tensor, Tensor], None] | None = None
) -> Tensor:
    """From pure noise to an answer, noisiest step first.

    x_start: (B, D). step_noise: (S, B, D) in the order it is consumed. record(t, x0_hat, x_next) notes every step.
    Returns the denoised (B, D).
    """
    x = x_start
    for i, step in enumerate(reversed(range(len(diffusion.timesteps)))):
        t = int(diffusion.timesteps[step])
        x0_hat = predict(x, t)
        x = reverse_step(x, x0_hat, step_noise[i], step, diffusion)
        if record is not None:
            record(t, x0_hat, x)
    return x


def ddim_process(
    predict: Predict, x_start: Tensor, diffusion: Diffusion, record: Callable[[int, Tensor, Tensor], None] | None = None
) -> Tensor:
    """``reverse_process`` without noise between the steps (DDIM, Song et al. 2021, arXiv 2010.02502, eq. 12 with sigma = 0): x_t is taken
    apart into the estimate and the noise that explains the rest, and put together again at the next noise level."""
    x = x_start
    for step in reversed(range(len(diffusion.timesteps))):
        t, level, below = int(diffusion.timesteps[step]), float(diffusion.alpha_bar[step]), float(diffusion.alpha_bar_before[step])
        x0_hat = predict(x, t)
        noise = (x - level**0.5 * x0_hat) / (1 - level) ** 0.5
        x = below**0.5 * x0_hat + (1 - below) ** 0.5 * noise
        if record is not None:
            record(t, x0_hat, x)
    return x


def user_noise(seed: int, users: np.ndarray, steps: int, width: int) -> tuple[Tensor, Tensor]:
    """The noise of each user's reverse process, determined by (seed, user): x_start (B, D), step_noise (S, B, D).

    So a user's answer does not depend on the other users, the batch or the number of processes, and x_start is the same for any number of
    steps.
    """
    if seed < 0:
        raise ConfigError(f"The noise seed must be an integer of at least 0, not {seed}.")
    draws = torch.empty(len(users), steps + 1, width)
    generator = torch.Generator()
    for row, user in enumerate(users):
        generator.manual_seed(int(np.random.SeedSequence([seed, int(user)]).generate_state(1, np.uint64)[0]) >> 1)
        torch.randn(width, generator=generator, out=draws[row, 0])  # drawn separately: torch's numbers depend on how many are drawn
        torch.randn(steps, width, generator=generator, out=draws[row, 1:])
    draws = draws.transpose(0, 1).contiguous()
    return draws[0], draws[1:]
