"""Collapse: three tables with a known fate, then the chosen run's: verdict, maps, spectra, and the instruments behind a press."""

import streamlit as st

from app import instead, ui
from app.collapse import compare, data, dials, explore, instruments, overview
from app.texts import say, texts

PAGE = {"title": "Collapse", "icon": ":material/scatter_plot:", "order": 2}

words = texts("collapse")
controls = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
with controls.container(width="content"):
    ui.header(words["question"])
controls = controls.container(horizontal=True, vertical_alignment="bottom", width=620)
run = ui.run_picker(container=controls, tables=True)
if run is None:
    st.stop()
if not run.table_names():
    instead.show(run, "table", "notYet" if "item_table" in run.abilities else "none")
    st.stop()
compare.chooser(run, controls)
say(words["lead"])
opening = st.container()
large = data.stages(run).items > data.AT_ONCE
if large:
    waiting = opening.empty()
    waiting.markdown("Diagnosing the item tables; this takes a while at this size.")
else:
    overview.opening(run, opening)
st.subheader(words["stages"], anchor=False)
explore.section(run)
if large:
    waiting.empty()
    overview.opening(run, opening)
dials.section(run)
instruments.section(run)
