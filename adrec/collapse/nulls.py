"""What a table without structure, or without meaning, would show: the nulls that a verdict compares with.

Three nulls. *Gaussian*: tables of independent normal entries, drawn; the null of a spectrum. *Permuted columns*: each column shuffled by
itself, which keeps every entry and breaks every correlation; the null of a spectrum whose entries are not normal. *Permuted rows*: items
exchanged, which keeps the spectrum and destroys meaning; its mean and spread are known exactly, so nothing is drawn.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from adrec.errors import WeightsError

DRAWS = 100
"""Gaussian tables drawn: their spread is known to 7 %."""
RANK_DRAWS = 10
"""Of which the ranks are taken: they hardly vary."""
COLUMN_DRAWS = 5
COLUMN_WORK = 1_000_000
"""Entries of a table whose columns are shuffled; a larger one is represented by an evenly spaced part of its rows."""
GRID = 4096


# -- the spectrum of noise --------------------------------------------------------------------------------------------


def correlation_spectrum(scatter: np.ndarray, n_items: int) -> np.ndarray:
    """Eigenvalues of Z^T Z / V, descending, without those that are zero by construction: (min(V - 1, D),).

    scatter: (D, D), sum of (w - mean)(w - mean)^T over the V rows; Z are the rows with each column z-scored (a constant column is zero).
    """
    std = np.sqrt(np.diag(scatter).clip(min=0))
    scale = np.where(std > 1e-12 * max(float(std.max(initial=0)), 1e-300), std, np.inf)
    values = np.linalg.eigvalsh(scatter / scale[:, None] / scale[None, :])[::-1]
    return np.asarray(values[: max(min(n_items - 1, len(values)), 1)].clip(min=0))


@lru_cache(maxsize=256)
def _bulk(ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Marchenko and Pastur's distribution function for D / V = ratio <= 1: points, ascending, and values there."""
    angle = (np.arange(GRID) + 0.5) * (np.pi / GRID)
    weight = np.sin(angle) ** 2 / (1 + ratio - 2 * np.sqrt(ratio) * np.cos(angle))  # x = 1 + g - 2 sqrt(g) cos(angle)
    edges = np.arange(GRID + 1) * (np.pi / GRID)
    return 1 + ratio - 2 * np.sqrt(ratio) * np.cos(edges), np.concatenate([[0], np.cumsum(weight)]) / weight.sum()


def bulk_distance(eigenvalues: np.ndarray, n_items: int, width: int) -> float:
    """Kolmogorov and Smirnov's distance of the eigenvalues of Z^T Z / V to Marchenko and Pastur's law: 0 to 1.

    For V < D the law of the eigenvalues that are not zero. Marchenko & Pastur 1967; Martin & Mahoney 2018 (arXiv 1810.01075), section 3.
    """
    ratio = width / n_items
    points, law = _bulk(min(ratio, 1 / ratio))
    values = np.sort(eigenvalues) / max(ratio, 1.0)
    expected = np.interp(values, points, law, left=0.0, right=1.0)
    steps = np.arange(len(values) + 1) / len(values)
    return float(max((steps[1:] - expected).max(), (expected - steps[:-1]).max()))


@dataclass(frozen=True)
class SpectralNull:
    """What Gaussian tables of one size show. distance, largest: (draws,) each; the two ranks: means over the draws, centred."""

    distance: np.ndarray
    largest: np.ndarray
    effective_rank: float
    participation_ratio: float

    def line(self, measure: str, deviations: float) -> float:
        """Of ``distance`` or ``largest``, the mean plus so many standard deviations."""
        drawn = getattr(self, measure)
        return float(drawn.mean() + deviations * drawn.std())


@lru_cache(maxsize=64)
def gaussian_null(n_items: int, width: int, draws: int = DRAWS, seed: int = 0) -> SpectralNull:
    """The null of the spectral measures for Gaussian tables (V, D), through the same code as a table's own.

    W^T W of a centred Gaussian table is Wishart with V - 1 degrees of freedom, so Bartlett's (1933) triangular factor gives exactly its
    spectra, z-scored ones included, at a cost that does not depend on V. Below V = D + 1 the tables themselves are drawn.
    """
    if n_items < 2 or width < 1 or draws < 1:
        asked = f"{n_items} items of width {width} in {draws} draws"
        raise WeightsError(f"No Gaussian null for {asked}; accepted are 2 items, width 1 and 1 draw or more.")
    rng = np.random.default_rng([seed, n_items, width])
    distance, largest, spectra = np.zeros(draws), np.zeros(draws), []
    for draw in range(draws):
        scatter = _wishart(rng, n_items, width)
        eigenvalues = correlation_spectrum(scatter, n_items)
        distance[draw], largest[draw] = bulk_distance(eigenvalues, n_items, width), eigenvalues[0]
        if draw < RANK_DRAWS:
            spectra.append(ranks(np.linalg.eigvalsh(scatter)[::-1][: min(n_items - 1, width)].clip(min=0)))
    rank, ratio = np.mean(spectra, axis=0)
    return SpectralNull(distance, largest, float(rank), float(ratio))


