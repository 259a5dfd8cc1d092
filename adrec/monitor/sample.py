"""The rows that a monitor follows: chosen once, from the first table, with the interactions among them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adrec.collapse.cooccurrence import Cooccurrence
from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.embeddings.bring import item_table
from adrec.embeddings.given import array_of, interactions_of
from adrec.embeddings.matching import by_labels, joined
from adrec.embeddings.source import Source
from adrec.errors import WeightsError
from adrec.runs.snapshots import spread

FEWEST = 2


@dataclass(frozen=True)
class Sample:
    """rows: (n,) of the whole table, ascending. shape: of the whole table. first: these rows of the first table. data: the interactions
    whose item i + 1 is the i-th of these rows, with their pairs; None without interactions."""

    rows: np.ndarray
    shape: tuple[int, int]
    first: np.ndarray
    items: ItemTable
    data: SequenceDataset | None
    pairs: Cooccurrence | None

    @classmethod
    def of(cls, table: Any, interactions: Any, ids: Sequence[Any] | None, most: int) -> "Sample":
        """At most ``most`` rows: of those with interactions, spread over popularity; without interactions, of those that are not zero.

        ids: of the rows, as the interactions have them; by default their numbers, from 0. Where row 0 may be a padding row, which no
        evidence can tell before training, that is a WeightsError.
        """
        whole = array_of(table)
        if whole.ndim != 2 or whole.dtype.kind not in "fiu":
            raise WeightsError(f"A monitor was given shape {whole.shape} and type {whole.dtype}; expected a table with one row per item.")
        if ids is not None and len(ids) != len(whole):
            raise WeightsError(f"A monitor was given {len(ids):,} ids for {len(whole):,} rows; expected one id per row of the table.")
        labels = tuple(str(i) for i in (range(len(whole)) if ids is None else ids))
        every = np.flatnonzero(np.asarray(whole != 0).any(axis=1))
        data = None if interactions is None else interactions_of(interactions, ids)
        place, popularity = None, every
        if data is not None:
            if ids is None:
                _ask_for_ids(whole, data)
            place, _ = by_labels(data.items.frame["item"].tolist(), labels, Source("the table", whole), "The interactions")
            often = np.zeros(len(whole), dtype=np.int64)
            np.add.at(often, place[place >= 0], data.popularity[1:][place >= 0])
            every = np.flatnonzero(often)
            popularity = often[every]
        if len(every) < FEWEST:
            raise WeightsError(f"A monitor found {len(every)} rows to follow; expected at least {FEWEST} that are used and not zero.")
        rows = every if len(every) <= most else every[spread(popularity, most)]
        source = Source("the table", np.array(whole[rows]), tuple(labels[row] for row in rows))
        pairs = None
        if data is not None and place is not None:
            new = np.full(len(whole), -1, dtype=np.int64)
            new[rows] = np.arange(len(rows))
            source = replace(source, **joined(data, source, np.where(place >= 0, new[place], -1), ""))
            pairs = None if source.data is None else Cooccurrence.from_dataset(source.data)
        return cls(rows, whole.shape, source.table, item_table([source]), source.data, pairs)

    def of_table(self, table: Any) -> np.ndarray:
        """A copy of these rows of a later table; of a tensor, chosen on its own device."""
        if tuple(table.shape) != self.shape:
            raise WeightsError(f"A monitor was given a table of shape {tuple(table.shape)} after one of {self.shape}; expected the same.")
        if hasattr(table, "index_select"):
            import torch

            return array_of(table.detach().index_select(0, torch.as_tensor(self.rows, device=table.device)))
        return np.array(array_of(table)[self.rows])

    def source(self, table: np.ndarray, name: str) -> Source:
        """These rows of a table as what ``judge`` judges."""
        return Source(name, table, tuple(self.items.frame["item"]), items=self.items, data=self.data, initial=self.first)


def _ask_for_ids(whole: np.ndarray, data: SequenceDataset) -> None:
    """Raise a WeightsError if items are numbered from 0 and row 0 may be none of them."""
    ids = data.items.frame["item"].tolist()
    if "0" not in ids or not all(i.isdecimal() for i in ids):
        return
    last, rows = max(map(int, ids)), len(whole)
    if not whole[0].any() or rows == last + 2:
        raise WeightsError(
            f"A monitor was given {rows:,} rows for items 0 to {last:,}, and row 0 may be a padding row. "
            f"Say ids=[None, *range({rows - 1})] if it is, and ids=range({rows}) if it is item 0."
        )
