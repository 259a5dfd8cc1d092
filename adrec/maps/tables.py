"""Item tables prepared for measures and maps: checks, blocks of rows in float64, unit rows."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from adrec.errors import WeightsError

BLOCK = 2**20
"""Entries in a block: 8 MiB."""
LARGEST = 1e100
"""Squares of larger entries would overflow float64."""

PLACES = 3
"""Rows that a message about unusable numbers names at most."""


def blocks(table: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, rows in float64), block by block."""
    step = max(BLOCK // table.shape[1], 1)
    for start in range(0, len(table), step):
        with np.errstate(invalid="ignore"):  # NaN of the kind that signals is NaN like others
            rows = table[start : start + step].astype(np.float64)
        yield start, rows


def column_blocks(table: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """(columns, their values in float64), block by block: for tables with more columns than rows."""
    step = max(BLOCK // len(table), 1)
    for start in range(0, table.shape[1], step):
        columns = slice(start, start + step)
        yield columns, table[:, columns].astype(np.float64)


def principal_axes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (K,) and eigenvectors (D, K) of rows^T rows, largest first, K = min(V, D): all others are zero."""
    if len(rows) < rows.shape[1]:
        _, values, axes = np.linalg.svd(rows, full_matrices=False)
        return values**2, axes.T
    values, vectors = np.linalg.eigh(rows.T @ rows)
    return values[::-1], vectors[:, ::-1]


def checked(table: ArrayLike, name: str = "the table") -> np.ndarray:
    """``table`` itself, uncopied; a WeightsError unless it is a (V, D) matrix with at least 2 rows of finite numbers."""
    array = np.asarray(table)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        kind = f"shape {array.shape} and type {array.dtype}"
        raise WeightsError(f"Cannot measure {name}: it has {kind}; expected a matrix of real numbers.")
    if array.shape[0] < 2 or array.shape[1] < 1:
        raise WeightsError(f"Cannot measure {name}: it has shape {array.shape}; expected at least 2 rows (items) and 1 column.")
    bad, largest = 0, 0.0
    places: list[str] = []
    for start, rows in blocks(array):
        wrong = ~np.isfinite(rows).all(axis=1)
        if wrong.any():
            bad += int(wrong.sum())
            for row in np.flatnonzero(wrong)[: PLACES - len(places)]:
                places.append(f"row {start + row} (column {int((~np.isfinite(rows[row])).argmax())})")
        else:
            largest = max(largest, float(np.abs(rows).max()))
    if bad:
        where = f"{bad:,} of its {len(array):,} rows, from 0: {', '.join(places)}{', …' * (bad > len(places))}"
        raise WeightsError(f"Cannot measure {name}: it holds NaN or infinity in {where}; all numbers must be finite.")
    if largest > LARGEST:
        raise WeightsError(f"Cannot measure {name}: its largest entry is {largest:.3g}; must be at most {LARGEST:.0e}.")
    return array


def as_table(table: ArrayLike, name: str = "the table") -> np.ndarray:
    """``table`` as a float64 array; a WeightsError unless it is a (V, D) matrix with at least 2 rows of finite numbers."""
    return checked(table, name).astype(np.float64)


def typical_length(table: np.ndarray) -> float:
    """The size of a table (V, D): the root mean square length of its vectors."""
    return float(np.sqrt(sum(np.square(rows).sum() for _, rows in blocks(table)) / len(table)))


def unit_rows(table: np.ndarray) -> np.ndarray:
    """Rows of (V, D) divided by their norm; a row of zeros stays zero."""
    largest = np.abs(table).max(axis=1, keepdims=True)
    scaled = table / np.where(largest > 0, largest, 1.0)
    norm = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(norm > 0, norm, 1.0)
