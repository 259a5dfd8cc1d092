"""From the engine's sorted rows to a data set's arrays: the items of every user by part, ids, item data. Only blocks leave it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from adrec.data.dataset import category_name
from adrec.data.timeline import Timeline
from adrec.reading.rows import Rows
from adrec.reading.values import MISSING, SPACE, asked

BLOCK = 1 << 20
"""Rows that leave the engine at once."""


@dataclass(frozen=True)
class Sizes:
    """The users that go on, in order: their codes before the filters, how many of their rows are trained on and how many lie between
    those and the test answer, and all of them; the codes of the items, in order; how many users the split left out."""

    users: np.ndarray
    train: np.ndarray
    between: np.ndarray
    lengths: np.ndarray
    items: np.ndarray
    short: int

    def numbers(self, which: str, codes: int) -> np.ndarray:
        """For each code before the filters the number 0, 1, ... of the user or item, or -1."""
        of = self.users if which == "user" else self.items
        found = np.full(codes, -1, dtype=np.int32)
        found[of] = np.arange(len(of), dtype=np.int32)
        return found


def blocks(con: duckdb.DuckDBPyConnection, *columns: str) -> Iterator[tuple[np.ndarray, ...]]:
    """These columns of ``rows`` in order, in blocks of whole users. The first must be u."""
    reader = con.cursor().sql(f"select {', '.join(columns)} from rows").to_arrow_reader(BLOCK)
    waiting: list[tuple[np.ndarray, ...]] = []
    for batch in reader:
        arrays = tuple(column.to_numpy(zero_copy_only=False) for column in batch.columns)
        if not len(arrays[0]):
            continue
        end = int(np.searchsorted(arrays[0], arrays[0][-1]))  # the last user may go on in the next block
        if end or (waiting and waiting[-1][0][-1] != arrays[0][0]):
            parts = [*waiting, tuple(a[:end] for a in arrays)]
            yield tuple(np.concatenate(part) for part in zip(*parts, strict=True))
            waiting = []
        waiting.append(tuple(a[end:] for a in arrays))
    if waiting:
        yield tuple(np.concatenate(part) for part in zip(*waiting, strict=True))


@dataclass(frozen=True)
class Arrays:
    """con: holds the tables ``rows``, ``live``, ``user_ids`` and ``item_ids``. into: a folder for the arrays, else they are in memory.
    split: whether it was by time; timed: whether the times of different users can be compared."""

    con: duckdb.DuckDBPyConnection
    sizes: Sizes
    into: Path | None
    split: bool
    timed: bool

    def _one(self, query: str) -> tuple[Any, ...]:
        return self.con.execute(query).fetchall()[0]

    def _array(self, name: str, length: int, kind: str) -> np.ndarray:
        """An array to fill: in the folder, or in memory."""
        if self.into is None:
            return np.zeros(length, dtype=kind)
        return np.lib.format.open_memmap(self.into / f"{name}.npy", mode="w+", dtype=kind, shape=(length,))

    def parts(self) -> tuple[dict[str, np.ndarray], Timeline | None]:
        """The items of all users by part, written block by block; and when they were chosen, where times can be compared."""
        sizes = self.sizes
        codes = {role: int(self._one(f"select count(*) from {role}_ids")[0]) for role in ("user", "item")}
        user_of, item_of = (sizes.numbers(role, codes[role]) for role in ("user", "item"))
        users = len(sizes.users)
        offsets = self._array("train_offsets", users + 1, "<i8")
        offsets[0] = 0
        np.cumsum(sizes.train, out=offsets[1:])
        train, val, test = (self._array(n, m, "<i4") for n, m in (("train_items", int(offsets[-1])), ("val", users), ("test", users)))
        made = {"train_items": train, "train_offsets": offsets, "val": val, "test": test}
        if self.split:
            made["between_offsets"] = self._array("between_offsets", users + 1, "<i8")
            np.cumsum(sizes.between, out=made["between_offsets"][1:])
            made["between_items"] = self._array("between_items", int(made["between_offsets"][-1]), "<i4")
        first, last = self._one("select min(t), max(t) from live") if self.timed else (0, 0)
        timeline = Timeline(first, last, len(sizes.items)) if self.timed else None
        for u, i, *t in blocks(self.con, "u", "i", *(["t"] if timeline else [])):
            user, item = user_of[u], item_of[i]
            live = (user >= 0) & (item >= 0)
            user, item = user[live], item[live] + 1
            if not len(user):
                continue
            begins = np.flatnonzero(np.append(True, user[1:] != user[:-1]))
            place = np.arange(len(user)) - np.repeat(begins, np.diff(np.append(begins, len(user))))
            after = place - sizes.train[user]  # rows since training: the validation answer is 0 if there was any
            training, tested = after < 0, after == sizes.between[user]
            validated = (after == 0) & ~tested & (sizes.train[user] > 0)
            train[offsets[user[training]] + place[training]] = item[training]
            val[user[validated]], test[user[tested]] = item[validated], item[tested]
            if self.split:
                known = ~training & ~tested
                made["between_items"][made["between_offsets"][user[known]] + after[known]] = item[known]
            if timeline:
                timeline.add(user, item - 1, t[0][live], np.select([training, validated, tested], [0, 1, 2], -1))
        return made, timeline

    def _names(self, role: str, codes: np.ndarray) -> Iterator[str]:
        """The ids of these codes, in their order."""
        self.con.register("wanted", pa.table({"code": codes, "place": np.arange(len(codes))}))
        reader = self.con.sql(f"select id from {role}_ids join wanted using (code) order by place").to_arrow_reader(BLOCK)
        for batch in reader:
            yield from batch.column(0).to_pylist()
        self.con.unregister("wanted")

    def item_ids(self) -> list[str]:
        """The items' own ids."""
        return list(self._names("item", self.sizes.items))

    def user_ids(self) -> np.ndarray:
        """The users' own ids."""
        self.con.register("chosen", pa.table({"code": self.sizes.users}))
        longest = int(self._one("select max(length(id)) from user_ids join chosen using (code)")[0])
        self.con.unregister("chosen")
        array = self._array("user_ids", len(self.sizes.users), f"<U{max(longest, 1)}")
        for place, name in enumerate(self._names("user", self.sizes.users)):
            array[place] = name
        return array

    def attributes(self, rows: Rows, chosen: Mapping[str, str]) -> pd.DataFrame:
        """Titles and categories from the first row of each item. chosen: their columns."""
        self.con.register("wanted", pa.table({"code": self.sizes.items}))
        self.con.execute("create table firsts as select id, row from item_ids join wanted using (code)")
        self.con.unregister("wanted")
        relation = rows.relation(self.con, chosen)
        query = f"select firsts.id, {', '.join(f'lines.{role}' for role in chosen)} from lines join firsts on lines.row = firsts.row"
        table = asked(self.con, relation, "lines", query).to_arrow_table()
        values = {role if role == "title" else category_name(column): texts(table.column(role)) for role, column in chosen.items()}
        return pd.DataFrame(values, index=table.column("id").to_pylist())


def texts(values: pa.ChunkedArray) -> np.ndarray:
    """A column as text (N,), empty if missing; several values in a row are joined by ``|``."""

    def text(value: Any) -> str:
        if isinstance(value, list):
            return "|".join(str(v).strip() for v in value if v is not None)
        word = "" if value is None else str(value).strip(SPACE)
        return "" if word in MISSING else word

    return np.array([text(value) for value in values.to_pylist()], dtype=object)
