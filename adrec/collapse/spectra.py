"""Spectra of a table in three views, and what noise of the same size shows in each.

Views: ``centred``, singular values of W minus its mean row, and ``raw``, of W itself, both divided by their root mean square to compare
shapes only; ``standardised``, eigenvalues of Z^T Z / V with every column z-scored, the subject of the Marchenko-Pastur law.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from adrec.collapse.measures import singular_values, standardised
from adrec.collapse.nulls import bartlett, check_null, wishart_spectrum
from adrec.errors import ConfigError
from adrec.maps.tables import as_table
from adrec.parallel.threads import one_thread

VIEWS = ("centred", "raw", "standardised")
LEVELS = (0.01, 0.5, 0.99)
DRAWS = 100
"""Noise tables drawn for a band: one of them lies beyond each edge at every rank of the spectrum."""


def spectrum(table: ArrayLike, view: str = "centred") -> np.ndarray:
    """The values of a view: (min(V, D),), descending. A table without variation gives zeros."""
    check_view(view)
    if view == "standardised":
        z = standardised(table)
        return np.asarray(linalg.svdvals(z, check_finite=False) ** 2 / len(z))
    return over_rms(singular_values(as_table(table), centred=view == "centred"))


def energy(values: np.ndarray, view: str = "centred") -> np.ndarray:
    """The share of the squared length in the first 1, 2, ... directions: (K,), ending at 1; zeros for a spectrum of zeros."""
    check_view(view)
    squares = values if view == "standardised" else values**2
    total = squares.sum()
    return np.asarray(np.cumsum(squares) / total if total > 0 else np.zeros(len(values)))


def bulk(n_items: int, width: int) -> tuple[float, float]:
    """The ends of the Marchenko-Pastur bulk for Z^T Z / V of noise, (1 -+ sqrt(D / V))^2; the lower one is 0 if V < D."""
    root = np.sqrt(width / n_items)
    return float((1 - root) ** 2) if width <= n_items else 0.0, float((1 + root) ** 2)


@lru_cache(maxsize=32)
def null_band(n_items: int, width: int, view: str = "centred", draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """The 1 %, 50 % and 99 % quantiles of a Gaussian table's spectrum at each rank, simulated: (3, min(V, D)).

    W^T W of a Gaussian table is Wishart with V degrees of freedom or, centred, V - 1, so its spectrum is drawn at a cost independent of V
    (``nulls.wishart_spectrum``; standardised from Bartlett's factor).
    """
    check_view(view)
    check_null(n_items, width, draws)
    rng = np.random.default_rng([seed, n_items, width, VIEWS.index(view)])
    with one_thread():
        found = [_drawn(rng, n_items, width, view) for _ in range(draws)]
    return np.asarray(np.quantile(found, LEVELS, axis=0))


def _drawn(rng: np.random.Generator, n_items: int, width: int, view: str) -> np.ndarray:
    """One spectrum of noise."""
    if view != "standardised":
        values = np.sqrt(wishart_spectrum(rng, n_items - (view == "centred"), width))
        return over_rms(np.pad(values, (0, min(n_items, width) - len(values))))
    if n_items <= width:
        return spectrum(rng.standard_normal((n_items, width)), view)
    factor = bartlett(rng, n_items - 1, width)
    factor /= np.linalg.norm(factor, axis=1, keepdims=True)  # rows of the factor are the table's columns
    return np.asarray(np.linalg.eigvalsh(factor @ factor.T)[::-1].clip(min=0))


def over_rms(values: np.ndarray) -> np.ndarray:
    """Each spectrum (..., K) divided by its root mean square; a spectrum of zeros stays zero."""
    scale = np.sqrt((values**2).mean(axis=-1, keepdims=True))
    return np.asarray(values / np.where(scale > 0, scale, 1.0))


def check_view(view: str) -> None:
    """A ConfigError unless the view is one of ``VIEWS``."""
    if view not in VIEWS:
        raise ConfigError(f"Unknown view '{view}' of a spectrum; must be one of {', '.join(VIEWS)}.")
