"""How people number items: each item's place in every plausible order, among the items of a data set or all items of its file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.data.building import ids_of
from adrec.data.dataset import SequenceDataset
from adrec.errors import DataError
from adrec.reading.account import shown
from adrec.reading.engine import as_sentences, connect
from adrec.reading.roles import interaction_roles
from adrec.reading.rows import known, open_rows
from adrec.reading.text import HOW
from adrec.reading.values import answers

WORDS = {
    "appearance": "in order of first appearance",
    "numeric": "in numeric order of the ids",
    "text": "in alphabetical order of the ids",
    "users": "in order of first appearance, user after user",
    "time": "in order of first appearance in time",
    "popularity": "from the most to the least used item",
    "gensim": "from the most to the least used item, of equals the one seen last first, as gensim does",
    "number": "with the id as the row's number",
}
"""Orders by name, as ``--order`` takes them."""
ALL = "-all"
"""After the name of an order: of all items of the interactions' file, also those that filters leave out."""
OFTEN = "-often"
"""After the name of an order: of the items used most often, as many as the table has rows, as gensim's min_count leaves them."""
NUMBERS = 18
"""Ids of more digits are no numbers."""


@dataclass(frozen=True)
class Numbering:
    """An order of items. places: each item's place from 0, -1 for none, (V,); count: how many places there are."""

    name: str
    words: str
    places: np.ndarray
    count: int


def basic(name: str) -> str:
    """The name in WORDS of an order, of whichever items it is and whatever row it begins with."""
    return name.partition(":")[0].removesuffix(ALL).removesuffix(OFTEN)


def asked_order(order: str) -> tuple[str, int | None]:
    """The name of an order and the row of its first place, from ``NAME`` or ``NAME:ROW``."""
    name, colon, row = order.partition(":")
    if basic(name) not in WORDS:
        raise DataError(f"The order of the rows must be one of {', '.join(WORDS)}, not {shown(order)}.")
    if not colon:
        return name, None
    if not row.removeprefix("-").isdecimal() or not row.isascii() or len(row) > 12:
        raise DataError(f"After the order {name} you can give the row of its first item, as in {name}:1, not {shown(row)}.")
    return name, int(row)


def check_order(order: str | None, interactions: Any) -> None:
    """A DataError if an order that was asked for is none, or there are no interactions of whose items it could be."""
    if order is None:
        return
    asked_order(order)
    if interactions is None:
        raise DataError("The order of the rows says which row is which item of the interactions, so it needs interactions.")


def numberings(data: SequenceDataset, path: Path | None = None) -> list[Numbering]:
    """All orders that the items have, the one of the data set first; path: the interactions' file, which may tell more of them."""
    ids = data.items.frame["item"].tolist()
    file = None if path is None else _of_file(path, ids, data.options)
    found = _numbered(ids, _counts(data), None if file is None else file.loc[ids, "time"].to_numpy())
    by_user = np.concatenate([data.interactions, np.arange(1, len(ids) + 1)])  # items that only filters have kept come last
    found.insert(3, Numbering("users", WORDS["users"], _places(pd.unique(by_user) - 1), len(ids)))
    numbers = _as_numbers(ids)
    if numbers is not None and numbers.min() >= 0 and numbers.max() < 1 << 40:
        found.append(Numbering("number", WORDS["number"], numbers, int(numbers.max()) + 1))
    if file is not None and len(file) > len(ids):
        every = file.index.tolist()
        kept = file.index.get_indexer(pd.Index(ids))
        for n in _numbered(every, file["count"].to_numpy(), file["time"].to_numpy()):
            found.append(Numbering(n.name + ALL, f"{n.words}, counting all items of the file", n.places[kept], n.count))
    return [n for n in found if n.count]


def of_the_frequent(numbered: Sequence[Numbering], data: SequenceDataset, rows: int) -> list[Numbering]:
    """The orders of the items used at least so often that they are as many as the rows of a table, perhaps after one for no item."""
    counts = _counts(data)
    ranked = np.sort(counts)[::-1]
    fit = [size for size in (rows, rows - 1) if 1 <= size < len(ranked) and ranked[size - 1] > ranked[size]]
    if not fit:
        return []
    least = int(ranked[fit[0] - 1])
    kept, found = np.flatnonzero(counts >= least), []
    for n in numbered:
        if n.name in WORDS and n.name != "number":
            places = np.full(len(counts), -1)
            places[kept[np.argsort(n.places[kept])]] = np.arange(fit[0])
            words = f"{n.words}, of those used at least {least:,} time{'s' * (least > 1)}"
            found.append(Numbering(n.name + OFTEN, words, places, fit[0]))
    return found


def _numbered(ids: list[str], counts: np.ndarray, times: np.ndarray | None) -> list[Numbering]:
    """The orders of items that are given in order of first appearance."""
    numbers = _as_numbers(ids)
    keys = {
        "appearance": np.arange(len(ids)),
        "numeric": numbers,
        "text": np.array(ids, dtype=str),
        "time": None if times is None or pd.isna(times).any() else times,
        "popularity": -counts,
    }
    orders = {name: np.argsort(key, kind="stable") for name, key in keys.items() if key is not None}
    orders["gensim"] = np.argsort(counts, kind="stable")[::-1]
    return [Numbering(name, WORDS[name], _places(order), len(ids)) for name, order in orders.items()]


def _places(order: np.ndarray) -> np.ndarray:
    """The place of each item in an order of all items."""
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


def _as_numbers(ids: Sequence[str]) -> np.ndarray | None:
    if not all(i.isascii() and i.removeprefix("-").isdigit() and len(i) < NUMBERS for i in ids):
        return None
    return np.array([int(i) for i in ids], dtype=np.int64)


def _counts(data: SequenceDataset) -> np.ndarray:
    return np.asarray(np.bincount(data.interactions, minlength=data.n_items + 1)[1:])


def _of_file(path: Path, ids: Sequence[str], options: Mapping[str, Any]) -> pd.DataFrame | None:
    """All items of the interactions' file in order of first appearance, with their count and first time; None for another kind of file."""
    if not known(path) or not path.is_file():
        return None
    try:
        with connect() as con, open_rows(path, con, **{name: options[name] for name in HOW if options.get(name)}) as rows:
            roles = interaction_roles(rows, con, options)
            columns = {} if roles.times is None else {f"t{i}": name for i, name in enumerate(roles.time)}
            time = "null" if roles.times is None else f"min({roles.times.sql(*columns)})"
            item_of, _ = ids_of(con, roles.rows.relation(con, {"value": roles.item}), roles.rows, roles.item, "item")
            query = f"select {item_of('item')} as i, {time}, count(*) from read_items group by i having i is not null order by min(row)"
            with as_sentences(path):
                seen = answers(con, roles.rows.relation(con, {"item": roles.item, **columns}), "read_items", query)
    except DataError:
        return None
    found = pd.DataFrame({"item": [str(i) for i, *_ in seen], "time": [t for _, t, _ in seen], "count": [n for *_, n in seen]})
    found = found.drop_duplicates("item").set_index("item")
    return found if found.index.isin(list(ids)).sum() == len(set(ids)) == len(ids) else None
