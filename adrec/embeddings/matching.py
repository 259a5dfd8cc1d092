"""Which row of a table is which item of a data set or an item file: by id, number or order. In doubt it refuses instead of guessing."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.data.dataset import ItemTable, SequenceDataset, item_table
from adrec.embeddings.files import PADDING_LEFT_OUT, REMOVED
from adrec.embeddings.joins import Candidate, Join, Whole, by_ids, decided, distinct, placed, plausible, scores
from adrec.embeddings.orders import OFTEN, WORDS, Numbering, asked_order, basic, numberings, of_the_frequent
from adrec.embeddings.source import Source
from adrec.errors import DataError
from adrec.reading.account import Doubt, listed, shown
from adrec.reading.engine import as_sentences, connect
from adrec.reading.rows import open_rows

ENOUGH = 0.5
"""At least this share of the ids must be found; otherwise they belong to something else."""


def rows_of(ids: Sequence[str], source: Source, what: str) -> tuple[np.ndarray, str]:
    """The table row of each raw id, -1 if it has none, and a sentence saying how it was found.

    Tried in this order: the table's own item ids; the ids of a previously matched item file; ids that number the rows from 0 or 1; as many
    ids as rows, in order of first appearance. Otherwise a DataError says what does not match.
    """
    known = source.labels or (tuple(source.items.frame["item"]) if source.items is not None else None)
    if known is not None:
        return by_labels(ids, known, source, what)
    numbered = _by_number(ids, source, what)
    if numbered is not None:
        return numbered
    rows = len(source.table)
    if len(ids) == rows:
        return np.arange(rows), f"{what} and table have {rows:,} items each: the i-th item in {what.lower()} is row i."
    few = "" if rows >= len(ids) else " A table of fewer items, as min_count leaves them, needs its ids: --table-option ids=FILE."
    raise DataError(
        f"{what} have {len(ids):,} items such as {listed(list(ids[:3]))}, the table '{source.name}' has {rows:,} rows, and nothing says "
        f"which row is which item; expected a table with an id column, ids that number the rows, or as many items as rows.{few}"
    )


def by_labels(ids: Sequence[str], labels: tuple[str, ...], source: Source, what: str) -> tuple[np.ndarray, str]:
    """`rows_of` by the ids of the rows; a DataError if fewer than ENOUGH of them are found."""
    rows = pd.Series(np.arange(len(labels)), index=pd.Index([label.strip() for label in labels]))
    rows = rows[~rows.index.duplicated()]
    found = rows.reindex([i.strip() for i in ids]).fillna(-1).to_numpy(np.int64)
    loose = _loosely(ids, found, labels)
    hits = int((found >= 0).sum())
    if hits < ENOUGH * min(len(ids), len(labels)):
        examples = f"such as {listed(list(ids[:2]))}; the table's ids are such as {listed(list(labels[:2]))}"
        raise DataError(f"Only {hits:,} of the {len(ids):,} item ids of {what.lower()} are in '{source.name}': they are {examples}.")
    return found, f"{what} were joined by item id: {hits:,} of {len(ids):,} ids are in the table of {len(labels):,} rows.{loose}"


def _loosely(ids: Sequence[str], found: np.ndarray, labels: tuple[str, ...]) -> str:
    """Find numbers written differently on the two sides (007 and 7, 12.0 and 12), where only one can be meant; a sentence if there are.

    Changes ``found`` in place.
    """
    written: dict[str, set[str]] = {}
    row_of: dict[str, int] = {}
    for row, label in enumerate(labels):
        written.setdefault(_canonical(label), set()).add(label.strip())
        row_of.setdefault(_canonical(label), row)
    twice = pd.Series([_canonical(i) for i in ids]).duplicated(keep=False).to_numpy()
    changed = []
    for at in np.flatnonzero(found < 0).tolist():
        plain = _canonical(ids[at])
        if not twice[at] and len(written.get(plain, ())) == 1:
            found[at] = row_of[plain]
            changed.append(at)
    if not changed:
        return ""
    at = changed[0]
    example = f"{shown(ids[at])} is {shown(labels[found[at]])}"
    return f" {len(changed):,} of them are numbers written in another way there, such as {example}."


def _canonical(text: str) -> str:
    """A number without leading zeros and without zeros after its point; other text as it is."""
    match = re.fullmatch(r"\s*0*(\d+)(\.0*)?\s*", text, re.ASCII)
    return match[1] if match else text.strip()


def _by_number(ids: Sequence[str], source: Source, what: str) -> tuple[np.ndarray, str] | None:
    """Ids as row numbers, or None if they are not numbers. It must be clear which row is the first item."""
    if not all(i.isascii() and i.isdigit() and len(i) < 12 for i in ids):
        return None
    numbers, rows = np.array([int(i) for i in ids], dtype=np.int64), len(source.table)
    low, high = int(numbers.min()), int(numbers.max())
    if high > rows or (low == 0 and high == rows):
        return None
    if (source.padded and low > 0) or high == rows:
        return numbers - 1, f"Item ids of {what.lower()} are taken as row numbers from 1 ({low} to {high:,}, {rows:,} rows)."
    if low == 0 or high == rows - 1:
        return numbers, f"Item ids of {what.lower()} are taken as row numbers from 0 ({low} to {high:,}, {rows:,} rows)."
    zero = [~np.asarray(source.table[numbers - start]).any(axis=1) for start in (0, 1)]
    if len(set(map(bool, map(np.any, zero)))) == 2:  # an item that is used has no row of zeros
        start = int(zero[0].any())
        why = "the other way, items in use would have rows of zeros"
        return numbers - start, f"Item ids of {what.lower()} are taken as row numbers from {start}: {why}."
    raise DataError(
        f"{what} number their items {low} to {high:,} and '{source.name}' has {rows:,} rows: whether id {low} is row {low} or {low - 1} "
        "is unclear; use --padding first if row 0 is not an item, or a table with an id column."
    )


def matched(
    data: SequenceDataset,
    source: Source,
    order: str | None = None,
    numbered: Callable[[], Sequence[Numbering]] | None = None,
) -> dict[str, Any]:
    """New fields ``join``, ``data``, ``items`` and ``notes`` of a source, from interactions whose items are renumbered as the table's rows;
    also ``table`` and ``taken``, if the join needs other rows.

    If no join is clear and nothing says one, there are only ``join`` and ``undecided``. order: a name of ``orders.WORDS``, with ``:ROW``
    for the row of its first place. numbered: gives the orders to try, if the table has no ids; by default those that
    the data tell.
    """
    ids = data.items.frame["item"].tolist()
    own = _trained_on(data, source)
    if own is not None and order is None:
        return joined(data, source, *own)
    labels = _own_ids(source)
    if order is not None and labels is not None:
        raise DataError(f"'{source.name}' has item ids of its own, so --order cannot say which row is which item.")
    whole = Whole(source.table, source.removed)
    if labels is not None:
        rows, how = by_labels(ids, labels, source, "The interactions")
        join = by_ids(rows, how, whole, data)
        return joined(data, source, rows, join.says, join)
    orders = numberings(data) if numbered is None else numbered()
    every = plausible(orders, whole, data.n_users)
    if order is not None and OFTEN in order:
        orders = [*orders, *of_the_frequent(orders, data, len(source.table))]
    assumed, said = _asked(whole, orders, order) if order is not None else _assumed(ids, source, whole, every)
    if not every and assumed is None:
        every = plausible(of_the_frequent(orders, data, len(source.table)), whole, data.n_users)
    if not every and assumed is None:
        rows_of(ids, replace(source, labels=None, items=None), "The interactions")  # says what does not fit
    candidates = distinct([*([assumed] if assumed is not None else []), *every])
    z = scores(whole, data, candidates)
    join, used = decided(candidates, z, said, whole, order is not None)
    if used is None:
        return {"join": join, "undecided": (*source.undecided, join.says)}
    chosen = candidates[used]
    moved = _retaken(source, chosen, whole)
    rows = np.maximum(chosen.rows - (moved["taken"][0] if moved else whole.lead), -1)
    new = replace(source, **moved)
    if join.fix is not None or moved:
        new = replace(new, labels=None, items=_renamed(new, data.items.frame, rows))
    return moved | {"labels": new.labels} | joined(data, new, rows, join.says, join)


def joined(data: SequenceDataset, source: Source, rows: np.ndarray, how: str, join: Join | None = None) -> dict[str, Any]:
    """The new fields for this row of each item; a negative one for none."""
    frame = data.items.frame
    new = np.concatenate([[0], np.maximum(rows, -1) + 1])  # id -> row + 1, 0 for an item without a row
    items = source.items or _items(source, frame, rows)

    def renumbered(items: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = new[items]
        keep = moved > 0
        kept = np.concatenate([[0], np.cumsum(keep)])[offsets]
        return moved[keep].astype(np.int32), kept.astype(np.int64)

    histories: dict[str, Any] = dict(zip(("train_items", "train_offsets"), renumbered(data.train_items, data.train_offsets), strict=True))
    if not len(histories["train_items"]):
        raise DataError(f"No training interaction of '{data.name}' is with an item of '{source.name}'.")
    every = len(data.train_items)
    lost = every - len(histories["train_items"])
    note = f"{lost:,} of {every:,} training interactions are with items that the table lacks." if lost else ""
    if data.between_items is not None:
        histories |= zip(("between_items", "between_offsets"), renumbered(*data.between), strict=True)
    answers = {"val": new[data.val].astype(np.int32), "test": new[data.test].astype(np.int32)}
    aligned = replace(data, **histories, **answers, items=items)
    return {"data": aligned, "items": items, "join": join, "notes": (*source.notes, how, *([note] if note else []))}


def _own_ids(source: Source) -> tuple[str, ...] | None:
    """The ids that the table has of its own: not those that only count its rows, which are positions."""
    labels = source.labels
    if labels is None or labels[0] not in ("0", "1"):
        return labels
    return None if all(label == str(i) for i, label in enumerate(labels, start=int(labels[0]))) else labels


def _asked(whole: Whole, numbered: Sequence[Numbering], order: str) -> tuple[Candidate, str]:
    """The join that was asked for, and a sentence."""
    name, first = asked_order(order)
    numbering = next((n for n in numbered if n.name == name), None)
    if numbering is None:
        raise DataError(f"The items cannot be taken {WORDS[basic(name)]}{_why_not(name)}.")
    if first is None and name != "number" and len(whole) - numbering.count not in (0, 1):
        raise DataError(
            f"The table has {len(whole):,} rows and the interactions have {numbering.count:,} items, so the order alone does not say which "
            f"row is which item; add the row of the first item, such as --order {name}:0."
        )
    asked = placed(numbering, whole, first)
    if (asked.rows < 0).all():
        raise DataError(f"No item has a row if they are taken {asked.words}: the table has {len(whole):,} rows.")
    return asked, f"The items of the interactions are the rows {asked.words}, as asked."


def _why_not(name: str) -> str:
    if OFTEN in name:
        return ", of those used most often: at no number of uses are they as many as the table's rows"
    return ": the interactions do not have that order"


def _assumed(ids: Sequence[str], source: Source, whole: Whole, every: Sequence[Candidate]) -> tuple[Candidate | None, str | None]:
    """The join that the ids of table, item file or interactions say, and why; None if nothing says any."""
    known = source.labels or (None if source.items is None else tuple(source.items.frame["item"]))
    try:
        found = by_labels(ids, known, source, "The interactions") if known else _by_number(ids, source, "The interactions")
    except DataError:
        try:
            found = _by_number(ids, source, "The interactions")
        except DataError:
            return None, None
    if found is None:
        return None, None
    rows, how = found
    rows = np.where(rows >= 0, rows + whole.lead, -1)
    same = next((c for c in every if np.array_equal(c.rows, rows)), None)
    return same or Candidate("file", "as the files say", rows), how


def _retaken(source: Source, chosen: Candidate, whole: Whole) -> dict[str, Any]:
    """New fields of a source whose join needs the row that was taken for padding, or is of one block of the rows."""
    block, usual = chosen.block, (whole.lead, len(whole))
    if block is None or chosen.name.startswith("number") or len(whole) - (block[1] - block[0]) <= 1:
        block = (min(whole.lead, int(chosen.rows[chosen.rows >= 0].min())), len(whole))
    if block == usual:
        return {}
    account = source.account
    if account is not None:
        left = dict(account.left_out)
        if block[0] < whole.lead:
            left.pop(PADDING_LEFT_OUT, None)
        lost = len(whole) - (block[1] - block[0]) - (1 if block[0] >= whole.lead == 1 else 0)
        if lost:
            left["rows of no item of the interactions"] = lost
        account = replace(account, left_out=left, read=account.read + (block[1] - block[0]) - len(source.table))
    notes = tuple(note for note in source.notes if block[0] >= whole.lead or not note.startswith(REMOVED))
    return {"table": whole.taken(block), "taken": block, "account": account, "notes": notes}


def lies_on_its_side(data: SequenceDataset, source: Source) -> bool:
    """Whether the table, without ids, has a column for each item of the interactions, perhaps after one for no item."""
    return source.labels is None and source.run is None and source.table.shape[1] - len(data.items.frame) in (0, 1)


def ask_if_transposed(data: SequenceDataset, source: Source) -> None:
    """A Doubt if a table that lies on its side has no row for each item."""
    ids = data.items.frame["item"]
    rows, width = source.table.shape
    if lies_on_its_side(data, source) and rows < len(ids) / 2:
        doubt = Doubt(
            f"'{source.name}' has {rows:,} rows and {width:,} columns, and the interactions have {len(ids):,} items: its columns are the "
            "items; say --transpose.",
            "transpose",
            [("yes", f"the {width:,} columns are the items"), ("no", f"the {rows:,} rows are the items")],
        )
        raise doubt.about(source.account.path, source.account.head) if source.account is not None else doubt


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
    own = pd.Series(source.names, index=ordered.index)
    ordered["item"] = ordered["item"].fillna(own)
    ordered["title"] = ordered["title"].fillna(own)
    return ItemTable(ordered.fillna(""))


def _renamed(source: Source, frame: pd.DataFrame, rows: np.ndarray) -> ItemTable:
    """The items of rows that the interactions name in another way than the files did; titles are found by the items' ids."""
    if source.items is not None:
        titles = source.items.frame.drop_duplicates("item").set_index("item")["title"]
        frame = frame.assign(title=frame["item"].map(titles).fillna(frame["title"]))
    return _items(replace(source, labels=None, items=None), frame, rows)


