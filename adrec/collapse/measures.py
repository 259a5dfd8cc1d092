"""Spectra and measures of an item table.

Everything is a pure function of a matrix, in float64. W is a table (V, D) without its padding row, one row per item; spectra are in
descending order. ``adrec.collapse.definitions.MEASURES`` says how to read the measures.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.special import logsumexp

from adrec.collapse.large import LargeTable, component_entropy
from adrec.collapse.moments import Moments
from adrec.collapse.ranks import (
    condition_number,
    effective_rank,
    entropy,
    information_abundance,
    isoscore,
    participation_ratio,
    rankme,
    stable_rank,
)
from adrec.maps.tables import as_table, checked, principal_axes, unit_rows

LARGE, MANY = 2**25, 50_000
"""A table with more entries is measured in blocks, not copied to float64 (256 MiB); one with more items uses sampled pairs."""
BLOCK = 2**22
"""Entries in a block of pairwise distances: 32 MiB."""
ALL_PAIRS, SAMPLED_PAIRS = 5_000, 500_000
"""Up to this many items, uniformity uses every pair; above, this many sampled pairs."""


# -- spectra ----------------------------------------------------------------------------------------------------------


def singular_values(table: ArrayLike, centred: bool = True) -> np.ndarray:
    """Singular values of W, or of W minus its mean row: (min(V, D),), descending.

    Values within rounding of zero (below eps * max(V, D) * the Frobenius norm of W) become exactly 0, so that a constant table has a
    spectrum of zeros. Golub & Van Loan, section 2.4.
    """
    table = as_table(table)
    values = linalg.svdvals(table - table.mean(axis=0) if centred else table, check_finite=False)
    floor = np.finfo(np.float64).eps * max(table.shape) * np.linalg.norm(table)
    return np.where(values > floor, values, 0.0)


def standardised(table: ArrayLike) -> np.ndarray:
    """Z (V, D): each column of W z-scored (ddof 0); a constant column becomes zeros."""
    table = as_table(table)
    centred = table - table.mean(axis=0)
    std = centred.std(axis=0)
    constant = std <= np.finfo(np.float64).eps * len(table) * np.abs(table).max(axis=0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, std))


# -- measures of a table ----------------------------------------------------------------------------------------------


def mean_cosine(table: ArrayLike) -> float:
    """Mean cosine over all pairs of different rows, from the sum of the unit rows u: (|sum u|^2 - sum |u|^2) / (V (V - 1)).

    A row of zeros has cosine 0 to every other. Ethayarajh 2019 (arXiv 1909.00512), section 3.2.
    """
    return Moments.from_table(checked(table)).mean_cosine


def offset(table: ArrayLike) -> float:
    """|mu|^2 / mean |w|^2, mu the mean row: the share of the squared length that all items have in common, 0 to 1; 0 for zeros.

    The common vector of Mu & Viswanath 2018 (arXiv 1702.01417), section 2, as a share.
    """
    return Moments.from_table(checked(table)).offset


def isotropy(table: ArrayLike) -> float:
    """min over max of Z(a) = sum_i exp(a . w_i), a over the eigenvectors of W^T W: 0 to 1. Mu & Viswanath 2018, eq. 4.

    An eigenvector's sign is arbitrary, so both signs are used. Not invariant to scale: a table near zero gives 1.
    """
    table = as_table(table)
    scale = max(np.abs(table).max(), np.finfo(np.float64).tiny)
    projections = table @ principal_axes(table / scale)[1]
    if len(table) < table.shape[1]:  # no item lies along the other eigenvectors of W^T W
        projections = np.pad(projections, ((0, 0), (0, 1)))
    log_z = np.concatenate([logsumexp(projections, axis=0), logsumexp(-projections, axis=0)])
    return float(np.exp(log_z.min() - log_z.max()))


def uniformity(table: ArrayLike, seed: int = 0) -> float:
    """ln of the mean of exp(-2 |x - y|^2) over pairs of different items, rows to unit length: -4 (spread out) to 0 (one direction).

    All pairs up to 5,000 items, otherwise half a million pairs drawn with ``seed``. Wang & Isola 2020 (arXiv 2005.10242), eq. 2, t = 2.
    """
    unit = unit_rows(as_table(table))
    return float(np.log(_mean_potential(unit) if len(unit) <= ALL_PAIRS else _sampled_potential(unit, np.random.default_rng(seed))))


def _mean_potential(unit: np.ndarray) -> float:
    squared = (unit**2).sum(axis=1)
    total = 0.0
    for start, stop in _blocks(len(unit)):
        distances = squared[start:stop, None] + squared[None, :] - 2 * (unit[start:stop] @ unit.T)
        total += np.exp(-2 * distances.clip(min=0)).sum()
    return float((total - len(unit)) / (len(unit) * (len(unit) - 1)))


def _sampled_potential(unit: np.ndarray, rng: np.random.Generator) -> float:
    first = rng.integers(0, len(unit), SAMPLED_PAIRS)
    second = (first + rng.integers(1, len(unit), SAMPLED_PAIRS)) % len(unit)
    total, step = 0.0, max(BLOCK // unit.shape[1], 1)
    for start in range(0, len(first), step):
        squared = ((unit[first[start : start + step]] - unit[second[start : start + step]]) ** 2).sum(axis=1)
        total += np.exp(-2 * squared).sum()
    return total / len(first)


def marchenko_pastur_edge(n_items: int, width: int) -> float:
    """(1 + sqrt(D / V))^2: if the V by D table is noise, no eigenvalue of Z^T Z / V lies much above it.

    Z is the table with z-scored columns. Martin & Mahoney 2018 (arXiv 1810.01075), section 3.2; Marchenko & Pastur 1967.
    """
    return float((1 + np.sqrt(width / n_items)) ** 2)


def spike_threshold(n_items: int, width: int) -> float:
    """The eigenvalue of Z^T Z / V above which a direction of a (V, D) table is a spike; one noise table in a thousand has one.

    The Marchenko-Pastur edge plus noise's fluctuation: 3.2724, the 99.9 % quantile of the Tracy-Widom law (beta = 1), scaled as in
    Johnstone 2001 (Annals of Statistics 29), theorem 1.1.
    """
    root = np.sqrt(n_items - 1) + np.sqrt(width)
    margin = TRACY_WIDOM_999 * root * (1 / np.sqrt(n_items - 1) + 1 / np.sqrt(width)) ** (1 / 3) / n_items
    return marchenko_pastur_edge(n_items, width) + float(margin)


def spikes(table: ArrayLike) -> tuple[int, float]:
    """The number of eigenvalues of Z^T Z / V above ``spike_threshold``, and the largest over the Marchenko-Pastur edge."""
    z = standardised(table)
    return _above_edge(linalg.svdvals(z, check_finite=False) ** 2 / len(z), *z.shape)


def _above_edge(lam: np.ndarray, n_items: int, width: int) -> tuple[int, float]:
    return int((lam > spike_threshold(n_items, width)).sum()), float(lam.max() / marchenko_pastur_edge(n_items, width))


TRACY_WIDOM_999 = 3.2724


def gaussian_kl(table: ArrayLike) -> float:
    """KL divergence of a Gaussian with the covariance C of Z (ddof 1) from a standard Gaussian: 0.5 (tr C - D - ln det C).

    Uses ``slogdet``, so unlike the official notebook's ``kl_gaussian`` it does not saturate; infinity if C is singular.
    """
    z = standardised(table)
    if len(z) <= z.shape[1] or not (singular_values(z) > 0).all():
        return float("inf")
    covariance = z.T @ z / (len(z) - 1)
    _, log_determinant = np.linalg.slogdet(covariance)
    return float(0.5 * (np.trace(covariance) - len(covariance) - log_determinant))


def measures(table: ArrayLike) -> dict[str, float]:
    """All of ``MEASURES`` of a (V, D) table by key; ranks and condition number use the centred spectrum unless named uncentred."""
    table = as_table(table)
    moments = Moments.from_table(table)
    return {
        **_spectral_measures(singular_values(table), singular_values(table, centred=False), table.shape[1]),
        "mean_cosine": moments.mean_cosine,
        "offset": moments.offset,
        "isotropy": isotropy(table),
        "uniformity": uniformity(table),
        **dict(zip(("spikes", "largest_over_edge"), map(float, spikes(table)), strict=True)),
        "gaussian_kl": gaussian_kl(table),
        "variance": float(table.var()),
        "std": float(table.std()),
    }


def _spectral_measures(centred: np.ndarray, uncentred: np.ndarray, width: int) -> dict[str, float]:
    return {
        "effective_rank": effective_rank(centred),
        "effective_rank_uncentred": effective_rank(uncentred),
        "rankme": rankme(centred),
        "information_abundance": information_abundance(centred),
        "stable_rank": stable_rank(centred),
        "participation_ratio": participation_ratio(centred),
        "isoscore": isoscore(centred, width),
        "condition_number": condition_number(centred),
    }


# -- the official notebook's nine -------------------------------------------------------------------------------------


def official_measures(table: ArrayLike) -> dict[str, float]:
    """The official notebook's nine measures under its names, computed as it does (including floors and diagonals).

    X = W, Z its columns z-scored (ddof 0), C = cov(Z) (ddof 1), sigma the singular values of Z:
    variance: mean column variance; cosine, distance: mean cosine and Euclidean distance over all V^2 pairs, diagonal included;
    sv_entropy: -sum p ln p, p = sigma / sum sigma; sv_variance: var(sigma); isotropy: min / max eigenvalue of C;
    kl_gaussian: 0.5 (tr C - D - ln(det C + 1e-9)); cov_entropy: entropy of the normalised eigenvalues of cov(X);
    mutual_info: entropy of a 10-bin histogram of X's first principal component. Source: the ADRec authors' notebook.
    """
    table = as_table(table)
    z = standardised(table)
    values = linalg.svdvals(z, check_finite=False)
    if len(z) <= z.shape[1]:  # C is singular: its eigenvalues are those of Z Z^T, and zeros
        eigenvalues, determinant = np.append(values**2 / (len(z) - 1), 0.0), 0.0
        trace = eigenvalues.sum()
    else:
        covariance = z.T @ z / (len(z) - 1)
        eigenvalues, determinant = np.linalg.eigvalsh(covariance).clip(min=0), max(float(np.linalg.det(covariance)), 0.0)
        trace = np.trace(covariance)
    total = unit_rows(table).sum(axis=0)
    return {
        "variance": float(table.var(axis=0).mean()),
        "cosine": float(total @ total) / len(table) ** 2,
        "distance": _mean_distance(table),
        "sv_entropy": entropy(values),
        "sv_variance": float(values.var()),
        "isotropy": float(eigenvalues.min() / eigenvalues.max()) if eigenvalues.max() > 0 else 0.0,
        "kl_gaussian": float(0.5 * (trace - z.shape[1] - np.log(determinant + 1e-9))),
        "mutual_info": component_entropy(table, Moments.from_table(table)),
        "cov_entropy": entropy(singular_values(table) ** 2),
    }


def _mean_distance(table: np.ndarray) -> float:
    """Mean Euclidean distance over all V^2 pairs of rows, in blocks, each pair computed once."""
    centred = table - table.mean(axis=0)  # same distances, less cancellation
    squared = (centred**2).sum(axis=1)
    total = 0.0
    for start, stop in _blocks(len(table)):
        pairs = squared[start:stop, None] + squared[None, start:] - 2 * (centred[start:stop] @ centred[start:].T)
        distances = np.sqrt(pairs.clip(min=0, out=pairs), out=pairs)
        np.fill_diagonal(distances, 0.0)  # the diagonal of the block's own square
        total += distances[:, : stop - start].sum() + 2 * distances[:, stop - start :].sum()
    return float(total / len(table) ** 2)


def _blocks(rows: int) -> Iterator[tuple[int, int]]:
    step = max(BLOCK // rows, 1)
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


# -- one table, all of it ---------------------------------------------------------------------------------------------


def table_report(name: str, table: ArrayLike) -> dict[str, Any]:
    """The entry of ``collapse --json`` for one table: spectra, measures, the official nine; infinite values are None.

    A table above LARGE entries or MANY items is read in blocks and never copied; ``sampled`` then names the measures from sampled pairs.
    """
    array = checked(table, f"'{name}'")
    items, width = array.shape
    if (items * width > LARGE or items > MANY) and items > width:
        return _large_report(name, LargeTable(array))
    array = array.astype(np.float64)
    return {
        "name": name,
        "items": items,
        "width": width,
        "singular_values": singular_values(array).tolist(),
        "singular_values_uncentred": singular_values(array, centred=False).tolist(),
        "measures": {key: _finite(value) for key, value in measures(array).items()},
        "official_measures": {key: _finite(value) for key, value in official_measures(array).items()},
    }


def _large_report(name: str, large: LargeTable) -> dict[str, Any]:
    moments = large.moments
    potential, distance = large.pair_means()
    above, largest = _above_edge(large.correlation, large.n, large.width)
    found = {
        **_spectral_measures(large.centred, large.uncentred, large.width),
        "mean_cosine": moments.mean_cosine,
        "offset": moments.offset,
        "isotropy": large.isotropy(),
        "uniformity": float(np.log(potential)),
        "spikes": float(above),
        "largest_over_edge": largest,
        "gaussian_kl": large.kl,
        "variance": moments.std**2,
        "std": moments.std,
    }
    return {
        "name": name,
        "items": large.n,
        "width": large.width,
        "singular_values": large.centred.tolist(),
        "singular_values_uncentred": large.uncentred.tolist(),
        "measures": {key: _finite(value) for key, value in found.items()},
        "official_measures": {key: _finite(value) for key, value in large.official(distance).items()},
        "sampled": large.sample(),
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
