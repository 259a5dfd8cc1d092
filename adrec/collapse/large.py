"""``measures.table_report`` for tables too large to copy: the same measures from block sums, two of them from sampled pairs."""

from typing import Any

import numpy as np
from scipy.special import logsumexp

from adrec.collapse.moments import Moments, blocks
from adrec.collapse.nulls import correlation_spectrum
from adrec.collapse.ranks import entropy
from adrec.maps.tables import unit_rows

PAIRS = 500_000
"""Sampled pairs of items for uniformity and the mean distance."""


def component_entropy(table: np.ndarray, moments: Moments) -> float:
    """Entropy of the first principal component's scores in 10 equal bins from minimum to maximum; 0 for a table without variation."""
    return entropy(np.histogram(moments.leading_scores(table), bins=10)[0]) if moments.spectrum.any() else 0.0


class LargeTable:
    """The sums and spectra of a checked (V, D) table, V > D, that all measures are computed from."""

    def __init__(self, table: np.ndarray, seed: int = 0) -> None:
        self.table, self.moments = table, Moments.from_table(table)
        m = self.moments
        self.n, self.width = table.shape
        self.centred = np.sqrt(_padded(m.spectrum, self.width)) * m.scale
        second = m.scatter + m.n * np.outer(m.mean, m.mean)
        values, self.axes = np.linalg.eigh(second)
        self.uncentred = np.sqrt(values[::-1].clip(min=0)) * m.scale
        self.correlation = _padded(correlation_spectrum(table, m), self.width)
        rng = np.random.default_rng(seed)
        first = np.sort(rng.integers(0, self.n, PAIRS))  # in the order of the file
        self.pairs = np.stack([first, (first + rng.integers(1, self.n, PAIRS)) % self.n], axis=1)

    def isotropy(self) -> float:
        """``measures.isotropy``, summed block by block."""
        found = []
        for _, rows in blocks(self.table):
            projections = rows @ self.axes
            found.append(np.concatenate([logsumexp(projections, axis=0), logsumexp(-projections, axis=0)]))
        log_z = logsumexp(found, axis=0)
        return float(np.exp(log_z.min() - log_z.max()))

    def pair_means(self) -> tuple[float, float]:
        """Over the sampled pairs of different items, mean exp(-2 |x - y|^2) of unit rows and mean |x - y| of rows."""
        potential = distance = 0.0
        step = max(2**19 // self.width, 1)
        for start in range(0, PAIRS, step):
            first, second = (self.table[self.pairs[start : start + step, side]].astype(np.float64) for side in (0, 1))
            distance += float(np.linalg.norm(first - second, axis=1).sum())
            potential += float(np.exp(-2 * ((unit_rows(first) - unit_rows(second)) ** 2).sum(axis=1)).sum())
        return potential / PAIRS, distance / PAIRS

    @property
    def kl(self) -> float:
        """Exact KL divergence of Z's covariance (ddof 1) from the identity; infinity if it is singular."""
        values = self.correlation * self.n / (self.n - 1)
        return float(0.5 * (values.sum() - self.width - np.log(values).sum())) if values.min() > 1e-12 else float("inf")

    def official(self, distance: float) -> dict[str, float]:
        """The nine official measures; ``distance`` is from the sampled pairs."""
        m, p = self.moments, np.sqrt(self.correlation * self.n)
        covariance = self.correlation * self.n / (self.n - 1)
        zero = sum(int((~rows.any(axis=1)).sum()) for _, rows in blocks(self.table))
        determinant = float(np.exp(np.log(covariance.clip(min=1e-300)).sum()))
        return {
            "variance": float(np.trace(m.scatter)) / self.n / self.width * m.scale**2,
            "cosine": (m.mean_cosine * self.n * (self.n - 1) + self.n - zero) / self.n**2,
            "distance": distance * (1 - 1 / self.n),
            "sv_entropy": entropy(p),
            "sv_variance": float(p.var()),
            "isotropy": float(covariance.min() / covariance.max()) if covariance.max() > 0 else 0.0,
            "kl_gaussian": float(0.5 * (covariance.sum() - self.width - np.log(determinant + 1e-9))),
            "mutual_info": component_entropy(self.table, m),
            "cov_entropy": entropy(self.centred**2),
        }

    def sample(self) -> dict[str, Any]:
        """What was sampled, for the report."""
        return {"pairs": PAIRS, "measures": ["uniformity", "official distance"]}


def _padded(values: np.ndarray, width: int) -> np.ndarray:
    return np.pad(values, (0, width - len(values)))