def _wishart(rng: np.random.Generator, n_items: int, width: int) -> np.ndarray:
    if n_items - 1 < width:
        table = rng.standard_normal((n_items, width))
        table -= table.mean(axis=0)
        return table.T @ table
    factor = np.tril(rng.standard_normal((width, width)), -1)
    factor[np.diag_indices(width)] = np.sqrt(rng.chisquare(n_items - 1 - np.arange(width)))
    return factor @ factor.T


def ranks(lam: np.ndarray) -> tuple[float, float]:
    """Effective rank (of sigma = sqrt lam) and participation ratio (of lam) of a spectrum: 0 and 0 for one of zeros."""
    total = lam.sum()
    if not total > 0:
        return 0.0, 0.0
    sigma = np.sqrt(lam / lam.max())
    p = sigma[sigma > 0] / sigma.sum()
    return float(np.exp(-(p * np.log(p)).sum())), float(total**2 / (lam**2).sum())


def permuted_columns(table: np.ndarray, deviations: float, draws: int = COLUMN_DRAWS, seed: int = 0) -> tuple[float, float]:
    """How far (V, D) with each column shuffled by itself passes the Gaussian null's line: in ``distance`` and ``largest``, 0 if not.

    Correlations of shuffled columns have variance 1 / (V - 1) whatever the entries, as those of Gaussian columns have: only very uneven
    entries in few rows make a difference, which is then allowed for. The excess is taken at the size of the part that is shuffled.
    """
    step = -(-table.size // COLUMN_WORK)
    columns = np.ascontiguousarray(table[::step].T, dtype=np.float64)
    if columns.shape[1] < 2:
        return 0.0, 0.0
    columns = unit_scale(columns)
    width, n = columns.shape
    rng = np.random.default_rng([seed, 3])
    found = []
    for _ in range(draws):
        shuffled = rng.permuted(columns, axis=1)
        eigenvalues = correlation_spectrum(shuffled @ shuffled.T, n)
        found.append((bulk_distance(eigenvalues, n, width), float(eigenvalues[0])))
    null, (distance, largest) = gaussian_null(n, width, seed=seed), np.max(found, axis=0)
    return max(distance - null.line("distance", deviations), 0.0), max(largest - null.line("largest", deviations), 0.0)


def unit_scale(columns: np.ndarray) -> np.ndarray:
    """(D, V) with each row's mean taken out, over the largest entry of all."""
    centred = columns - columns.mean(axis=1, keepdims=True)
    return np.asarray(centred / (np.abs(centred).max() or 1.0))


# -- rows without meaning ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PairSums:
    """What the row-permutation null needs of a symmetric matrix A over n items, its diagonal left out.

    total: sum of A_ij, squares: sum of A_ij^2, both over ordered pairs i != j; row_squares: sum over i of (sum_j A_ij)^2.
    """

    n: int
    total: float
    squares: float
    row_squares: float

    def centred(self) -> "PairSums":
        """Of A minus its mean entry, so that no large numbers cancel."""
        mean = self.total / (self.n * (self.n - 1))
        squares = self.squares - self.n * (self.n - 1) * mean**2
        rows = self.row_squares - 2 * mean * (self.n - 1) * self.total + self.n * ((self.n - 1) * mean) ** 2
        return PairSums(self.n, 0.0, max(squares, 0.0), max(rows, 0.0))


def permuted_rows(a: PairSums, b: PairSums) -> tuple[float, float]:
    """Mean and standard deviation of T = sum over i != j of A_ij B_p(i)p(j) over all permutations p of the items; exact.

    Mantel 1967 (Cancer Research 27), as for Moran's I in Cliff & Ord 1981. Needs 4 items; with fewer the spread is 0.
    """
    n = a.n
    mean = a.total * b.total / (n * (n - 1))
    if n < 4:
        return mean, 0.0
    c, d = a.centred(), b.centred()
    same = 2 * c.squares * d.squares / (n * (n - 1))
    one = 4 * (c.row_squares - c.squares) * (d.row_squares - d.squares) / (n * (n - 1) * (n - 2))
    none = (2 * c.squares - 4 * c.row_squares) * (2 * d.squares - 4 * d.row_squares) / (n * (n - 1) * (n - 2) * (n - 3))
    return mean, float(np.sqrt(max(same + one + none, 0.0)))
