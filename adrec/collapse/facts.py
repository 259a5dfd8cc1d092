"""Plain facts about an item table, before any geometry: each a sentence with a number, what it is about, and how much it matters.

They come before the verdict because they explain it, or make it a verdict on something else than one thinks: columns that do nothing,
rows that training never touched, entries that are codes. `diagnose` takes the columns in use and the zero point from here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from adrec.collapse.columns import RAW, SAMPLE, Sums, copied_columns, heaviest_column, sampled_rows
from adrec.maps.tables import blocks

EXAMPLES = 20
"""Rows or columns that a fact names at most."""
NAMED = 3
"""Of these, as many are in its sentence."""
SPOKEN = 0.05
"""A verdict's sentence names the two heaviest facts of at least this weight."""
EMPTY = 1e-6
"""A row is dead if its length is at most this share of the median."""
GIANT = 10.0
"""A row is giant if it is this many times as long as 99 % of the others."""
SHRUNK, GROWN = 0.1, 1000.0
"""The scale over that before training: below, or above, it is a fact. Word vectors grow 200 times from gensim's small start."""
USUAL = (5e-4, 100.0)
"""Standard deviations of entries outside this are unlike any usual start or trained table: gensim begins at 0.002, PyTorch at 1."""
CODES = 256
"""A table with at most this many different values is quantised."""
LEVELS = 15
"""Whole numbers over a smaller range than this are no bytes."""
BYTE = (0, 255)
"""What an unsigned byte holds."""
BYTE_ZERO, BYTE_SLACK = 128.0, 16.0
"""The zero point of unsigned bytes, and how far from it their mean may lie."""
LED = 0.5
"""The first direction follows popularity if its correlation with log popularity is at least this."""


