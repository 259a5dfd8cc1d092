"""Which row of a table is which item, as a finding: every plausible join is tried, and the evidence says which one holds.

A join is right if items used together lie together. How clearly they do is measured as in the verdict (alignment beyond popularity, in
standard deviations of shuffled rows), on the same sample of pairs for every join.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from adrec.collapse.columns import RAW, raw_column
from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.moments import Moments
from adrec.collapse.semantics import Rows, alignment, popularity_basis
from adrec.collapse.thresholds import THRESHOLDS
from adrec.collapse.verdict import Verdict
from adrec.data.dataset import SequenceDataset, histories_of
from adrec.embeddings.orders import Numbering

CLEAR = 8.0
"""The alignment from which a join stands out by itself. Chance gives 8 never."""
HELD = 5.0
"""The alignment from which a join that was assumed is believed; of fifteen wrong ones the best rarely passes 4."""
BETTER, BY = 1.2, 5.0
"""A join is clearly better than another if it aligns so many times as much and by so many standard deviations more."""
ALIKE = 0.9
"""Joins that agree on this share of the items are no rivals."""
ITEMS, PAIRS, INTERACTIONS = 1_500, 20_000, 300_000
"""A sample of this size shows which join is right: 30 milliseconds a join."""
UNLEARNED = ("noise-like", "complete-collapse")
"""Kinds that no join of the rows could change."""


@dataclass(frozen=True)
class Join:
    """Which row is which item, and how sure that is.

    used: the name of the join that the verdict is given for; asked: the one that was asked for or assumed, None if nothing said any. clear:
    whether the evidence stands behind ``used``. says: all this in words. fix: the option that asks for ``used`` where it is another than
    the one asked for. candidates: ``name``, ``words``, alignment ``z`` and ``share`` of the best one's z, best first. rows_unused: rows of
    no item; ids_missing: items without a row. doubt: what to say against a verdict on meaning, if the table has any structure.
    """

    used: str
    asked: str | None
    clear: bool
    says: str
    fix: str | None
    candidates: tuple[dict[str, Any], ...] = ()
    rows_unused: int = 0
    ids_missing: int = 0
    doubt: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "candidates": list(self.candidates)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Join":
        return cls(**{**found, "candidates": tuple(found["candidates"])})

    def applied(self, verdict: Verdict, without: Callable[[], Verdict]) -> Verdict:
        """The verdict with what the join means for it: said first where rows were joined in another way than asked; ``without`` meaning
        and in doubt where no way is clear, unless no join could change it."""
        if self.doubt is not None and verdict.kind not in UNLEARNED:
            return replace(without(), undecided=(self.doubt,), confidence=0.5)
        return verdict if self.fix is None else replace(verdict, says=f"{self.says} {verdict.says}")


@dataclass(frozen=True)
class Candidate:
    """A plausible join. rows: the row of each item in the whole table, -1 for none, (V,). first: the row of its first place, if it has one;
    block: the rows from the first to the last place."""

    name: str
    words: str
    rows: np.ndarray
    first: int = 0
    block: tuple[int, int] | None = None
    default: bool = False

    @property
    def option(self) -> str:
        return f"--order {self.name}"


@dataclass(frozen=True)
class Whole:
    """A table with the row that was taken away as padding, if any, as row 0."""

    table: np.ndarray
    removed: np.ndarray | None = None

    @property
    def lead(self) -> int:
        return int(self.removed is not None)

    def __len__(self) -> int:
        return len(self.table) + self.lead

    def rows(self, which: np.ndarray) -> np.ndarray:
        if self.removed is None:
            return np.asarray(self.table[which])
        found = np.array(self.table[np.maximum(which - 1, 0)])
        found[which == 0] = self.removed
        return found

    def taken(self, block: tuple[int, int]) -> np.ndarray:
        """The rows of a block, without a copy where that is possible."""
        first, end = block
        if first >= self.lead:
            return self.table[first - self.lead : end - self.lead]
        return np.concatenate([np.asarray(self.removed)[None].astype(self.table.dtype), self.table[: end - self.lead]])


def placed(numbering: Numbering, whole: Whole, first: int | None = None) -> Candidate:
    """The join that counts the rows from ``first``: by default after the padding row, or after one row too many."""
    own = numbering.name == "number"
    usual = 0 if own else whole.lead or int(len(whole) == numbering.count + 1)
    first = usual if first is None else first
    rows = numbering.places + first
    rows = np.where((numbering.places >= 0) & (rows >= 0) & (rows < len(whole)), rows, -1)
    if own:
        words = numbering.words + {-1: ", from 1", 0: ""}.get(first, f" plus {first:,}")
    elif first == 0 and whole.lead:
        words = f"{numbering.words}, from row 0, which was taken for padding"
    else:
        known = {-1: ", the first row missing", 0: "", 1: ", after a first row for no item"}
        words = numbering.words + known.get(first, f", from row {first:,}")
    block = (max(first, 0), min(first + numbering.count, len(whole)))
    name = numbering.name if first == usual else f"{numbering.name}:{first}"
    return Candidate(name, words, rows, first, block, first == usual)


def plausible(numbered: Sequence[Numbering], whole: Whole, users: int) -> list[Candidate]:
    """All joins in which at most one item with a place lacks a row, the usual ones first."""
    found = []
    for n in numbered:
        usual, spare = placed(n, whole).first, len(whole) - n.count
        firsts = [usual, usual - 1, usual + 1]
        if spare > 1:
            firsts += [0, 1, spare, spare - 1, users, users + 1]
        ends = (-1, 1) if n.name == "number" else (-1, spare + 1)
        tried = [placed(n, whole, first) for first in dict.fromkeys(firsts) if ends[0] <= first <= ends[1]]
        found += [c for c in tried if (c.rows[n.places >= 0] < 0).sum() <= 1]
    return sorted(found, key=lambda c: not c.default)


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Without those that are the same as an earlier one."""
    kept: dict[bytes, Candidate] = {}
    for c in candidates:
        kept.setdefault(c.rows.tobytes(), c)
    return list(kept.values())


