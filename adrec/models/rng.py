"""The random numbers of a forward pass in training: dropout, timesteps, noise; from one generator that is passed in."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class RandomSource:
    """Draws on ``device``. On the CPU from ``generator`` itself, elsewhere from a torch generator seeded by it."""

    def __init__(self, generator: np.random.Generator, device: torch.device | str = "cpu") -> None:
        self.generator, self.device = generator, torch.device(device)
        if self.device.type == "cuda":
            self.on_device: torch.Generator | None = torch.Generator(self.device).manual_seed(int(generator.integers(2**62)))
        else:
            self.on_device = None

    def keep(self, shape: Sequence[int], p: float) -> Tensor:
        """A dropout mask: 0 with probability p, otherwise 1 / (1 - p).

        16 random bits decide on an element, so p is rounded to a multiple of 2^-16 below 1, and kept values are scaled to match.
        """
        dropped = min(round(p * 2**16), 2**16 - 1)
        return torch.ge(self._bits(shape), dropped - 2**15, out=torch.empty(shape, device=self.device)).mul_(1 / (1 - dropped / 2**16))

    def _bits(self, shape: Sequence[int]) -> Tensor:
        """Uniform int16."""
        if self.device.type != "cpu":
            return torch.randint(-(2**15), 2**15, tuple(shape), dtype=torch.int16, device=self.device, generator=self.on_device)
        size = int(np.prod(shape))
        bits = self.generator.integers(0, 2**64, size=-(-size // 4), dtype=np.uint64).view(np.int16)
        return torch.from_numpy(bits[:size]).view(tuple(shape))

    def timesteps(self, below: int, size: int) -> Tensor:
        """Uniform whole numbers 0 .. below - 1, (size,) int64."""
        return torch.from_numpy(self.generator.integers(below, size=size)).to(self.device)

    def normal(self, rows: int, width: int) -> Tensor:
        """Standard normal numbers, (rows, width) float32."""
        if self.device.type != "cpu":
            return torch.randn(rows, width, device=self.device, generator=self.on_device)
        return torch.from_numpy(self.generator.standard_normal((rows, width), dtype=np.float32))
