"""The instruments of the Collapse page: one at a time, behind a press, computed only when shown."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from adrec.runs import RunFolder
from app import state
from app.collapse import film, headline, maps, moves, spectra, view
from app.texts import texts


def _measures(run: RunFolder) -> None:
    st.caption("Hover over a name, or tap it, to see what it means; all definitions are below.")
    view.measures_view(run)
    view.definitions_view(run)


TOOLS: dict[str, Callable[[RunFolder], None]] = {
    "evidence": headline.evidence,
    "measures": _measures,
    "film": film.section,
    "movers": moves.movers_view,
    "directions": spectra.section,
}
OPENED_BY = {"film": ("frame",), "movers": ("movers", "before", "after"), "directions": ("direction", "spectrum", "table")}
"""Parameters of a link that open an instrument."""
FOLLOWS = {"film": ("row", "colour"), "directions": ("method",)}
"""Which of ``maps.chosen`` an instrument shows."""


def chosen() -> str | None:
    """The instrument in the URL, or the one that another parameter belongs to; None for none."""
    tool = state.get("tool")
    if tool is None:
        tool = next((name for name, opened in OPENED_BY.items() if any(state.get(p) is not None for p in opened)), None)
    return tool if tool in TOOLS else None


def followed(run: RunFolder) -> tuple[Any, ...]:
    """The choices above that the open instrument is drawn by."""
    now = maps.chosen(run)
    return tuple(now[name] for name in FOLLOWS.get(chosen() or "", ()))


def section(run: RunFolder) -> None:
    """The names of the instruments, and the chosen one."""
    words, tool, key = texts("collapse"), chosen(), "collapse.tool"
    st.subheader(words["more"], anchor=False)
    st.session_state[key] = tool

    def write() -> None:
        state.put(tool=st.session_state.get(key) or "none")

    names = words["tools"]
    st.segmented_control(words["more"], list(TOOLS), format_func=names.get, key=key, on_change=write, label_visibility="collapsed")
    if tool is not None:
        TOOLS[tool](run)
