"""The table before training beside the trained one: which of its rows is which, by ids, by place or one row apart."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from adrec.embeddings.joins import Whole, clearly_better
from adrec.embeddings.source import Source
from adrec.errors import WeightsError

ROWS = 2_000
"""So many rows show whether two tables are shifted against each other."""


def reordered(source: Source, labels: tuple[str, ...]) -> Source:
    """A table of a file with these item ids in another order, rearranged."""
    if source.labels is None or source.labels == labels or source.run is not None or set(source.labels) != set(labels):
        return source
    row_of = {label: row for row, label in enumerate(source.labels)}
    rows = np.array([row_of[label] for label in labels])
    note = "Its rows were reordered to match the first table's item ids."
    return replace(source, table=source.table[rows], labels=labels, removed=None, kept=source.numbers[rows], notes=(*source.notes, note))


def fitting(initial: Source, source: Source) -> dict[str, Any]:
    """New fields ``initial`` and ``notes`` of a source: the table before training, row by row as the source's.

    Where ids do not say which row is which, the rows are also compared shifted by one, as they are if a padding row was left in one file.
    """
    if source.labels is not None and initial.labels is not None and set(source.labels) == set(initial.labels):
        initial = reordered(initial, source.labels)
        if initial.table.shape == source.table.shape:
            return {"initial": initial.table}
    whole, n = Whole(initial.table, initial.removed), len(source.table)
    own = source.taken[0] if source.taken is not None else int(source.removed is not None)
    given: int | None = whole.lead if len(initial.table) == n else None
    if source.taken is not None and len(whole) >= source.taken[1]:
        given = own
    firsts = [first for first in _firsts(whole, n, given) if _missing(first, n, whole) <= 1]
    if not firsts or initial.table.shape[1] != source.table.shape[1]:
        raise _other(initial, source)
    r, z = _agreement(whole, source.table, firsts)
    best = int(np.argmax(z))
    rivals = np.delete(z, best) if given is None else z[:1]
    if not all(clearly_better(z[best], max(other, 0.0)) for other in rivals):
        if given is None:
            raise _other(initial, source)
        return {"initial": whole.taken((given, given + n))}
    missing = _missing(firsts[best], n, whole) > 0
    return {"initial": _rows(whole, firsts[best], n), "notes": (*source.notes, _told(initial.name, firsts, r, best, given, own, missing))}


def _firsts(whole: Whole, n: int, given: int | None) -> Sequence[int]:
    """Rows of the table before training that the first row may be, the given one first."""
    if given is not None:
        return given, given - 1, given + 1
    return range(-1, 3) if abs(len(whole) - n) <= 1 or abs(len(whole) - whole.lead - n) <= 1 else ()


def _missing(first: int, n: int, whole: Whole) -> int:
    """How many rows lack one before training."""
    return max(-first, 0) + max(first + n - len(whole), 0)


def _agreement(whole: Whole, table: np.ndarray, firsts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The correlation row by row for each first row, and how many standard deviations of shuffled rows it is."""
    n = len(table)
    low, high = max(0, *(-first for first in firsts)), min(n, *(len(whole) - first for first in firsts))
    if high - low < 2:
        return np.zeros(len(firsts)), np.zeros(len(firsts))
    rows = np.unique(np.linspace(low, high - 1, min(high - low, ROWS)).astype(np.int64))
    a = table[rows].astype(np.float64)
    a -= a.mean(axis=0)
    r, z = [], []
    for first in firsts:
        b = whole.rows(rows + first).astype(np.float64)
        b -= b.mean(axis=0)
        product, lengths = float((a * b).sum()), np.sqrt(float((a * a).sum()) * float((b * b).sum()))
        spread = np.sqrt(float(((a.T @ a) * (b.T @ b)).sum()) / (len(rows) - 1))  # of the product, over all orders of the rows
        r.append(product / lengths if lengths > 0 else 0.0)
        z.append(product / spread if spread > 0 else 0.0)
    return np.array(r), np.array(z)


def _rows(whole: Whole, first: int, n: int) -> np.ndarray:
    """The n rows from the first; the mean stands where there is none."""
    if _missing(first, n, whole) == 0:
        return whole.taken((first, first + n))
    there = whole.taken((max(first, 0), min(first + n, len(whole))))
    mean = there.mean(axis=0, dtype=np.float64).astype(there.dtype)[None]
    return np.concatenate([mean, there] if first < 0 else [there, mean])


def _told(name: str, firsts: Sequence[int], r: np.ndarray, best: int, given: int | None, own: int, missing: bool) -> str:
    others = f"{r[0]:.2f} as the files are" if given is not None else f"at most {np.delete(r, best).max():.2f} otherwise"
    lacks = " (the mean stands for the row that it lacks)" if missing else ""
    option = {0: "--padding none", 1: "--padding first"}.get(own) if firsts[best] == own else None
    asks = f"{option} asks for it" if option else "save both tables with the same rows"
    return (
        f"The rows of '{name}', the table before training, are shifted by one: taken from its row {max(firsts[best], 0)}{lacks}, they "
        f"correlate with the table's by {r[best]:.2f}, {others}. It is compared so; {asks}."
    )


def _other(initial: Source, source: Source) -> WeightsError:
    shapes = f"{initial.table.shape}, '{source.name}' {source.table.shape}"
    return WeightsError(f"The initial table '{initial.name}' has shape {shapes}; expected the same table before training.")
