"""Ranks and other measures of a spectrum: singular values of a table, in any order."""

import numpy as np


def entropy(weights: np.ndarray) -> float:
    """-sum p ln p in nats with p = weights / sum of weights (non-negative, any shape); 0 ln 0 = 0. All zeros give 0."""
    positive = weights[weights > 0]
    if not positive.size:
        return 0.0
    p = positive / positive.max()
    p = p / p.sum()
    return float(max(-(p * np.log(p)).sum(), 0.0))


def _shares(values: np.ndarray) -> np.ndarray:
    """Singular values over the largest, so that no square overflows; an empty array for a spectrum of zeros."""
    values = np.asarray(values, dtype=np.float64)
    return values / values.max() if values.size and values.max() > 0 else np.zeros(0)


def effective_rank(values: np.ndarray) -> float:
    """exp(-sum p ln p), p = sigma / sum sigma: 1 to min(V, D), 0 for a spectrum of zeros. Roy & Vetterli 2007, eq. 3 to 5."""
    return float(np.exp(entropy(values))) if _shares(values).size else 0.0


def rankme(values: np.ndarray, epsilon: float = 1e-7) -> float:
    """exp(-sum p ln p), p = sigma / sum sigma + epsilon; 0 for a spectrum of zeros. Garrido et al. 2023 (arXiv 2210.02885), eq. 1."""
    shares = _shares(values)
    if not shares.size:
        return 0.0
    p = shares / shares.sum() + epsilon
    return float(np.exp(-(p * np.log(p)).sum()))


def information_abundance(values: np.ndarray) -> float:
    """sum sigma / max sigma; 0 for a spectrum of zeros. Guo et al. 2024 (arXiv 2310.04400), definition 1."""
    return float(_shares(values).sum())


def stable_rank(values: np.ndarray) -> float:
    """sum lambda / max lambda, lambda = sigma^2; 0 for a spectrum of zeros. Rudelson & Vershynin 2007."""
    return float((_shares(values) ** 2).sum())


def participation_ratio(values: np.ndarray) -> float:
    """(sum lambda)^2 / sum lambda^2, lambda = sigma^2; 0 for a spectrum of zeros. Rudman et al. 2022 (arXiv 2108.07344)."""
    lam = _shares(values) ** 2
    return float(lam.sum() ** 2 / (lam**2).sum()) if lam.size else 0.0


def isoscore(values: np.ndarray, width: int) -> float:
    """(PR - 1) / (D - 1), PR the participation ratio of the centred spectrum: 0 to 1. Rudman et al. 2022 (arXiv 2108.07344).

    0 for a spectrum of zeros; 1 for a width of 1, where there is no direction to prefer.
    """
    ratio = participation_ratio(values)
    if ratio == 0:
        return 0.0
    return float((ratio - 1) / (width - 1)) if width > 1 else 1.0


def condition_number(values: np.ndarray) -> float:
    """max sigma / min sigma; infinity if the smallest is 0 (always so for V <= D, centred), 0 for a spectrum of zeros."""
    shares = _shares(values)
    if not shares.size:
        return 0.0
    return float(1 / shares.min()) if shares.min() > 0 else float("inf")
