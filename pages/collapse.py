"""Collapse: item maps, spectra and measures of the stages."""

import streamlit as st

from app import ui
from app.collapse import compare as collapse_compare
from app.collapse import data as collapse_data
from app.collapse import dials as collapse_dials
from app.collapse import film as collapse_film
from app.collapse import headline as collapse_headline
from app.collapse import maps as collapse_maps
from app.collapse import moves as collapse_moves
from app.collapse import selection as collapse_selection
from app.collapse import spectra as collapse_spectra
from app.collapse import view as collapse_view

DEFINITIONS = {
    "Embedding": "the list of numbers by which the model knows an item; all of them are the item table.",
    "Collapse": "two opposite things share the word: the table is still noise, so that an item's neighbours mean nothing; "
    "or it is narrow, so that items can hardly be told apart.",
    "Effective rank": "how many directions the items really use. Noise uses nearly all of them, so a high number alone is not health.",
    "Noise edge": "the strength that no direction of a random table of this size exceeds.",
    "Pre-train = warm-up": "the warm-up trains the denoiser and leaves the item table as it is; only the ranking changes.",
    "NDCG@10, HR@10": "how high, and how often at all, the right next item is among the first ten, over all validation users.",
    "x̂₀": "the denoiser's guess at the clean embedding x₀ of the next item, from a noised one.",
}

QUESTION = "Have the embeddings collapsed?"
top, picture = st.container(), st.container()
controls = st.container(horizontal=True, vertical_alignment="bottom")
run = ui.run_picker(container=controls, tables=True)
with top:
    ui.header(QUESTION)
if run is None:
    st.stop()
if not run.table_names():
    top.info("This run has no item table yet: the first is there when training begins.", icon=":material/info:")
    st.stop()
large = collapse_data.stages(run).items > collapse_data.AT_ONCE
head = top.container()
if large:
    waiting = head.empty()
    waiting.markdown("Judging the item tables, which takes a while at this size.")
else:
    collapse_headline.show(run, head)
collapse_maps.controls(run, controls)
collapse_compare.chooser(run, controls)
with picture:
    collapse_maps.map_view(run)
collapse_maps.neighbour_view(run)
collapse_selection.selection_view(run, collapse_maps.chosen(run)["colour"])
if large:
    waiting.empty()
    collapse_headline.show(run, head)
collapse_moves.movers_view(run)
collapse_spectra.section(run)
collapse_film.section(run)
collapse_dials.section(run)
st.subheader("Measures", anchor=False, help="Point at a name for what it says; all definitions are below.")
collapse_view.measures_view(run)
collapse_view.definitions_view(run)
ui.define(DEFINITIONS)
