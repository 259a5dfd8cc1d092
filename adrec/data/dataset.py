"""The two data structures everything else reads: interaction sequences and the item table."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from adrec.errors import DataError

Split = Literal["val", "test"]
GENRES = ("class", "genre", "genres")


@dataclass(frozen=True)
class ItemTable:
    """What is known about the items 1..V besides their interactions.

    frame: index ``id`` 1..V in order; column ``item`` holds the raw id (str), ``title`` the name shown to people (the raw id if there is
    none); further columns are categorical strings, multiple values joined by ``|``.
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        if not self.frame.index.equals(pd.RangeIndex(1, len(self.frame) + 1)):
            raise DataError("The item table's index must be the ids 1 to V in order.")
        for column in ("item", "title"):
            if column not in self.frame:
                raise DataError(f"The item table lacks the column '{column}'.")

    @classmethod
    def untitled(cls, raw_ids: list[str]) -> "ItemTable":
        """An item table with raw ids only."""
        index = pd.RangeIndex(1, len(raw_ids) + 1, name="id")
        return cls(pd.DataFrame({"item": raw_ids, "title": raw_ids}, index=index))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> list[str]:
        """The categorical columns, without ``item`` and ``title``."""
        return [c for c in self.frame.columns if c not in ("item", "title")]


