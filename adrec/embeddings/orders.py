"""The order of a table's rows where no ids say it: plausible orders are tried, and one is used only if it alone makes sense."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.moments import Moments
from adrec.collapse.semantics import Rows, alignment, popularity_basis, sampled
from adrec.collapse.thresholds import THRESHOLDS
from adrec.data.building import ids_of
from adrec.data.dataset import SequenceDataset
from adrec.errors import DataError
from adrec.reading.engine import as_sentences, connect
from adrec.reading.roles import interaction_roles
from adrec.reading.rows import known, open_rows
from adrec.reading.text import HOW
from adrec.reading.values import answers

CLEAR = 8.0
"""The alignment beyond popularity, in standard deviations of shuffled rows, from which an order is taken. Chance gives 8 never."""
ALONE = 4.0
"""Every other order must align this many times less, or no more than chance."""
WORDS = {
    "appearance": "in order of first appearance",
    "numeric": "in numeric order of the ids",
    "text": "in alphabetical order of the ids",
    "users": "in order of first appearance, user after user",
    "time": "in order of first appearance in time",
}


@dataclass(frozen=True)
class Order:
    """A plausible order. rows: the row of each item (V,). name: of the option. words: for sentences."""

    name: str
    words: str
    rows: np.ndarray


def _appearance(ids: Sequence[str], data: SequenceDataset) -> np.ndarray:
    return np.arange(len(ids))


def _numeric(ids: Sequence[str], data: SequenceDataset) -> np.ndarray | None:
    if not all(i.isascii() and i.removeprefix("-").isdigit() and len(i) < 18 for i in ids):
        return None
    return _ranks(np.array([int(i) for i in ids]))


def _text(ids: Sequence[str], data: SequenceDataset) -> np.ndarray:
    return _ranks(np.array(ids, dtype=str))


def _users(ids: Sequence[str], data: SequenceDataset) -> np.ndarray:
    ends = data.train_offsets[1:]
    every = np.insert(data.train_items, np.repeat(ends, 2), np.stack([data.val, data.test], axis=1).ravel())
    every = np.concatenate([every, np.arange(1, len(ids) + 1)])  # items that only filters have kept come last
    rows = np.empty(len(ids), dtype=np.int64)
    rows[pd.unique(every[every > 0]) - 1] = np.arange(len(ids))
    return rows


def _ranks(keys: np.ndarray) -> np.ndarray:
    rows = np.empty(len(keys), dtype=np.int64)
    rows[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return rows


ORDERS: dict[str, Callable[[Sequence[str], SequenceDataset], np.ndarray | None]] = {
    "appearance": _appearance,
    "numeric": _numeric,
    "text": _text,
    "users": _users,
}
"""Plausible orders by name, as ``--order`` takes them, besides the one in time."""


def in_time(path: Path, ids: Sequence[str], options: Mapping[str, Any]) -> np.ndarray | None:
    """The row of each item if the rows are in order of first appearance in time; None without times, or for another kind of file."""
    if not known(path) or not path.is_file():
        return None
    try:
        with connect() as con, open_rows(path, con, **{name: options[name] for name in HOW if options.get(name)}) as rows:
            roles = interaction_roles(rows, con, options)
            if roles.times is None:
                return None
            columns = {f"t{i}": name for i, name in enumerate(roles.time)}
            item_of, _ = ids_of(con, roles.rows.relation(con, {"value": roles.item}), roles.rows, roles.item, "item")
            query = f"select {item_of('item')} as i from read_items group by i order by min({roles.times.sql(*columns)}), min(row)"
            with as_sentences(path):
                seen = [str(i) for (i,) in answers(con, roles.rows.relation(con, {"item": roles.item, **columns}), "read_items", query)]
    except DataError:
        return None
    number = {item: k for k, item in enumerate(ids)}
    kept = np.array([number[item] for item in seen if item in number], dtype=np.int64)
    return _ranks(np.argsort(kept)) if len(kept) == len(ids) else None


def plausible(ids: Sequence[str], rows: int, data: SequenceDataset, times: np.ndarray | None = None) -> list[Order]:
    """The orders that a table of so many rows may have: each of ORDERS once; with one row more than items, after a first row for none.

    times: the rows of the order in time, if it is known.
    """
    found: list[Order] = []
    every = {name: order(ids, data) for name, order in ORDERS.items()} | {"time": times}
    for name, of in every.items():
        twin = None if of is None else next((i for i, other in enumerate(found) if np.array_equal(other.rows, of)), None)
        if of is not None and twin is None:
            found.append(Order(name, WORDS[name], of))
    if rows == len(ids) + 1:
        found = [Order(o.name, f"{o.words} after a first row for no item", o.rows + 1) for o in found]
    return found


def aligned(table: np.ndarray, data: SequenceDataset, orders: Sequence[Order]) -> list[float]:
    """How clearly items used together lie together in each order: beyond popularity, in standard deviations of shuffled rows."""
    whole = Cooccurrence.from_dataset(data)
    items = np.flatnonzero(whole.popularity >= THRESHOLDS.fewest)
    items = items if len(items) >= 2 else np.arange(data.n_items)
    pairs = whole.among(items)
    if not len(pairs.pairs):
        return [0.0] * len(orders)
    basis = popularity_basis(pairs.popularity)
    scores = []
    for order in orders:
        part = np.asarray(table[order.rows[items]])
        scores.append(alignment(Rows(part, Moments.from_table(part), basis), sampled(pairs.pairs, 0)).z)
    return scores


def ordered(
    table: np.ndarray, ids: Sequence[str], data: SequenceDataset, wanted: str | None = None, times: np.ndarray | None = None
) -> tuple[np.ndarray | None, str]:
    """The row of each item and a sentence on how it was found; None and the open question if no order is clear.

    wanted: one of WORDS, taken as it is. times: as in ``plausible``.
    """
    if wanted is not None:
        first = len(table) - len(ids)
        if first not in (0, 1):
            raise DataError(
                f"The table has {len(table):,} rows and the interactions have {len(ids):,} items, so no order says which row is which "
                "item; expected as many rows as items, or one more for no item."
            )
        of = times if wanted == "time" else ORDERS[wanted](ids, data)
        if of is None:
            raise DataError(f"The items cannot be taken {WORDS[wanted]}: the interactions have no times, or ids that are no numbers.")
        return of + first, f"The items of the interactions are the rows {WORDS[wanted]}, as asked."
    orders = plausible(ids, len(table), data, times)
    scores = aligned(table, data, orders)
    best = int(np.argmax(scores))
    others = [score for i, score in enumerate(scores) if i != best]
    told = ", ".join(f"{order.words} {score:.1f}" for order, score in zip(orders, scores, strict=True))
    if scores[best] >= CLEAR and all(score < max(THRESHOLDS.z, scores[best] / ALONE) for score in others):
        alone = "in which items used together are close" if not others else "the only order tried in which items used together are close"
        return orders[best].rows, (
            f"Nothing says which row is which item; the rows were taken {orders[best].words}, {alone} "
            f"(standard deviations from shuffled rows: {told})."
        )
    names = " or ".join(f"--order {order.name} ({order.words})" for order in orders)
    return None, (
        "Which row is which item, and so whether closeness means anything: the file has no ids, and of the plausible orders none is clear "
        f"(standard deviations from shuffled rows: {told}). Say {names}, or add an id column."
    )