def scores(whole: Whole, data: SequenceDataset, candidates: Sequence[Candidate]) -> np.ndarray:
    """How clearly items used together lie together in each join: beyond popularity, in standard deviations of shuffled rows.

    What the items' popularity explains is removed, under the join itself and under the first one: otherwise a table that holds nothing but
    popularity would look meaningful where its rows are moved along an order that goes with popularity. A column of another scale than all
    others (an appended bias) is left out: it alone would decide.
    """
    column, times = raw_column(whole.table)
    heavy = [column] if times >= RAW else []
    step = max(len(data.train_items) // INTERACTIONS, 1)
    items, offsets = data.train_items, data.train_offsets
    if step > 1:
        items, offsets = histories_of(np.arange(0, data.n_users, step), items, offsets)
    sample = Cooccurrence.from_rows(items.astype(np.int64) - 1, offsets, data.n_items)
    there = np.all([c.rows >= 0 for c in candidates], axis=0)
    chosen = np.flatnonzero(there & (data.popularity[1:] >= THRESHOLDS.fewest))
    chosen = chosen if len(chosen) >= 2 else np.flatnonzero(there)
    if len(chosen) > ITEMS:
        chosen = np.sort(chosen[np.argsort(-data.popularity[chosen + 1], kind="stable")[:ITEMS]])
    pairs = sample.among(chosen).pairs
    if not len(pairs):
        return np.zeros(len(candidates))
    if len(pairs) > PAIRS:
        pairs = pairs[np.sort(np.random.default_rng(0).choice(len(pairs), PAIRS, replace=False))]
    own = data.popularity[1:]
    of_row = np.zeros(len(whole), dtype=own.dtype)
    first = candidates[0].rows
    of_row[first[first >= 0]] = own[first >= 0]
    found = []
    for c in candidates:
        rows = c.rows[chosen]
        part = np.delete(whole.rows(rows), heavy, axis=1)
        basis = popularity_basis(own[chosen], *([] if c is candidates[0] else [of_row[rows]]))
        found.append(alignment(Rows(part, Moments.from_table(part), basis), pairs).z)
    return np.array(found)


def clearly_better(z: float, other: float) -> bool:
    return bool(z >= CLEAR and z >= BETTER * other and z - other >= BY)


def decided(candidates: Sequence[Candidate], z: np.ndarray, said: str | None, whole: Whole, trusted: bool) -> tuple[Join, int | None]:
    """The join, and which candidate is used; None if no verdict on meaning can be given.

    said: why the first candidate is assumed, as a sentence; None if nothing says so. trusted: whether ``said`` needs no evidence: the owner
    has asked for it.
    """
    best = int(np.argmax(z))
    used: int | None = 0
    if said is None:
        rivals = [z[i] for i, c in enumerate(candidates) if i != best and (c.rows == candidates[best].rows).mean() < ALIKE]
        clear = bool(z[best] >= CLEAR) and all(clearly_better(z[best], other) for other in rivals)
        noise = z[best] < CLEAR
        used = best if clear else 0 if noise and len(whole) - len(candidates[0].rows) in (0, 1) else None
    else:
        corrected = clearly_better(z[best], max(z[0], 0.0))
        used = best if corrected else 0
        clear = corrected or bool(z[0] >= HELD)
    top = max(float(z[best]), 1e-12)
    ranked = [
        {"name": candidates[i].name, "words": candidates[i].words, "z": round(float(z[i]), 2), "share": round(max(float(z[i]), 0) / top, 4)}
        for i in np.argsort(-z, kind="stable")
    ]
    chosen = candidates[used if used is not None else best]
    unused = len(whole) - len(np.unique(chosen.rows[chosen.rows >= 0]))
    missing = int((chosen.rows < 0).sum())
    asked = None if said is None else candidates[0].name
    given_back = said is None and clear and whole.lead == 1 and bool((chosen.rows == 0).any())
    moved = used is not None and ((said is not None and used != 0) or given_back)
    join = Join(chosen.name, asked, clear, "", chosen.option if moved else None, tuple(ranked), unused, missing)
    says, doubt = _said(join, candidates, z, used, best, said, whole, trusted)
    return replace(join, says=says, doubt=doubt), used


def _said(
    join: Join, candidates: Sequence[Candidate], z: np.ndarray, used: int | None, best: int, said: str | None, whole: Whole, trusted: bool
) -> tuple[str, str | None]:
    """The finding in words, and the question it leaves open."""
    rest = [i for i in np.argsort(-z, kind="stable") if i != (best if used is None else used)]
    told = ", ".join(f"{candidates[i].words} {z[i]:.1f}" for i in rest[:3])
    others = f" (standard deviations from shuffled rows; {told}{' and lower' if len(rest) > 3 else ''})" if rest else ""
    surplus = _surplus(join, whole)
    if join.fix is not None and said is not None and used != 0:
        chosen = candidates[best]
        less = f"{z[best] / z[0]:.1f} times as clearly as" if z[0] >= THRESHOLDS.z else "which they do not"
        says = (
            f"The rows are joined to other items than assumed: taken {chosen.words}, items used together lie together ({z[best]:.1f} "
            f"standard deviations from shuffled rows), {less} {candidates[0].words} ({z[0]:.1f}). The verdict is for the former; "
            f"{join.fix} asks for it.{surplus}"
        )
        return says, None
    if said is not None:
        if join.clear or trusted:
            return f"{said}{_held(candidates, z, others)}{surplus}", None
        question = (
            f"Whether row and item belong together: in none of {len(candidates)} plausible joins do items used together lie together "
            f"(at most {z[best]:.1f} standard deviations from shuffled rows). Either the table means nothing, or its rows are in an order "
            "that was not tried; an id column settles it."
        )
        return f"{said} No join tried makes items used together lie together.{surplus}", question
    names = " or ".join(dict.fromkeys(c.option for c in candidates if c.default)) or " or ".join(
        dict.fromkeys(c.option for c in candidates[:4])
    )
    if used is not None and join.clear:
        chosen = candidates[used]
        alone = "the only order tried in which items used together are close" if rest else "in which items used together are close"
        lost = "" if join.fix is None else f"Row 0 was taken for padding and is an item; {join.fix} or --padding none says so. "
        return (
            f"{lost}Nothing says which row is which item; the rows were taken {chosen.words}, {alone}: {z[used]:.1f}{others}.{surplus}",
            None,
        )
    if used is not None:
        question = (
            f"Which row is which item cannot be told: in none of {len(candidates)} plausible joins are items used together close (at most "
            f"{z[best]:.1f} standard deviations from shuffled rows). Add an id column, or say the order if you know it: {names}."
        )
        return f"Which row is which item cannot be told: no plausible order makes items used together close.{surplus}", question
    question = (
        "Which row is which item, and so whether closeness means anything: the file has no ids, and of the plausible orders none is clear: "
        f"{candidates[best].words} {z[best]:.1f}{others}. Add an id column, or say the order if you know it: {names}."
    )
    return question, question


def _held(candidates: Sequence[Candidate], z: np.ndarray, others: str) -> str:
    """That the first join, which was asked for or assumed, holds, as far as the evidence says so."""
    if z[0] < THRESHOLDS.z:
        return ""
    if len(z) > 1 and all(clearly_better(z[0], max(other, 0.0)) for other in z[1:]):
        return f" Of {len(candidates)} plausible joins this one holds, clearly: {z[0]:.1f}{others}."
    return f" Of {len(candidates)} plausible joins none fits clearly better: {z[0]:.1f}{others}."


def _surplus(join: Join, whole: Whole) -> str:
    """How many rows belong to no item, and why that matters."""
    if join.rows_unused <= 1 and join.ids_missing == 0:
        return ""
    parts = []
    if join.rows_unused > 1:
        parts.append(
            f" {join.rows_unused:,} of the table's {len(whole):,} rows belong to no item of the interactions, so nothing says whether they "
            "mean anything: rows of users, of items that nobody used or that a filter left out."
        )
    if join.ids_missing:
        parts.append(f" {join.ids_missing:,} {'items have' if join.ids_missing > 1 else 'item has'} no row.")
    return "".join(parts)


def by_ids(rows: np.ndarray, how: str, whole: Whole, data: SequenceDataset) -> Join:
    """The join by the table's own ids, which always holds; said where the rows would fit far better if they were shifted by one.

    rows: the row of each item, without a row taken for padding.
    """
    at = np.where(rows >= 0, rows + whole.lead, -1)
    shifted = [np.where((at >= 0) & (at + by >= 0) & (at + by < len(whole)), at + by, -1) for by in (1, -1)]
    candidates = [Candidate("ids", "by their ids", at)]
    candidates += [
        Candidate(f"ids:{by:+d}", f"by their ids, shifted by one row {word}", s)
        for by, word, s in zip((1, -1), ("down", "up"), shifted, strict=True)
    ]
    join, used = decided(candidates, scores(whole, data, candidates), how, whole, True)
    if not used:
        return replace(join, says=f"{how}{_surplus(join, whole)}")
    question = (
        f"Whether the ids stand beside their own rows: joined {candidates[used].words}, items used together lie together "
        f"{join.candidates[0]['z']:.1f} standard deviations from shuffled rows, by the ids as they are "
        f"{next(c['z'] for c in join.candidates if c['name'] == 'ids'):.1f}. Look at how the file was written."
    )
    return replace(join, used="ids", clear=False, fix=None, says=f"{how} {question}", doubt=question)