@dataclass(frozen=True)
class Fact:
    """One fact. code: stable, for programs. count of ``of`` rows, columns or entries are so; value: a measured number, if it has one.

    rows, columns: examples from 0, at most 20. weight: 0 to 1, how much it matters. every: all rows that it is about, where rows are
    examples of them; no part of the JSON.
    """

    code: str
    says: str
    count: int
    of: int
    value: float | None = None
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    weight: float = 0.0
    every: np.ndarray | None = field(default=None, compare=False, repr=False)

    def named(self, titles: Sequence[str] | None, numbers: np.ndarray | None = None) -> "Fact":
        """The same with examples in its sentence: titles of the rows where they are known, else the numbers of rows or columns.

        numbers: of each row, if they are others than its place from 0; ``rows`` then are such numbers too.
        """
        named = self if numbers is None else replace(self, rows=tuple(numbers[list(self.rows)].tolist()) if self.rows else ())
        which, kind = (named.rows, "row") if self.rows else (self.columns, "column")
        shown = which[:NAMED]
        if not shown:
            return named
        start = "Such as" if self.count > len(shown) else "It is" if len(shown) == 1 else "They are"
        if self.rows and titles is not None:
            words = _listed([f"'{titles[i]}'" for i in self.rows[:NAMED]])
        else:
            words = f"{kind}{'s' * (len(shown) > 1)} {_listed([str(i) for i in shown])} (from 0)"
        return replace(named, says=f"{self.says} {start} {words}.")

    def to_json(self) -> dict[str, Any]:
        plain = asdict(replace(self, every=None))
        del plain["every"]
        return {**plain, "rows": list(self.rows), "columns": list(self.columns)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Fact":
        return cls(**{**found, "rows": tuple(found["rows"]), "columns": tuple(found["columns"])})


def facts(table: np.ndarray, *, popularity: np.ndarray | None = None, initial: np.ndarray | None = None) -> list[Fact]:
    """All facts about a table (V, D) without its padding row, the heaviest first. It is read in blocks, never copied.

    popularity: (V,) training occurrences. initial: the table before training, (V, D).
    """
    sums = Sums(table)
    if sums.broken:
        where = tuple(sums.broken_rows[:EXAMPLES])
        says = f"{_are(sums.broken, len(table), 'rows').rsplit(' ', 1)[0]} hold{'s' * (sums.broken == 1)} NaN or infinity."
        return [Fact("not-finite", says, sums.broken, len(table), None, where, tuple(sums.broken_columns[:EXAMPLES]), 1.0)]
    sample = sampled_rows(table)
    whole = _whole(table, sample)
    found = [
        *_columns(sums, sample),
        *_rows(table, sums, popularity),
        *_codes(table, sums, sample, whole),
        *([] if whole else _scale(table, sums, initial)),
        *([] if initial is None else _unmoved(table, initial, popularity)),
        *([] if popularity is None else _popular(table, popularity)),
    ]
    return sorted(found, key=lambda fact: -fact.weight)


def idle_columns(found: Sequence[Fact], table: np.ndarray) -> np.ndarray:
    """Whether each column of the table the facts are about is dead or the copy of an earlier one: (D,) bool."""
    if not any(fact.code in ("dead-columns", "duplicate-columns") for fact in found):
        return np.zeros(table.shape[1], dtype=bool)
    sums = Sums(table)
    return sums.dead | copied_columns(sums, sampled_rows(table))


def in_a_byte(low: float, high: float) -> bool:
    """Whether an unsigned byte holds all whole numbers from low to high."""
    return BYTE[0] <= low and high <= BYTE[1]


def zero_point(found: Sequence[Fact]) -> float | None:
    """The offset of a quantised table's entries, or None."""
    return next((fact.value for fact in found if fact.code == "quantised" and fact.value), None)


def without_offset(table: np.ndarray, found: Sequence[Fact]) -> np.ndarray:
    """The table without the zero point of its codes; itself, uncopied, if it has none."""
    offset = zero_point(found)
    return table if offset is None else table - np.asarray(offset, dtype=np.float32)


def spoken(found: Sequence[Fact]) -> list[Fact]:
    """The facts that a verdict's sentence names."""
    return [fact for fact in found if fact.weight >= SPOKEN][:2]


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" if share >= 0.001 else "under 0.1%"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask)[:EXAMPLES].tolist())


def _are(count: int, of: int, what: str) -> str:
    """``3 of 128 columns are`` with the right number of the verb."""
    return f"{count:,} of {of:,} {what} {'is' if count == 1 else 'are'}"


# -- columns


def _columns(sums: Sums, sample: np.ndarray) -> list[Fact]:
    found: list[Fact] = []
    width, dead = sums.width, int(sums.dead.sum())
    if dead == width:
        return [Fact("dead-columns", f"All {width:,} columns are constant: every item has the same row.", dead, width, 0.0, weight=1.0)]
    copies = copied_columns(sums, sample)
    in_use = width - int((sums.dead | copies).sum())
    if dead:
        values = sums.mean[sums.dead]
        what = "zero everywhere" if not values.any() else "constant"
        says = f"{_are(dead, width, 'columns')} {what}: the width in use is {in_use:,}."
        found.append(Fact("dead-columns", says, dead, width, float(in_use), (), _first(sums.dead), dead / width))
    if copies.any():
        count = int(copies.sum())
        says = f"{_are(count, width, 'columns')} a copy of another, up to scale and offset: the width in use is {in_use:,}."
        if count > 1:
            says = says.replace("a copy", "copies")
        found.append(Fact("duplicate-columns", says, count, width, float(in_use), (), _first(copies), count / width))
    column, times = heaviest_column(sums)
    if times >= RAW:
        says = f"One column of {width:,} has {times:,.0f} times the scale of any other: is it an id, a count or a bias?"
        found.append(Fact("heavy-column", says, 1, width, times, (), (column,), 0.6))
    return found


# -- rows


def _rows(table: np.ndarray, sums: Sums, popularity: np.ndarray | None) -> list[Fact]:
    found: list[Fact] = []
    n, length = sums.n, sums.length
    median = float(np.median(length))
    dead = length <= EMPTY * median
    if dead.any() and not sums.dead.all():
        count = int(dead.sum())
        used = "" if popularity is None else f"; {int((popularity[dead] > 0).sum()):,} of them occur in the interactions"
        says = f"{_are(count, n, 'rows')} zero{used}."
        found.append(Fact("dead-rows", says, count, n, None, _first(dead), weight=count / n, every=np.flatnonzero(dead)))
    alike, groups = _alike(table, sums.signature, dead)
    if len(alike) and not sums.dead.all():
        says = f"{len(alike):,} of {n:,} rows are exactly equal to another, in {groups:,} group{'s' * (groups > 1)}."
        rows = tuple(alike[:EXAMPLES].tolist())
        found.append(Fact("duplicate-rows", says, len(alike), n, float(groups), rows, weight=len(alike) / n, every=alike))
    usual = float(np.sort(length)[int(0.99 * (n - 1))])
    giant = length > GIANT * usual if usual > 0 else np.zeros(n, dtype=bool)
    if giant.any():
        count, times = int(giant.sum()), float(length.max() / usual)
        says = f"{_are(count, n, 'rows')} more than {GIANT:.0f} times as long as 99 % of the rows; the longest, {times:,.0f} times."
        says = says if count > 1 else f"One row is {times:,.0f} times as long as 99 % of the {n:,} rows."
        every = np.argsort(-length, kind="stable")[:count]
        found.append(Fact("giant-row", says, count, n, times, tuple(every[:EXAMPLES].tolist()), weight=0.5, every=every))
    return found


def _alike(table: np.ndarray, signature: np.ndarray, dead: np.ndarray) -> tuple[np.ndarray, int]:
    """The rows that equal another exactly, the largest group first, and the number of groups. Equal rows have equal signatures."""
    order = np.argsort(signature, kind="stable")
    order = order[~dead[order]]
    gaps = np.diff(signature[order])
    close = gaps <= 1e-12 * np.abs(signature[order][1:])
    at = np.flatnonzero(close)
    equal = np.zeros(len(order), dtype=bool)  # whether each row equals the one before it
    for start in range(0, len(at), 4096):
        part = at[start : start + 4096]
        equal[part + 1] = (table[order[part]] == table[order[part + 1]]).all(axis=1)
    group = np.cumsum(~equal) - 1
    sizes = np.bincount(group) if len(group) else np.zeros(0, dtype=int)
    inside = sizes[group] > 1 if len(group) else np.zeros(0, dtype=bool)
    rows, of = order[inside], group[inside]
    ranked = np.lexsort((rows, of, -sizes[of]))
    return rows[ranked], int((sizes > 1).sum())


def _unmoved(table: np.ndarray, initial: np.ndarray, popularity: np.ndarray | None) -> list[Fact]:
    """Rows that are exactly as before training, although their items occur; in float32 if one of the tables was saved so."""
    kind = table.dtype if table.dtype == initial.dtype else np.dtype(np.float32)
    same = np.zeros(len(table), dtype=bool)
    step = max(2**20 // table.shape[1], 1)
    for start in range(0, len(table), step):
        with np.errstate(over="ignore"):
            one, other = (np.asarray(t[start : start + step], dtype=kind) for t in (table, initial))
        same[start : start + step] = (one == other).all(axis=1)
    occur = np.ones(len(table), dtype=bool) if popularity is None else popularity > 0
    still, of = same & occur, int(occur.sum())
    count = int(still.sum())
    if not count:
        return []
    known = "" if popularity is None else " although the items occur"
    says = f"{count:,} of {of:,} rows ({_share(count / of)}) are exactly as before training{known}: they never moved."
    says = says if count < of else f"All {of:,} rows are exactly as before training{known}: no row moved."
    return [Fact("unmoved-rows", says, count, of, count / of, _first(still), weight=count / of, every=np.flatnonzero(still))]


# -- entries


def _whole(table: np.ndarray, sample: np.ndarray) -> bool:
    """Whether all entries are whole numbers, not all of them zero."""
    if (sample != np.floor(sample)).any():
        return False
    return all(bool((rows == np.floor(rows)).all()) for _, rows in blocks(table)) and any(bool(rows.any()) for _, rows in blocks(table))


def _different(table: np.ndarray, sample: np.ndarray) -> int | None:
    """The number of different values, if it is at most CODES and each is used often; else None."""
    values = np.unique(sample[:100])
    for _, rows in blocks(table):
        if len(values) > CODES:
            return None
        values = np.union1d(values, rows)
    return len(values) if len(values) <= min(CODES, table.size / 20) else None


def _codes(table: np.ndarray, sums: Sums, sample: np.ndarray, whole: bool) -> list[Fact]:
    if sums.dead.all():
        return []
    different = _different(table, sample)
    if not whole:
        if different is None:
            return []
        says = f"The entries have only {different:,} different values: the table is quantised."
        return [Fact("quantised", says, different, table.size, 0.0, weight=0.1)]
    low = min(float(rows.min()) for _, rows in blocks(table))
    high = sums.scale if low >= 0 else max(float(rows.max()) for _, rows in blocks(table))
    means, spread = sums.mean * sums.scale, float(np.sqrt((sums.std**2).mean())) * sums.scale
    middle = float(means.mean())
    byte = in_a_byte(low, high) and high - low > LEVELS
    if byte and abs(middle - BYTE_ZERO) <= BYTE_SLACK and float(means.std()) < spread < middle:
        says = (
            f"The entries are whole numbers from {low:.0f} to {high:.0f} around {BYTE_ZERO:.0f}: the table looks quantised, with a zero "
            f"point of {BYTE_ZERO:.0f}. The verdict is given with {BYTE_ZERO:.0f} taken out of every entry; dequantise the table."
        )
        return [Fact("quantised", says, table.size, table.size, BYTE_ZERO, weight=1.0)]
    if low < 0 and low >= -128 and high <= 127 and high - low > LEVELS:
        says = f"The entries are whole numbers from {low:.0f} to {high:.0f}: the table looks quantised to signed bytes."
        return [Fact("quantised", says, table.size, table.size, 0.0, weight=0.1)]
    says = f"All entries are whole numbers, from {low:,.0f} to {high:,.0f}: counts, codes or ids rather than trained dimensions?"
    return [Fact("integer-values", says, table.size, table.size, float(different or 0) or None, weight=0.4)]


def _scale(table: np.ndarray, sums: Sums, initial: np.ndarray | None) -> list[Fact]:
    """The scale against the table before training, or else against a usual start's."""
    spread = sums.spread
    if spread == 0:
        return []
    score = np.sqrt(table.shape[1]) * spread**2
    if initial is not None:
        before = Sums(initial).spread
        ratio = spread / before if before > 0 else 1.0
        against = f"entries have {ratio:.2g} times the standard deviation they had before training ({spread:.2g} against {before:.2g})"
        small, large = ratio < SHRUNK, ratio > GROWN
    else:
        small, large = spread < USUAL[0], spread > USUAL[1]
        ratio = spread / (USUAL[0] if small else USUAL[1])
        against = f"entries have a standard deviation of {spread:.2g}; a usual start has 0.002 to 1"
    if small:
        weight = min(1.0, 0.5 - np.log10(ratio) / 4)
        says = (
            f"The table is small: {against}, so that the score of two vectors of this size is about {score:.1g} and scores carry nothing."
        )
        return [Fact("small-scale", says, table.size, table.size, ratio, weight=float(weight))]
    if large:
        return [Fact("large-scale", f"The table is large: {against}.", table.size, table.size, ratio, weight=0.3)]
    return []


# -- popularity


def _popular(table: np.ndarray, popularity: np.ndarray) -> list[Fact]:
    found: list[Fact] = []
    n, unused = len(table), popularity == 0
    if unused.any():
        count = int(unused.sum())
        says = f"{count:,} of {n:,} rows belong to no item of the training interactions, so they say nothing of training."
        says = says if count > 1 else f"One of {n:,} rows belongs to no item of the training interactions, so it says nothing of training."
        weight = 0.3 * count / n
        found.append(Fact("never-used", says, count, n, count / n, _first(unused), weight=weight, every=np.flatnonzero(unused)))
    used = np.flatnonzero(~unused)
    used = used[:: max(-(-len(used) // SAMPLE), 1)]
    logs = np.log(popularity[used].astype(np.float64)) if len(used) else np.zeros(0)
    if len(used) < 20 or logs.std() < 1e-9:
        return found
    rows = np.asarray(table[used], dtype=np.float64)
    rows /= np.abs(rows).max() or 1.0
    rows -= rows.mean(axis=0)
    tall = len(rows) >= rows.shape[1]
    values, vectors = np.linalg.eigh(rows.T @ rows if tall else rows @ rows.T)
    scores = rows @ vectors[:, -1] if tall else vectors[:, -1]
    if values[-1] <= 0 or scores.std() < 1e-12:
        return found
    r = float(np.corrcoef(scores, logs)[0, 1])
    if abs(r) >= LED:
        share = float(values[-1] / values.clip(min=0).sum())
        says = (
            f"The strongest direction, {share:.0%} of the variance, sorts the items by popularity: its correlation with log popularity "
            f"is {abs(r):.2f}."
        )
        found.append(Fact("popularity-first", says, len(used), n, abs(r), weight=min(r * r * share, 1.0)))
    return found