@dataclass(frozen=True)
class SequenceDataset:
    """Each user's items in time order: ``train``, then one ``val`` and one ``test`` item, the last two if the split is leave-one-out.

    train_items: (sum of lengths,) int32, all users' training items, concatenated; train_offsets: (U + 1,) int64; val, test: (U,) int32;
    user_ids: (U,) the data set's own ids as strings. Item ids are 1..V, 0 is padding. The arrays may be read-only: those of a prepared
    folder are memory-mapped. options: how it was made (filters, source), recorded with every run. account: what was read from a file
    (`adrec.reading.account.Account`), if it came from one.

    Split at two moments for everybody, a user may have no training items, no validation or no test answer (then ``val`` or ``test`` is 0).
    between_items, between_offsets: as the training items, what each user took after training and before the test answer, the validation
    answer first if there is one. None for leave-one-out, where that is just the validation item.
    """

    name: str
    train_items: np.ndarray
    train_offsets: np.ndarray
    val: np.ndarray
    test: np.ndarray
    items: ItemTable
    user_ids: np.ndarray
    options: Mapping[str, Any] = field(default_factory=dict)
    account: Mapping[str, Any] | None = None
    between_items: np.ndarray | None = None
    between_offsets: np.ndarray | None = None

    @property
    def n_users(self) -> int:
        return len(self.val)

    @property
    def n_items(self) -> int:
        return len(self.items)

    @property
    def n_interactions(self) -> int:
        return len(self.train_items) + len(self.between[0]) + int(np.count_nonzero(self.test))

    def train(self, user: int) -> np.ndarray:
        """The training items of the user at position ``user``, oldest first."""
        return self.train_items[self.train_offsets[user] : self.train_offsets[user + 1]]

    @cached_property
    def between(self) -> tuple[np.ndarray, np.ndarray]:
        """What each user took after training and before the test answer, with offsets, whatever the split."""
        if self.between_items is None or self.between_offsets is None:
            return self.val, np.arange(self.n_users + 1)
        return self.between_items, self.between_offsets

    @property
    def interactions(self) -> np.ndarray:
        """All users' items, each user's in the order of time, concatenated."""
        known, offsets = self.histories(np.arange(self.n_users), "test")
        every = np.insert(known, offsets[1:], self.test)
        return every[every > 0]

    def known(self, split: Split) -> np.ndarray:
        """How many items are known of each user before the answer, (U,)."""
        training = np.diff(self.train_offsets)
        return training if split == "val" else training + np.diff(self.between[1])

    def history(self, user: int, split: Split, length: int) -> np.ndarray:
        """The last ``length`` items before the answer; for ``test`` they include those after training."""
        return self.histories(np.array([user]), split, length)[0]

    def histories(self, users: np.ndarray, split: Split, longest: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """What is known of these users before the answer, the last ``longest`` items of each, with offsets of their own, as
        ``train_items`` and ``train_offsets``."""
        parts = [(self.train_items, self.train_offsets), *([self.between] if split == "test" else [])]
        room = np.full(len(users), np.iinfo(np.int64).max if longest is None else longest)
        taken = []
        for items, offsets in reversed(parts):
            stops = offsets[users + 1]
            lengths = np.minimum(stops - offsets[users], room)
            room = room - lengths
            taken.append((items, stops, lengths))
        offsets = np.concatenate([[0], np.cumsum(sum(lengths for _, _, lengths in taken))]).astype(np.int64)
        found, ends = np.empty(offsets[-1], dtype=np.int32), offsets[1:]
        for items, stops, lengths in taken:
            found[windows(ends, lengths)] = items[windows(stops, lengths)]
            ends = ends - lengths
        return found, offsets

    def answers(self, split: Split) -> np.ndarray:
        """The item to predict for each user, (U,); 0 for a user without an answer, who is ranked nowhere."""
        return self.val if split == "val" else self.test

    def evaluated(self, split: Split) -> np.ndarray:
        """The positions of the users who have an answer, ascending."""
        return np.flatnonzero(self.answers(split))

    def restricted(self, users: np.ndarray) -> "SequenceDataset":
        """The data set of these users only."""
        items, offsets = histories_of(users, self.train_items, self.train_offsets)
        of: dict[str, Any] = {"train_items": items, "train_offsets": offsets}
        if self.between_items is not None:
            of["between_items"], of["between_offsets"] = histories_of(users, *self.between)
        return replace(self, val=self.val[users], test=self.test[users], user_ids=self.user_ids[users], **of)

    def trained_on(self, users: np.ndarray) -> "SequenceDataset":
        """The same users, of whom only these have training items. users: positions, ascending."""
        items, _ = histories_of(users, self.train_items, self.train_offsets)
        lengths = np.zeros(self.n_users, np.int64)
        lengths[users] = np.diff(self.train_offsets)[users]
        return replace(self, train_items=items, train_offsets=np.concatenate([[0], np.cumsum(lengths)]))

    def position(self, user_id: str) -> int:
        """The position 0..U-1 of a user, given the data set's own user id."""
        found = np.flatnonzero(self.user_ids == str(user_id))
        if not len(found):
            sample = ", ".join(self.user_ids[:3])
            raise DataError(f"User '{user_id}' is not in '{self.name}'; it has {self.n_users:,} users such as {sample}.")
        return int(found[0])

    @cached_property
    def popularity(self) -> np.ndarray:
        """Training occurrences of the ids 0..V, (V + 1,) int64; entry 0 is 0."""
        return np.bincount(self.train_items, minlength=self.n_items + 1)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of all sequences: the same data give the same hash on every machine."""
        digest = hashlib.sha256()
        arrays = [(self.train_items, "<i4"), (self.train_offsets, "<i8"), (self.val, "<i4"), (self.test, "<i4")]
        if self.between_items is not None:
            arrays += zip(self.between, ("<i4", "<i8"), strict=True)
        for array, kind in arrays:
            digest.update(np.ascontiguousarray(array, dtype=kind).data)
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """The counts that people ask for."""
        lengths = self.known("test") + (self.test > 0)
        return {
            "name": self.name,
            "users": self.n_users,
            "items": self.n_items,
            "interactions": self.n_interactions,
            "mean_length": round(float(lengths.mean()), 3),
            "median_length": float(np.median(lengths)),
            "longest": int(lengths.max()),
            "density": self.n_interactions / (self.n_users * self.n_items),
            "titles": bool((self.items.frame["title"] != self.items.frame["item"]).any()),
            "columns": self.items.columns,
            "options": dict(self.options),
            "hash": self.content_hash,
            "account": None if self.account is None else dict(self.account),
        }


def windows(stops: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Indices of the ``lengths`` entries before each stop, concatenated."""
    begins = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(stops - lengths - begins, lengths)


def histories_of(users: np.ndarray, items: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Only these users' parts of all users' items, with offsets of their own, as ``train_items`` and ``train_offsets``."""
    lengths = np.diff(offsets)[users]
    return items[windows(offsets[users + 1], lengths)], np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def split(sequence: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Leave-one-out split of all users' items, concatenated by user: train_items, train_offsets, val, test.

    sequence: (sum of lengths,) item ids. lengths: (U,), each at least 3.
    """
    sequence = sequence.astype(np.int32)
    last = np.cumsum(lengths) - 1
    training = np.ones(len(sequence), dtype=bool)
    training[last] = training[last - 1] = False
    offsets = np.concatenate([[0], np.cumsum(lengths - 2)]).astype(np.int64)
    return sequence[training], offsets, sequence[last - 1], sequence[last]


def item_table(raw_ids: list[str], attributes: pd.DataFrame | None) -> ItemTable:
    """The item table of these raw ids in order; an item without a title shows its raw id."""
    if attributes is None:
        return ItemTable.untitled(raw_ids)
    known = attributes.reindex(raw_ids).fillna("").astype(str)
    titles = known.pop("title") if "title" in known else pd.Series("", index=known.index)
    table: dict[str, Any] = {"item": raw_ids, "title": np.where(titles == "", raw_ids, titles)}
    table |= {column: known[column].to_numpy() for column in known.columns if (known[column] != "").any()}
    return ItemTable(pd.DataFrame(table, index=pd.RangeIndex(1, len(raw_ids) + 1, name="id")))


def category_name(column: str) -> str:
    """The item table's name for this category column: ``genre`` for all spellings of it, else the column's own name."""
    if column.lower() in GENRES:
        return "genre"
    return "category" if column in ("id", "item", "title", "popularity") else column
