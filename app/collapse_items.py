"""What the Collapse page shows of a run's items: titles, neighbours in each stage, and the columns that colour the maps. Cached by run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.runs import RunFolder
from app import loaders, palette
from app.collapse_data import NEIGHBOURS, distinct_tables


def titles(run: RunFolder) -> list[str]:
    """A title for every item, row by row; the data set's own id where there is none."""
    frame = loaders.items(run)
    return [title or f"item {item}" for title, item in zip(frame["title"], frame["item"], strict=True)]


def first_item(run: RunFolder) -> int:
    """The item shown until one is chosen: the most popular, or else the first."""
    frame = loaders.items(run)
    return 1 + int(frame["popularity"].to_numpy().argmax()) if "popularity" in frame and len(frame) else 1


def neighbours(run: RunFolder, row: int) -> dict[str, list[dict[str, Any]]]:
    """By table, the item's nearest by cosine in the original space: row, cosine, and whether it was there in the table before."""
    return _neighbours(*loaders.key(run), row)


@st.cache_data(max_entries=512, show_spinner=False)
def _neighbours(path: str, changed: int, row: int) -> dict[str, list[dict[str, Any]]]:
    from adrec.neighbours import neighbours

    found: dict[str, list[dict[str, Any]]] = {}
    before: set[int] | None = None
    for name, table in distinct_tables(path).items():
        rows, cosines = neighbours(table, row, NEIGHBOURS)
        kept = [None if before is None else int(r) in before for r in rows]
        found[name] = [{"row": int(r), "cosine": float(c), "kept": k} for r, c, k in zip(rows, cosines, kept, strict=True)]
        before = {int(r) for r in rows}
    return found


# -- colourings ---------------------------------------------------------------------------------------------------

NOT_COLOURS = ("item", "title")
OTHER = "other"


@dataclass(frozen=True)
class Colouring:
    """A column as the maps draw it. codes: (V,) uint8, the group of each item (255: unknown). words: each item's own value.

    categories: names, the most common first, the last ``other`` if there are more; empty if the column is a number, whose range
    is then ``low`` to ``high`` over ``STEPS`` groups.
    """

    label: str
    codes: np.ndarray
    words: list[str]
    categories: tuple[str, ...] = ()
    low: str = ""
    high: str = ""


STEPS = 12
UNKNOWN = 255
MOST_CODES = 40
"""Numbers with at most so many different values are taken for codes of categories, which have no order."""


def colour_options(run: RunFolder) -> dict[str, str]:
    """The columns to colour by and their labels, categories first, popularity last."""
    frame = loaders.items(run)
    columns = [c for c in frame.columns if c not in (*NOT_COLOURS, "popularity")]
    numbers = [c for c in columns if _is_number(frame[c])]
    names = [c for c in columns if c not in numbers] + numbers + [c for c in ["popularity"] if c in frame]
    return {c: _words(c) for c in names}


def colouring(run: RunFolder, column: str | None) -> Colouring:
    """The column as groups; None gives every item the same."""
    return _colouring(*loaders.key(run), column)


@st.cache_resource(max_entries=32, show_spinner=False)
def _colouring(path: str, changed: int, column: str | None) -> Colouring:
    frame = loaders.items(RunFolder(path))
    if column is None:
        return Colouring("", np.zeros(len(frame), dtype=np.uint8), [""] * len(frame), ("item",))
    if column == "popularity":
        return _number(frame[column], "Times in the training histories, log scale", np.log1p)
    if _is_number(frame[column]):
        return _number(pd.to_numeric(frame[column], errors="coerce"), f"{_words(column)}, by rank", pd.Series.rank)
    return _category(frame[column], _words(column))


def _words(column: str) -> str:
    return column.replace("_", " ").capitalize()


def _is_number(column: pd.Series) -> bool:
    values = pd.to_numeric(column[column != ""], errors="coerce")
    return bool(values.notna().all() and values.nunique() > MOST_CODES)


def _number(values: pd.Series, label: str, scale: Callable[[pd.Series], pd.Series]) -> Colouring:
    """Groups of equal width after ``scale``: a logarithm where it means something, otherwise ranks, so that no group holds nearly all."""
    known = np.isfinite(values.to_numpy(dtype=np.float64))
    codes = np.full(len(values), UNKNOWN, dtype=np.uint8)
    if known.any():
        scaled = scale(values[known]).to_numpy(dtype=np.float64)
        span = float(scaled.max() - scaled.min()) or 1.0
        codes[known] = np.minimum((scaled - scaled.min()) / span * STEPS, STEPS - 1).astype(np.uint8)
    words = [f"{v:g}" if k else "unknown" for v, k in zip(values, known, strict=True)]
    low, high = (f"{values.min():g}", f"{values.max():g}") if known.any() else ("", "")
    return Colouring(label, codes, words, (), low, high)


def _category(column: pd.Series, label: str) -> Colouring:
    several = bool(column.str.contains("|", regex=False).any())
    first = column.str.split("|").str[0].replace("", "unknown")
    common = list(first.value_counts().index)
    most = len(palette.CATEGORIES)
    categories = common if len(common) < most else [c for c in common if c != OTHER][: most - 1] + [OTHER]
    place = {name: i for i, name in enumerate(categories)}
    codes = first.map(lambda name: place.get(name, len(categories) - 1)).to_numpy(dtype=np.uint8)
    words = [value.replace("|", ", ") or "unknown" for value in column]
    return Colouring(f"First {label.lower()}" if several else label, codes, words, tuple(str(c) for c in categories))
