"""The part of the Collapse page that follows the visitor's choices of item, colour, projection, view and selection, and reruns alone."""

import streamlit as st

from adrec.runs import RunFolder
from app import loaders, ui
from app.collapse import instruments, maps, overview, selection


def section(run: RunFolder) -> None:
    """The maps with their controls, the spectra, the chosen item's neighbours, and the selected items."""
    _section(run, instruments.followed(run))


@st.fragment
def _section(run: RunFolder, followed: tuple[object, ...]) -> None:
    """followed: by what the open instrument was drawn, which only the whole page draws again."""
    with ui.guard():
        now = loaders.renewed(run)  # the fragment outlives the page's run, and a training may have gone on
        if instruments.followed(now) != followed:
            st.rerun()
        maps.controls(now, st.container(horizontal=True, vertical_alignment="bottom"))
        maps.map_view(now)
        overview.spectra_view(now)
        maps.neighbour_view(now)
        selection.selection_view(now, maps.chosen(now)["colour"])
