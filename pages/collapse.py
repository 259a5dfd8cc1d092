"""Collapse: item maps, spectra and measures of the stages."""

import streamlit as st

from app import ui
from app.collapse import compare, data, dials, film, headline, maps, moves, selection, spectra, view

PAGE = {"title": "Collapse", "icon": ":material/scatter_plot:", "order": 2}

DEFINITIONS = {
    "Embedding": "the list of numbers that represents an item; all embeddings together are the item table.",
    "Collapse": "one word for two opposite failures: the table is still noise, so an item's neighbours mean nothing; "
    "or it is too narrow, so items can hardly be told apart.",
    "Effective rank": "how many directions the items really use. Noise uses nearly all of them, so a high number alone is not health.",
    "Noise edge": "the strength that directions of a random table of this size do not exceed.",
    "Pre-train = warm-up": "the warm-up trains the denoiser and freezes the item table, so only the ranking changes.",
    "NDCG@10, HR@10": "HR@10 is the share of validation users whose next item is in the top ten; NDCG@10 also counts how high it ranks.",
    "x̂₀": "the denoiser's estimate of the next item's clean embedding x₀, given a noised one.",
}

QUESTION = "Have the embeddings collapsed?"
top, picture = st.container(), st.container()
controls = st.container(horizontal=True, vertical_alignment="bottom")
with top:
    ui.header(QUESTION)
run = ui.run_picker(container=controls, tables=True)
if run is None:
    st.stop()
if not run.table_names():
    ever = "item_table" in run.abilities
    why = "yet; the first is saved when training begins." if ever else "at all, because its model scores items in a different way."
    top.info(f"This run has no item table {why}", icon=":material/info:")
    st.stop()
large = data.stages(run).items > data.AT_ONCE
head = top.container()
if large:
    waiting = head.empty()
    waiting.markdown("Diagnosing the item tables; this takes a while at this size.")
else:
    headline.show(run, head)
maps.controls(run, controls)
compare.chooser(run, controls)
with picture:
    maps.map_view(run)
maps.neighbour_view(run)
selection.selection_view(run, maps.chosen(run)["colour"])
if large:
    waiting.empty()
    headline.show(run, head)
moves.movers_view(run)
spectra.section(run)
film.section(run)
dials.section(run)
st.subheader("Measures", anchor=False, help="Hover over a name to see what it means; all definitions are below.")
view.measures_view(run)
view.definitions_view(run)
ui.define(DEFINITIONS)
