"""The items selected on the maps: how the URL encodes them, and what the page shows about them.

In the URL, as ``selected``: up to FEW items by number (``3,17,40-52``); more as one bit per item on the maps, deflated, in base64 after a
``~``. This is exact and independent of the layout.
"""

import base64
import binascii
import html
import re
import zlib
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.runs import RunFolder
from app import loaders, state, ui
from app.collapse import colours, items, points

FEW = 50
LIST = re.compile(r"\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*")


# -- as text ------------------------------------------------------------------------------------------------------


def bits_to_rows(text: str, shown: np.ndarray | None, items: int) -> np.ndarray | None:
    """The rows encoded in base64 ``text``, one bit per point, the first lowest; None if the text is invalid. shown: the points' rows, None
    for all ``items``."""
    size = items if shown is None else len(shown)
    try:
        packed = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except (ValueError, binascii.Error):
        return None
    if packed.size not in (0, -(-size // 8)):
        return None
    positions = np.flatnonzero(np.unpackbits(packed, bitorder="little", count=size if packed.size else 0))
    return positions if shown is None else shown[positions]


def rows_to_bits(rows: np.ndarray, shown: np.ndarray | None, items: int) -> str:
    """The inverse of ``bits_to_rows``; empty for no rows."""
    mask = np.zeros(items, dtype=bool)
    mask[rows] = True
    mask = mask if shown is None else mask[shown]
    return base64.b64encode(np.packbits(mask, bitorder="little").tobytes()).decode() if mask.any() else ""


def encode(rows: np.ndarray, shown: np.ndarray | None, items: int) -> str | None:
    """Sorted rows as text for the URL; None for no rows."""
    if len(rows) == 0:
        return None
    if len(rows) <= FEW:
        runs = np.split(rows + 1, np.flatnonzero(np.diff(rows) > 1) + 1)
        return ",".join(f"{r[0]}" if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
    packed = zlib.compress(base64.b64decode(rows_to_bits(rows, shown, items)), 9)
    return "~" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(text: str | None, shown: np.ndarray | None, items: int) -> np.ndarray:
    """The rows that the URL's text names, sorted; skips what is unreadable or not on the maps."""
    nothing = np.empty(0, dtype=np.int64)
    if not text:
        return nothing
    if text.startswith("~"):
        try:
            packed = base64.urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
            raw = zlib.decompressobj().decompress(packed, items // 8 + 2)  # never more than a mask can hold
        except (ValueError, binascii.Error, zlib.error):
            return nothing
        found = bits_to_rows(base64.b64encode(raw).decode(), shown, items)
        return nothing if found is None else found
    if len(text) > 2000 or not LIST.fullmatch(text):
        return nothing
    mask = np.zeros(items, dtype=bool)
    for part in text.split(","):
        first, _, last = part.partition("-")
        mask[int(first) - 1 if int(first) else 0 : int(last or first)] = True
    if shown is not None:
        mask[np.setdiff1d(np.arange(items), shown, assume_unique=True)] = False
    return np.flatnonzero(mask)


# -- on the page --------------------------------------------------------------------------------------------------


def rows(run: RunFolder) -> np.ndarray:
    """The selected rows, from the URL."""
    return decode(state.get("selected"), points.rows(run), len(loaders.items(run)))


def bits(run: RunFolder) -> str:
    """The selection as text for the maps."""
    return rows_to_bits(rows(run), points.rows(run), len(loaders.items(run)))


def take(run: RunFolder, selected: Any) -> None:
    """Write the selection that the maps report to the URL."""
    text = selected.get("bits") if isinstance(selected, dict) else None
    shown, size = points.rows(run), len(loaders.items(run))
    found = bits_to_rows(text, shown, size) if isinstance(text, str) else None
    if found is not None:
        state.put(selected=encode(found, shown, size))


TABLE_CSS = """<style>
.makeup {border-collapse: collapse; width: 100%; font-size: .9rem} .makeup :is(td, th) {padding: 3px 8px; text-align: right}
.makeup td {border-top: 1px solid rgba(128, 138, 148, .3); font-variant-numeric: tabular-nums}
.makeup :is(td, th):first-child {text-align: left}
</style>"""


def selection_view(run: RunFolder, colour: str | None) -> None:
    """The selected items: how many, their make-up compared with all items, their popularity, and their titles."""
    frame, found, shown = loaders.items(run), rows(run), points.count(run)
    if not len(found):
        return
    st.subheader(f"{len(found):,} selected", anchor=False)
    words = [f"{len(found):,} of {shown:,} items on the maps ({100 * len(found) / shown:.1f} %)"]
    if "popularity" in frame:
        times = frame["popularity"].to_numpy()
        words.append(f"median popularity {np.median(times[found]):g} training occurrences (all items: {np.median(times):g})")
    st.caption("; ".join(words) + ".")
    left, right = st.columns([3, 4], gap="large")
    with left:
        _makeup(run, found, colour)
    with right:
        _titles(run, found)


def makeup(values: pd.Series, chosen: np.ndarray) -> pd.DataFrame:
    """The shares of a column's values among the chosen rows and among all items; each of several values separated by ``|`` counts.

    Columns: value, chosen and all (shares of items), times (their ratio), sorted by share of the chosen rows.
    """
    inside = shares(values.iloc[chosen])
    table = pd.DataFrame({"chosen": inside, "all": shares(values).reindex(inside.index)})
    table["times"] = table["chosen"] / table["all"]
    return table.sort_values(["chosen", "times"], ascending=False).rename_axis("value").reset_index()


def shares(values: pd.Series) -> pd.Series:
    """The share of items with each value; an item with several, separated by ``|``, counts once for each."""
    split = values.astype(str).str.split("|").map(set).explode() if values.astype(str).str.contains("|", regex=False).any() else values
    return split.replace("", "unknown").value_counts() / len(values)


def _makeup(run: RunFolder, found: np.ndarray, colour: str | None) -> None:
    frame = loaders.items(run)
    kinds = colours.categories(run)
    if not kinds:
        st.caption("The items have no categories to compare.")
        return
    column = colour if colour in kinds else next(iter(kinds))
    table = makeup(frame[column], found)
    body = "".join(
        f"<tr><td>{html.escape(str(value))}</td><td>{100 * chosen:.0f} %</td><td>{100 * every:.0f} %</td><td>{times:.1f} ×</td></tr>"
        for value, chosen, every, times in table.head(12).itertuples(index=False)
    )
    head = "".join(f"<th scope='col'>{html.escape(word)}</th>" for word in (kinds[column], "selected", "all", "ratio"))
    st.html(f"{TABLE_CSS}<table class='makeup'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    ui.download("Make-up (CSV)", table, f"{run.name}-selection-{column}")


def _titles(run: RunFolder, found: np.ndarray) -> None:
    frame = loaders.items(run).iloc[found].drop(columns="title")
    table = pd.DataFrame({"title": np.array(items.titles(run), dtype=object)[found]}).join(frame.reset_index())
    pick_table(table, found, "selection.titles", height=330)
    ui.download("Selected items (CSV)", table, f"{run.name}-selection")


def pick_table(table: pd.DataFrame, rows: np.ndarray, key: str, **kwargs: Any) -> None:
    """A table of items; clicking a row chooses its item. rows: the item row of each table row."""

    def choose() -> None:
        picked = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
        if picked and isinstance(picked[0], int) and 0 <= picked[0] < len(rows):
            state.put(item=int(rows[picked[0]]) + 1)

    st.dataframe(table, hide_index=True, key=key, on_select=choose, selection_mode="single-row", **kwargs)
