"""Item files: titles, genres and years of raw item ids."""

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from adrec.data.arrays import texts
from adrec.data.building import ids_of
from adrec.data.dataset import category_name
from adrec.errors import DataError
from adrec.reading.account import Account, Doubt, Use, counted, listed, shown, shown_path
from adrec.reading.engine import as_sentences, connect
from adrec.reading.names import named
from adrec.reading.rows import Rows, open_rows
from adrec.reading.sampled import IGNORED
from adrec.reading.text import ATOMIC, BLANK, CUT

INVERTED = re.compile(r"(?<![^(])([^()]*[^()\s]), (The|A|An|L'|La|Le|Les|Il|Der|Die|Das)(?=\)| \(|$)")
YEARS = ("year", "release_year")


def read_items(path: Path, item: str | None = None, title: str | None = None, category: str | None = None) -> tuple[pd.DataFrame, Account]:
    """Read an item file, with named or found columns, and its account.

    The frame has the raw item ids as index and, if present, the columns ``title``, ``genre`` (or the category's own name) and
    ``year``; several values in a row are joined by ``|``. The first row of an id counts.
    """
    with connect() as con, _opened(path, con) as rows:
        found = _columns(rows, item, title, category)
        id_of, _ = ids_of(con, rows.relation(con, {"value": found["item"]}), rows, found["item"], "item")
        with as_sentences(path):
            table = rows.relation(con, found).project(f"row, {id_of('item')} as id, * exclude (row, item)").to_arrow_table()
        rows.check(con, len(table))
    ids = pd.Series(table.column("id").to_pylist(), dtype=object)
    if ids.isna().any():
        row, column = int(np.flatnonzero(ids.isna())[0]) + 1, shown(found["item"])
        raise DataError(f"The item file {shown_path(path)} has no item id in row {row:,} (column {column}); every row needs one.")
    known = ~ids.duplicated().to_numpy()
    account, again = rows.account, int((~known).sum())
    account.uses = [Use(column, role, "as asked" if column in (item, title, category) else "named so") for role, column in found.items()]
    account.unused = [name for name in rows.names if name not in found.values()]
    account.items = account.read = int(known.sum())
    if again:
        account.left_out["with an id met before"] = again
    values = {role: pd.Series(texts(table.column(role).filter(known))) for role in found if role != "item"}
    if "category" in values:
        column, genres = found["category"], values.pop("category")
        several = path.suffix.lower() in ATOMIC and rows.lists.get(column) == BLANK
        values[category_name(column)] = genres.str.split().str.join("|") if several else genres
    if "year" in values:
        values["year"] = values.pop("year").where(lambda years: years.str.fullmatch(r"\d{4}"), "")
    if "title" in values and found["title"] == "movie_title":
        values["title"] = values["title"].map(plain_title)
    return pd.DataFrame(values, index=pd.RangeIndex(account.read)).set_axis(pd.Index(ids[known])), account


def _opened(path: Path, con: duckdb.DuckDBPyConnection) -> Rows:
    """The rows of an item file. What is unclear is no question: options that would answer it are those of the interactions."""
    try:
        return open_rows(path, con)
    except Doubt as doubt:
        way = "mend or remove that line" if doubt.option == CUT else "give it a first line of names, and values separated by commas"
        raise DataError(f"{doubt.problem}. An item file is read without options: {way}.") from None


def told(account: Account) -> str:
    """One sentence about the rows of an item file."""
    left = "".join(f", {rows:,} left out {reason}" for reason, rows in account.left_out.items())
    return f"The item file {shown_path(account.path)} has {counted(account.rows, 'row')}: {counted(account.read, 'item')}{left}."


def check_shared(path: Path, attributes: pd.DataFrame, ids: Sequence[str]) -> None:
    """Refuse an item file without any of these items."""
    if not attributes.index.isin(ids).any():
        examples = f"{listed(list(attributes.index[:3])) or 'none'}, not like {listed(list(ids[:3]))}"
        raise DataError(f"No item of the interactions is in the item file {shown_path(path)}: its ids are {examples}.")


def _columns(rows: Rows, item: str | None, title: str | None, category: str | None) -> dict[str, str]:
    """The columns of item id, title, category and year; all but the id may be missing."""
    own = item if item in rows.names and not rows.headless else None  # item= names the interactions' column, often called otherwise here
    found = {
        "item": own or _named(rows, "item", "id"),
        "title": _asked(rows, "title", title) if title else _named(rows, "title", "name"),
        "category": _asked(rows, "category", category) if category else _named(rows, "category"),
        "year": next((name for name in rows.names if name.lower() in YEARS), None),
    }
    if found["item"] is None:
        there = "it has no line of names" if rows.headless else f"its columns are: {listed(rows.names)}"
        what = f"no column that looks like the item id; {there}"
        raise DataError(f"The item file {shown_path(rows.path)} has {what}.")
    return {role: name for role, name in found.items() if name is not None}


def _named(rows: Rows, *roles: str) -> str | None:
    """The most likely column by name."""
    return next((name for role in roles for name in named(rows.names, role)), None)


def _asked(rows: Rows, role: str, wanted: str) -> str | None:
    """The column that an option names; None if the option is ``none``."""
    if wanted != IGNORED and wanted not in rows.names:
        columns = f"its columns are: {listed(rows.names)}"
        raise DataError(f"{shown_path(rows.path)} has no column {shown(wanted)} for the {role}; {columns}.")
    return None if wanted == IGNORED else wanted


def plain_title(title: str) -> str:
    """A catalogue title in reading order: 'Usual Suspects, The' becomes 'The Usual Suspects'."""
    return INVERTED.sub(lambda m: f"{m[2]}{'' if m[2].endswith(chr(39)) else ' '}{m[1]}", title)
