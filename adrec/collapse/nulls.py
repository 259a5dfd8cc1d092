"""Null models for the verdict: what a table without structure, or without meaning, would show.

*Gaussian*: simulated tables of independent normal entries; the null of a spectrum. *Permuted columns*: each column shuffled
independently, which keeps every entry and breaks every correlation; the null of a spectrum with non-normal entries. *Permuted rows*: items
shuffled, which keeps the spectrum and destroys meaning; its mean and spread are known exactly, so nothing is simulated.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import linalg

from adrec.collapse.moments import Moments
from adrec.collapse.ranks import effective_rank, participation_ratio
from adrec.errors import WeightsError
from adrec.maps.tables import column_blocks

DRAWS = 100
"""Gaussian tables drawn, which gives their spread to 7 %."""
WIDE, FEWEST_DRAWS = 512, 20
"""Fewer are drawn for tables whose smaller side exceeds WIDE, but at least this many, which gives their spread to 16 %."""
RANK_DRAWS = 10
"""Draws used for the two ranks, which hardly vary."""
COLUMN_DRAWS = 5
COLUMN_WORK = 1_000_000
"""Entries shuffled by columns; a larger table is represented by evenly spaced rows."""
GRID = 4096


# -- the spectrum of noise --------------------------------------------------------------------------------------------


def correlation_spectrum(table: np.ndarray, moments: Moments) -> np.ndarray:
    """Eigenvalues of Z^T Z / V, descending, without those that are zero by construction: (min(V - 1, D),).

    Z is the table (V, D) with each column z-scored (a constant column is zero). moments: ``Moments.from_table(table)``.
    """
    n, width = table.shape
    return _spectrum_of_rows(table) if n < width else _spectrum_of_scatter(moments.scatter, n)


def _spectrum_of_scatter(scatter: np.ndarray, n_items: int) -> np.ndarray:
    """``correlation_spectrum`` from the sum of (w - mean)(w - mean)^T over the V rows: (D, D)."""
    scale = _not_constant(np.sqrt(np.diag(scatter).clip(min=0)))
    values = np.linalg.eigvalsh(scatter / scale[:, None] / scale[None, :])[::-1]
    return np.asarray(values[: max(min(n_items - 1, len(values)), 1)].clip(min=0))


def _spectrum_of_rows(table: np.ndarray) -> np.ndarray:
    """``correlation_spectrum`` of a table with at most as many rows as columns, through Z Z^T: (V, V)."""
    n = len(table)
    scale, total = _not_constant(np.concatenate([part.std(axis=0) for _, part in column_blocks(table)])), np.zeros((n, n))
    for columns, part in column_blocks(table):
        z = (part - part.mean(axis=0)) / scale[columns]
        total += z @ z.T
    return np.asarray(np.linalg.eigvalsh(total / n)[::-1][: max(n - 1, 1)].clip(min=0))


def _not_constant(std: np.ndarray) -> np.ndarray:
    """Standard deviations of columns, infinite where a column is constant up to rounding."""
    return np.where(std > 1e-12 * max(float(std.max(initial=0)), 1e-300), std, np.inf)


@lru_cache(maxsize=256)
def _bulk(ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """The Marchenko-Pastur distribution function for D / V = ratio <= 1: points, ascending, and its values there."""
    angle = (np.arange(GRID) + 0.5) * (np.pi / GRID)
    weight = np.sin(angle) ** 2 / (1 + ratio - 2 * np.sqrt(ratio) * np.cos(angle))  # x = 1 + g - 2 sqrt(g) cos(angle)
    edges = np.arange(GRID + 1) * (np.pi / GRID)
    return 1 + ratio - 2 * np.sqrt(ratio) * np.cos(edges), np.concatenate([[0], np.cumsum(weight)]) / weight.sum()


def bulk_distance(eigenvalues: np.ndarray, n_items: int, width: int) -> float:
    """Kolmogorov-Smirnov distance between the eigenvalues of Z^T Z / V and the Marchenko-Pastur law: 0 to 1.

    For V < D, the law of the nonzero eigenvalues. Marchenko & Pastur 1967; Martin & Mahoney 2018 (arXiv 1810.01075), section 3.
    """
    ratio = width / n_items
    points, law = _bulk(min(ratio, 1 / ratio))
    values = np.sort(eigenvalues) / max(ratio, 1.0)
    expected = np.interp(values, points, law, left=0.0, right=1.0)
    steps = np.arange(len(values) + 1) / len(values)
    return float(max((steps[1:] - expected).max(), (expected - steps[:-1]).max()))


@dataclass(frozen=True)
class SpectralNull:
    """Measures of Gaussian tables of one size. distance, largest: (draws,) each; the two ranks: means over the draws, centred."""

    distance: np.ndarray
    largest: np.ndarray
    effective_rank: float
    participation_ratio: float

    def line(self, measure: str, deviations: float) -> float:
        """The mean of ``distance`` or ``largest`` plus this many standard deviations."""
        drawn = getattr(self, measure)
        return float(drawn.mean() + deviations * drawn.std())


@lru_cache(maxsize=64)
def gaussian_null(n_items: int, width: int, draws: int | None = None, seed: int = 0) -> SpectralNull:
    """The null of the spectral measures for Gaussian tables (V, D), computed by the same code as for a real table.

    W^T W of a centred Gaussian table is Wishart with V - 1 degrees of freedom, so Bartlett's (1933) triangular factor gives its spectra
    exactly, including z-scored ones, at a cost independent of V. For V <= D the tables themselves are drawn. draws: default
    ``null_draws`` of the smaller side.
    """
    draws = null_draws(min(n_items, width)) if draws is None else draws
    check_null(n_items, width, draws)
    rng = np.random.default_rng([seed, n_items, width])
    distance, largest, spectra = np.zeros(draws), np.zeros(draws), []
    for draw in range(draws):
        if n_items > width:
            factor = bartlett(rng, n_items - 1, width)
            scatter = factor @ factor.T
            eigenvalues = _spectrum_of_scatter(scatter, n_items)
        else:
            table = rng.standard_normal((n_items, width))
            eigenvalues = _spectrum_of_rows(table)
            table -= table.mean(axis=0)
            scatter = table @ table.T
        distance[draw], largest[draw] = bulk_distance(eigenvalues, n_items, width), eigenvalues[0]
        if draw < RANK_DRAWS:
            spectra.append(ranks(np.linalg.eigvalsh(scatter)[::-1][: min(n_items - 1, width)].clip(min=0)))
    rank, ratio = np.mean(spectra, axis=0)
    return SpectralNull(distance, largest, float(rank), float(ratio))


def check_null(n_items: int, width: int, draws: int) -> None:
    """A WeightsError unless Gaussian tables of this size can be drawn."""
    if n_items < 2 or width < 1 or draws < 1:
        asked = f"{n_items} items of width {width} in {draws} draws"
        raise WeightsError(f"No Gaussian null for {asked}; it needs at least 2 items, width 1 and 1 draw.")


def wishart_spectrum(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    """Eigenvalues of G^T G that are not zero by construction, descending, G a Gaussian table (rows, width): (min(rows, width),).

    Drawn from the bidiagonal matrix of Dumitriu & Edelman 2002 (J. Math. Phys. 43), which has the same law and takes side^2, not side^3.
    """
    side, degrees = sorted((rows, width))
    diagonal = np.sqrt(rng.chisquare(degrees - np.arange(side)))
    below = np.sqrt(rng.chisquare(side - 1 - np.arange(side - 1))) if side > 1 else np.zeros(0)
    squares = diagonal**2
    squares[1:] += below**2
    return np.asarray(linalg.eigvalsh_tridiagonal(squares, diagonal[:-1] * below)[::-1].clip(min=0))


def null_draws(side: int) -> int:
    """How many noise tables with smaller side ``side`` are drawn: DRAWS, or fewer above WIDE, where each costs side^3."""
    return DRAWS if side <= WIDE else max(DRAWS * WIDE**2 // side**2, FEWEST_DRAWS)


def bartlett(rng: np.random.Generator, degrees: int, width: int) -> np.ndarray:
    """A triangular factor F (D, D) such that F F^T is Wishart with the given degrees of freedom, at least D (Bartlett 1933)."""
    factor = np.tril(rng.standard_normal((width, width)), -1)
    factor[np.diag_indices(width)] = np.sqrt(rng.chisquare(degrees - np.arange(width)))
    return factor


def ranks(lam: np.ndarray) -> tuple[float, float]:
    """Effective rank and participation ratio of the singular values sqrt lam."""
    sigma = np.sqrt(lam)
    return effective_rank(sigma), participation_ratio(sigma)


def permuted_columns(table: np.ndarray, deviations: float, draws: int = COLUMN_DRAWS, seed: int = 0) -> tuple[float, float]:
    """How far (V, D) with shuffled columns exceeds the Gaussian null's line in ``distance`` and ``largest``; 0 if it does not.

    Correlations of shuffled columns have variance 1 / (V - 1) whatever the entries, as with Gaussian columns; only very uneven entries in
    few rows make a difference, and this excess corrects for it. It is measured at the size of the part that is shuffled.
    """
    step = -(-table.size // COLUMN_WORK)
    columns = np.ascontiguousarray(table[::step].T, dtype=np.float64)
    if columns.shape[1] < 2:
        return 0.0, 0.0
    columns = unit_scale(columns)
    width, n = columns.shape
    found = []
    for order in _shuffles(width, n, draws, seed):
        shuffled = np.take_along_axis(columns, order, axis=1)
        eigenvalues = _spectrum_of_rows(shuffled.T) if n < width else _spectrum_of_scatter(shuffled @ shuffled.T, n)
        found.append((bulk_distance(eigenvalues, n, width), float(eigenvalues[0])))
    null, (distance, largest) = gaussian_null(n, width, seed=seed), np.max(found, axis=0)
    return max(distance - null.line("distance", deviations), 0.0), max(largest - null.line("largest", deviations), 0.0)


@lru_cache(maxsize=1)
def _shuffles(width: int, n: int, draws: int, seed: int) -> list[np.ndarray]:
    """Orders of n rows, another for each column and draw, (width, n) each; kept for the next table of this shape (at most 20 MB)."""
    rng, rows = np.random.default_rng([seed, 3]), np.broadcast_to(np.arange(n, dtype=np.int32), (width, n))
    return [rng.permuted(rows, axis=1) for _ in range(draws)]


def unit_scale(columns: np.ndarray) -> np.ndarray:
    """(D, V) with each row's mean subtracted, divided by the largest entry."""
    centred = columns - columns.mean(axis=1, keepdims=True)
    return np.asarray(centred / (np.abs(centred).max() or 1.0))


# -- rows without meaning ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PairSums:
    """What the row-permutation null needs to know of a symmetric matrix A over n items, without its diagonal.

    total: sum of A_ij, squares: sum of A_ij^2, both over ordered pairs i != j; row_squares: sum over i of (sum_j A_ij)^2.
    """

    n: int
    total: float
    squares: float
    row_squares: float

    def centred(self) -> "PairSums":
        """The sums of A minus its mean entry, so that no large numbers cancel."""
        mean = self.total / (self.n * (self.n - 1))
        squares = self.squares - self.n * (self.n - 1) * mean**2
        rows = self.row_squares - 2 * mean * (self.n - 1) * self.total + self.n * ((self.n - 1) * mean) ** 2
        return PairSums(self.n, 0.0, max(squares, 0.0), max(rows, 0.0))


def permuted_rows(a: PairSums, b: PairSums) -> tuple[float, float]:
    """Exact mean and standard deviation of T = sum over i != j of A_ij B_p(i)p(j) over all permutations p of the items.

    Mantel 1967 (Cancer Research 27), as for Moran's I in Cliff & Ord 1981. With fewer than 4 items the spread is 0.
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
