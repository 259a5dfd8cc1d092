"""Which row of a table is which item of a data set or an item file: by id, number or order. In doubt it refuses instead of guessing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.data.columns import listed, shown
from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.data.filters import item_table
from adrec.embeddings.source import Source
from adrec.errors import DataError

ENOUGH = 0.5
"""At least this share of the ids must be found; otherwise they belong to something else."""


def rows_of(ids: Sequence[str], source: Source, what: str) -> tuple[np.ndarray, str]:
    """The table row of each raw id, -1 if it has none, and a sentence saying how it was found.

    Tried in this order: the table's own item ids; the ids of a previously matched item file; ids that number the rows from 0 or 1; as many
    ids as rows, in order of first appearance. Otherwise a DataError says what does not match.
    """
    known = source.labels or (tuple(source.items.frame["item"]) if source.items is not None else None)
    if known is not None:
        return _by_labels(ids, known, source, what)
    numbered = _by_number(ids, source, what)
    if numbered is not None:
        return numbered
    rows = len(source.table)
    if len(ids) == rows:
        return np.arange(rows), f"{what} and table have {rows:,} items each: the i-th item in {what.lower()} is row i."
    raise DataError(
        f"{what} have {len(ids):,} items such as {listed(list(ids[:3]))}, the table '{source.name}' has {rows:,} rows, and nothing says "
        "which row is which item; expected a table with an id column, ids that number the rows, or as many items as rows."
    )


def _by_labels(ids: Sequence[str], labels: tuple[str, ...], source: Source, what: str) -> tuple[np.ndarray, str]:
    rows = pd.Series(np.arange(len(labels)), index=pd.Index([label.strip() for label in labels]))
    rows = rows[~rows.index.duplicated()]
    found = rows.reindex([i.strip() for i in ids]).fillna(-1).to_numpy(np.int64)
    hits = int((found >= 0).sum())
    if hits < ENOUGH * min(len(ids), len(labels)):
        examples = f"such as {listed(list(ids[:2]))}; the table's ids are such as {listed(list(labels[:2]))}"
        raise DataError(f"Only {hits:,} of the {len(ids):,} item ids of {what.lower()} are in '{source.name}': they are {examples}.")
    return found, f"{what} were joined by item id: {hits:,} of {len(ids):,} ids are in the table of {len(labels):,} rows."


def _by_number(ids: Sequence[str], source: Source, what: str) -> tuple[np.ndarray, str] | None:
    """Ids as row numbers, or None if they are not numbers. It must be clear which row is the first item."""
    if not all(i.isascii() and i.isdigit() and len(i) < 12 for i in ids):
        return None
    numbers, rows = np.array([int(i) for i in ids], dtype=np.int64), len(source.table)
    low, high = int(numbers.min()), int(numbers.max())
    if high > rows or (low == 0 and high == rows):
        return None
    if source.padded or high == rows:
        return numbers - 1, f"Item ids of {what.lower()} are taken as row numbers from 1 ({low} to {high:,}, {rows:,} rows)."
    if low == 0 or high == rows - 1:
        return numbers, f"Item ids of {what.lower()} are taken as row numbers from 0 ({low} to {high:,}, {rows:,} rows)."
    raise DataError(
        f"{what} number their items {low} to {high:,} and '{source.name}' has {rows:,} rows: whether id {low} is row {low} or {low - 1} "
        "is unclear; use --padding first if row 0 is not an item, or a table with an id column."
    )


def matched(data: SequenceDataset, source: Source) -> dict[str, Any]:
    """New fields ``data``, ``items`` and ``notes`` of a source, from interactions whose items are renumbered as the table's rows."""
    frame = data.items.frame
    rows, how = _trained_on(data, source) or rows_of(frame["item"].tolist(), source, "The interactions")
    new = np.concatenate([[0], rows + 1])  # id -> row + 1, 0 for an item without a row
    items = source.items or _items(source, frame, rows)
    moved = new[data.train_items]
    keep = moved > 0
    if not keep.any():
        raise DataError(f"No training interaction of '{data.name}' is with an item of '{source.name}'.")
    kept = np.concatenate([[0], np.cumsum(keep)])[data.train_offsets]
    lost = len(keep) - int(keep.sum())
    note = f"{lost:,} of {len(keep):,} training interactions are with items that the table lacks." if lost else ""
    histories = {"train_items": moved[keep].astype(np.int32), "train_offsets": kept.astype(np.int64)}
    answers = {"val": new[data.val].astype(np.int32), "test": new[data.test].astype(np.int32)}
    aligned = replace(data, **histories, **answers, items=items)
    return {"data": aligned, "items": items, "notes": (*source.notes, how, *([note] if note else []))}


def _trained_on(data: SequenceDataset, source: Source) -> tuple[np.ndarray, str] | None:
    """Rows in the data set's own order if the run was trained on exactly these histories, whatever a file calls its items."""
    entry = source.run[0].info.get("dataset") if source.run is not None else None
    if not isinstance(entry, Mapping) or entry.get("hash") != data.content_hash or data.n_items != len(source.table):
        return None
    return np.arange(data.n_items), "The interactions are those that the run was trained on."


def _items(source: Source, frame: pd.DataFrame, rows: np.ndarray) -> ItemTable:
    """The data set's items in the order of the table's rows; a row without one keeps its own id or number."""
    known = rows >= 0
    ordered = frame.iloc[known].set_axis(pd.Index(rows[known] + 1)).groupby(level=0).first()
    ordered = ordered.reindex(pd.RangeIndex(1, len(source.table) + 1, name="id"))
    own = pd.Series(source.labels or [f"row {i}" for i in range(len(source.table))], index=ordered.index)
    ordered["item"] = ordered["item"].fillna(own)
    ordered["title"] = ordered["title"].fillna(own)
    return ItemTable(ordered.fillna(""))


def items_of(path: Path, source: Source) -> dict[str, Any]:
    """New fields ``items`` and ``notes`` of a source, from an item file."""
    from adrec.data.item_files import read_items

    frame = read_items(path)
    ids = [str(i) for i in frame.index]
    if not ids:
        raise DataError(f"The item file {shown(path)} has no items.")
    rows, how = rows_of(ids, replace(source, items=None), "The titles")
    attributes = frame.iloc[rows >= 0].set_axis(pd.Index(rows[rows >= 0]).astype(str))
    raw = item_table([str(i) for i in range(len(source.table))], attributes[~attributes.index.duplicated()]).frame
    own = np.array(source.labels or [f"row {i}" for i in range(len(source.table))], dtype=object)
    if source.labels is None:
        own[rows[rows >= 0]] = np.array(ids, dtype=object)[rows >= 0]
    titles = np.where(raw["title"] == raw["item"], own, raw["title"])
    return {"items": ItemTable(raw.assign(item=own, title=titles)), "notes": (*source.notes, how)}
