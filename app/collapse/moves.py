"""The table of the items that moved most between two tables."""

import numpy as np
import pandas as pd
import streamlit as st

from adrec.collapse.movers import Movers, movers
from adrec.runs import RunFolder
from app import loaders, state, ui
from app.collapse import data, items, points, selection
from app.collapse.long import long

SHOWN = 200
ORDERS = {"displacement": "Displacement", "jaccard": "Neighbours lost"}
HELP = (
    "Jaccard: of all items among the ten nearest (cosine) before or after, the share that is among them both times; 1: all kept, 0: none. "
    "Displacement: how far the item moved relative to the mean of its ten neighbours, after the two tables are aligned, "
    "in units of the typical distance between neighbours before."
)


def movers_view(run: RunFolder) -> None:
    """Choose two tables and see the items that moved most between them; clicking a row chooses the item."""
    shown = data.stages(run)
    if len(shown.names) < 2 or points.count(run) < 3:
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.subheader("Biggest movers", anchor=False, help=HELP, width="content")
    names = list(shown.names)
    for name, label, default in (("before", "From", names[-2]), ("after", "To", names[-1])):
        row.selectbox(label, names, format_func=shown.label, width=190, **state.bound(name, default, names))
    by = state.bound("movers", "displacement", list(ORDERS))
    row.segmented_control("Order", list(ORDERS), format_func=ORDERS.__getitem__, required=True, **by)
    before, after = (st.session_state[f"state.{name}"] for name in ("before", "after"))
    if before == after:
        st.caption("Choose two different tables.")
        return
    tables = points.tables(run)
    key = (*loaders.key(run), "movers", before, after)
    found: Movers | None = long(
        key,
        points.count(run),
        "biggest movers",
        lambda progress: movers(tables[before], tables[after], data.NEIGHBOURS, progress=progress),
    )
    if found is None:
        return
    table, rows = ranked(run, found, st.session_state["state.movers"])
    selection.pick_table(table.head(SHOWN), rows, "movers.table", height=330)
    ui.download("Movers (CSV)", table, f"{run.name}-movers")


def ranked(run: RunFolder, found: Movers, by: str) -> tuple[pd.DataFrame, np.ndarray]:
    """All items on the maps with both measures, the biggest mover first, and their rows; ties are ordered by the other measure."""
    keys = (found.jaccard, -found.displacement)
    order = np.lexsort(keys if by == "displacement" else keys[::-1])
    shown = points.rows(run)
    rows = order if shown is None else shown[order]
    frame = loaders.items(run).iloc[rows].reset_index().drop(columns="title")
    measures = {"title": np.array(items.titles(run), dtype=object)[rows], "jaccard": found.jaccard[order]}
    return pd.DataFrame({**measures, "displacement": found.displacement[order]}).round(3).join(frame), rows