def items_of(path: Path, source: Source) -> dict[str, Any]:
    """New fields ``items`` and ``notes`` of a source, from an item file."""
    from adrec.data.item_files import read_items, told

    lines = _lines(path)
    by_row = None if lines is None else _by_row(lines, path, source)
    if by_row is not None:
        found, how = by_row
        labels = source.names
        frame = item_table(labels, None).frame.assign(title=found)
        return {"items": ItemTable(frame), "notes": (*source.notes, how)}
    frame, account = read_items(path)
    ids = [str(i) for i in frame.index]
    if not ids:
        raise DataError(f"The item file {shown(path)} has no items.")
    rows, how = rows_of(ids, replace(source, items=None), "The titles")
    attributes = frame.iloc[rows >= 0].set_axis(pd.Index(rows[rows >= 0]).astype(str))
    raw = item_table([str(i) for i in range(len(source.table))], attributes[~attributes.index.duplicated()]).frame
    own = np.array(source.names, dtype=object)
    if source.labels is None:
        own[rows[rows >= 0]] = np.array(ids, dtype=object)[rows >= 0]
    titles = np.where(raw["title"] == raw["item"], own, raw["title"])
    notes = (*source.notes, *([told(account)] if account.left_out else []), how)
    return {"items": ItemTable(raw.assign(item=own, title=titles)), "notes": notes}


