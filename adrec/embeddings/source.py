"""An item table to judge, from a file or a run, and what is known about it."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.embeddings.joins import Join
from adrec.reading.account import Account
from adrec.runs import RunFolder


@dataclass(frozen=True)
class Source:
    """A table to judge and what is known about it.

    table: (V, D) without padding row. labels: the items' own ids, if known. notes: sentences about how it was read. padded: whether a
    padding row was removed. data: the interactions, with items numbered as the table's rows. initial: the table before training. run: the
    run folder and the table's name in it, if it comes from one; own: whether data and initial table are the run's own. account: what was
    read from the file. undecided: what only the owner of the file knows, as sentences. removed: the row 0 that was taken for padding;
    taken: which rows, counted with it, ``table`` is of, if others than all but that one. join: which row is which item. sideways: the
    question whether the columns are the items, where the shape asks it and nobody has said. kept: where each row stood among those that
    were read, if that is not its place.
    """

    name: str
    table: np.ndarray
    labels: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    padded: bool = False
    items: ItemTable | None = None
    data: SequenceDataset | None = None
    initial: np.ndarray | None = None
    run: tuple[RunFolder, str] | None = None
    own: bool = False
    account: Account | None = None
    undecided: tuple[str, ...] = ()
    removed: np.ndarray | None = None
    taken: tuple[int, int] | None = None
    join: Join | None = None
    sideways: str | None = None
    kept: np.ndarray | None = None

    @property
    def numbers(self) -> np.ndarray:
        """The number of each row in the file, from 0: a padding row counts, a line of names does not."""
        first = self.taken[0] if self.taken is not None else int(self.removed is not None)
        return np.asarray(first + (np.arange(len(self.table)) if self.kept is None else self.kept))

    @property
    def names(self) -> list[str]:
        """What the rows are called: their ids, or by their numbers."""
        return list(self.labels or (f"row {number}" for number in self.numbers.tolist()))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the table's shape and float32 numbers: the same table has the same digest in any file format."""
        digest = hashlib.sha256(str(self.table.shape).encode())
        digest.update(np.ascontiguousarray(self.table, dtype="<f4").data)
        return digest.hexdigest()
