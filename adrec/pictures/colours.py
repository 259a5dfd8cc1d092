"""Columns of the items as colourings of the maps: groups of points."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from adrec.pictures import looks

OTHER = "other"


@dataclass(frozen=True)
class Colouring:
    """A column as the maps draw it. codes: (P,) or (tables, P) uint8, the group of each point, 255 for unknown. words: its value; empty
    if that is the name of its category.

    categories: names, the most common first, the last ``other`` if there are more; empty for a numeric column, which ranges from
    ``low`` to ``high`` over ``STEPS`` groups. values: (tables, P) float32 instead of words, measured in ``unit``.
    """

    label: str
    codes: np.ndarray
    words: list[str]
    categories: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    values: np.ndarray | None = None
    unit: str = ""


STEPS = 12


UNKNOWN = 255


MOST_CODES = 40
"""Numbers with at most this many distinct values are treated as category codes, which have no order."""


def words_of(column: str) -> str:
    return column.replace("_", " ").capitalize()


def is_number(column: pd.Series) -> bool:
    known = column[column != ""]
    if pd.to_numeric(known[:100], errors="coerce").isna().any():  # most text columns are recognised by their beginning
        return False
    values = pd.to_numeric(known, errors="coerce")
    return bool(values.notna().all() and values.nunique() > MOST_CODES)


def _numbers(values: pd.Series, label: str, scale: Callable[[pd.Series], pd.Series]) -> Colouring:
    """Groups of equal width after ``scale``: a logarithm or ranks, so that no group holds nearly all items."""
    known = np.isfinite(values.to_numpy(dtype=np.float64))
    codes = np.full(len(values), UNKNOWN, dtype=np.uint8)
    if known.any():
        scaled = scale(values[known]).to_numpy(dtype=np.float64)
        span = float(scaled.max() - scaled.min()) or 1.0
        codes[known] = np.minimum((scaled - scaled.min()) / span * STEPS, STEPS - 1).astype(np.uint8)
    words = [f"{v:g}" if k else "unknown" for v, k in zip(values, known, strict=True)]
    low, high = (f"{values.min():g}", f"{values.max():g}") if known.any() else ("", "")
    return Colouring(label, codes, words, (), low, high)


def _categories(column: pd.Series, label: str) -> Colouring:
    several = bool(column.str.contains("|", regex=False).any())
    first = column.str.split("|").str[0].replace("", "unknown")
    common = list(first.value_counts().index)
    most = len(looks.CATEGORIES)
    categories = common if len(common) < most else [c for c in common if c != OTHER][: most - 1] + [OTHER]
    index = {name: i for i, name in enumerate(categories)}
    codes = first.map(lambda name: index.get(name, len(categories) - 1)).to_numpy(dtype=np.uint8)
    alone = not several and OTHER not in categories
    words = [] if alone else [value.replace("|", ", ") or "unknown" for value in column]
    return Colouring(f"First {label.lower()}" if several else label, codes, words, tuple(str(c) for c in categories))


def column(frame: pd.DataFrame, name: str, rows: np.ndarray | None = None) -> Colouring:
    """The points grouped by a column of the item frame. rows: those on the maps; None for all."""
    values = frame[name] if rows is None else frame[name].iloc[rows]
    if name == "popularity":
        return _numbers(values, "Occurrences in training, log scale", np.log1p)
    if is_number(frame[name]):
        return _numbers(pd.to_numeric(values, errors="coerce"), f"{words_of(name)}, by rank", pd.Series.rank)
    return _categories(values, words_of(name))


def plain(count: int) -> Colouring:
    """All points in one group."""
    return Colouring("", np.zeros(count, dtype=np.uint8), [""] * count, ("item",))