HEADINGS = frozenset({"title", "titles", "name", "names", "item", "items", "item_title", "item_name", "movie", "movie_title", "label"})
"""Lines that head a column of titles."""


def _lines(path: Path) -> list[str] | None:
    """The lines of a .tsv or .txt file of one column, a heading among them; None for another file."""
    if not {".tsv", ".txt"} & set(path.suffixes[-2:]):
        return None
    with open_rows(path, header="none", separator="tab", quotes="none") as titles, connect(threads=1) as con:
        if len(titles.names) != 1:
            return None
        with as_sentences(path):
            found = [str(value) for _, value in titles.relation(con, titles.names).fetchall()]
        titles.check(con, len(found))
    return found


def _by_row(lines: Sequence[str], path: Path, source: Source) -> tuple[Sequence[str], str] | None:
    """The title of each row and a sentence, if there are as many as rows or, with a first line for the padding row, one more.

    One title too few or too many, with nothing that says whose, is a DataError: all titles might be one row off.
    """
    rows, headed = len(source.table), bool(lines) and lines[0].strip().lower() in HEADINGS
    titles = lines[1:] if headed else lines
    how = f"The titles are one column{f', headed {shown(lines[0])}' if headed else ''}: the i-th is that of row i."
    if len(titles) == rows:
        return titles, how
    if len(titles) == rows + 1 and source.padded:
        return titles[1:], f"{how} Its first, {shown(titles[0])}, is that of the padding row and was left out."
    if abs(len(titles) - rows) != 1:
        return None
    if len(titles) > rows:
        why = f"its first line, {shown(lines[0])}, may be a heading, or the title of a padding row that the table lacks"
        way = "leave that line out, or the last one"
    else:
        why = "row 0 of the table may be padding, or a title is missing"
        way = "say --padding first, or add the title"
    counts = f"{len(titles):,} titles and no ids, the table '{source.name}' {rows:,} rows"
    raise DataError(f"The item file {shown(path)} has {counts}: {why}; {way}.")
