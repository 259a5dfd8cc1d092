"""Item files: titles, genres and years of raw item ids."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from adrec.data import columns
from adrec.data.tables import TABLES, Table, atomic_file
from adrec.errors import DataError

INVERTED = re.compile(r"(?<![^(])([^()]*[^()\s]), (The|A|An|L'|La|Le|Les|Il|Der|Die|Das)(?=\)| \(|$)")
GENRES = ("class", "genre", "genres")
YEARS = ("year", "release_year")
READERS: dict[str, Callable[[Path], Table]] = {**TABLES, ".item": atomic_file}


def read_items(path: Path, item: str | None = None, title: str | None = None, category: str | None = None) -> pd.DataFrame:
    """Read an item file (CSV, TSV, Parquet or RecBole's .item), with named or guessed columns.

    Returns a frame with the raw item ids as index and, if present, the columns ``title``, ``genre`` (or the category's own name) and
    ``year``; multiple values in a row are joined by ``|``. The first row of an id counts.
    """
    if path.suffix.lower() not in READERS:
        raise DataError(f"The item file '{path}' has an unknown format; expected .csv, .tsv, .parquet or RecBole's .item.")
    header, read = READERS[path.suffix.lower()](path)
    names = [h.partition(":")[0] for h in header] if path.suffix.lower() == ".item" else list(header)
    found = _positions(path, names, item, title, category)
    table = dict(zip(found, read(list(found.values())), strict=True))
    codes, raw = columns.ids(path, names[found["item"]], table.pop("item"), "item")
    known, rows = np.unique(codes, return_index=True)
    values = {role: pd.Series(columns.texts(v.take(pa.array(rows)))) for role, v in table.items()}
    if "category" in values:
        genres = values.pop("category")
        several = header[found["category"]].endswith(":token_seq")
        values[category_name(names[found["category"]])] = genres.str.split().str.join("|") if several else genres
    if "year" in values:
        values["year"] = values.pop("year").where(lambda years: years.str.fullmatch(r"\d{4}"), "")
    if "title" in values and names[found["title"]] == "movie_title":
        values["title"] = values["title"].map(plain_title)
    return pd.DataFrame(values).set_axis(pd.Index(raw[known]))


def _positions(path: Path, names: Sequence[str], item: str | None, title: str | None, category: str | None) -> dict[str, int]:
    """The positions of item id, title, category and year; all but the id may be missing."""
    own = item if item in names else None  # item= names the interactions' column, which may have another name in the item file
    found = {
        "item": columns.find(path, names, "item", own, required=False),
        "title": columns.find(path, names, "title", title, required=False),
        "category": columns.find(path, names, "category", category, required=False),
        "year": next((i for i, n in enumerate(names) if n.lower() in YEARS), None),
    }
    if found["item"] is None:
        found["item"] = columns.find(path, names, "id", None, required=False)
    if found["title"] is None and title is None:
        found["title"] = columns.find(path, names, "name", None, required=False)
    if found["item"] is None:
        raise DataError(f"The item file '{path}' has no column that looks like the item id; its columns are: {columns.listed(names)}.")
    return {role: position for role, position in found.items() if position is not None}


def category_name(column: str) -> str:
    """The item table's name for this category column: ``genre`` for all spellings of it, else the column's own name."""
    if column.lower() in GENRES:
        return "genre"
    return "category" if column in ("id", "item", "title", "popularity") else column


def plain_title(title: str) -> str:
    """A catalogue title in reading order: 'Usual Suspects, The' becomes 'The Usual Suspects'."""
    return INVERTED.sub(lambda m: f"{m[2]}{'' if m[2].endswith(chr(39)) else ' '}{m[1]}", title)
