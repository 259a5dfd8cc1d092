"""EASE (Steck 2019): each item's score is a linear function of all other items of a history, its weights solved for at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
from scipy.linalg import lapack

from adrec.config import ModelConfig, require
from adrec.data.batches import PackedBatch
from adrec.errors import ConfigError
from adrec.models.base import Between, Preset, register
from adrec.models.counting import CountingModel, histories, history_matrix

if TYPE_CHECKING:
    from adrec.data.dataset import SequenceDataset

BYTES = 12
"""Memory for each pair of items at most: the inverse in double precision and the weights."""
BLOCK = 1024


@dataclass(frozen=True)
class EASEConfig(ModelConfig):
    """ridge: lambda of the ridge regression. half_life, train_half_life: of the items of a history that is answered, and of one that is
    trained on; 0 for a vector of zeros and ones, as published.
    """

    ridge: float = 300.0
    half_life: float = 2.0
    train_half_life: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.ridge > 0, "ridge", self.ridge, "a number above 0")
        for field in ("half_life", "train_half_life"):
            require(getattr(self, field) >= 0, field, getattr(self, field), "a number of items of at least 0")


@register
class EASE(CountingModel):
    """B = argmin |X - X B|^2 + lambda |B|^2 with diag(B) = 0, that is B_ij = -P_ij / P_jj with P = (X^T X + lambda I)^-1 (eqs. 4 and 8)."""

    name = "ease"
    title = "EASE"
    source = "Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data (arXiv 1905.03375)"
    differences = (
        "the history that is answered may be weighted by recency (half_life), which the paper does not have; its scores are no logits, so "
        "the probabilities shown are nearly equal"
    )
    Config = EASEConfig
    presets = {
        "ease": Preset("EASE", "A linear model in closed form, with the latest items of the history weighted up."),
        "ease-original": Preset(
            "EASE, as published", "Whole histories as sets, whatever came first.", {"half_life": 0.0, "length": 10_000}
        ),
    }
    space = {"ridge": Between(1.0, 3000.0, log=True), "half_life": Between(0.0, 20.0), "train_half_life": Between(0.0, 50.0)}
    config: EASEConfig

    def __init__(self, config: EASEConfig) -> None:
        super().__init__(config)
        rows = config.n_items + 1
        needed, free = BYTES * rows**2 / 1e9, psutil.virtual_memory().available / 1e9
        if needed > free:
            told = f"{config.n_items:,} items need {needed:,.1f} GB of memory, but {free:,.1f} GB are free"
            raise ConfigError(f"EASE has a weight for each pair of items: {told}; leave out rare items (k_core) or use item-knn.")
        self.arrays = {"weights": np.zeros((rows, rows), np.float32)}

    def fit(self, data: "SequenceDataset") -> None:
        rows = self.config.n_items + 1
        x = history_matrix(data.train_items, np.diff(data.train_offsets), rows, self.config.train_half_life).tocsc()
        gram = np.zeros((rows, rows), order="F")
        for start in range(0, rows, BLOCK):
            gram[:, start : start + BLOCK] = (x.T @ x[:, start : start + BLOCK]).toarray()
        gram[np.diag_indices(rows)] += self.config.ridge
        inverse = _inverse(gram)
        weights = self.arrays["weights"]
        scale = inverse.diagonal().copy()
        for start in range(0, rows, BLOCK):
            part = slice(start, start + BLOCK)
            weights[:, part] = inverse[:, part] / -scale[part]
        np.fill_diagonal(weights, 0)

    def answers(self, batch: PackedBatch, steps: int | None = None, seed: int = 0) -> np.ndarray:
        weights = self.arrays["weights"]
        return histories(batch, len(weights), self.config.half_life).astype(np.float32) @ weights


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a symmetric positive definite matrix, in its own memory (in Fortran's order)."""
    matrix, _ = lapack.dpotrf(matrix, lower=1, overwrite_a=1)
    matrix, _ = lapack.dpotri(matrix, lower=1, overwrite_c=1)
    for start in range(0, len(matrix), BLOCK):  # the routines leave the upper half as it was
        stop = start + BLOCK
        matrix[start:stop, start:stop] = np.tril(matrix[start:stop, start:stop]) + np.tril(matrix[start:stop, start:stop], -1).T
        matrix[start:stop, stop:] = matrix[stop:, start:stop].T
    return matrix
