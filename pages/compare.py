"""Compare: which of the models on screen to deploy, and why."""

import streamlit as st

from app import ui
from app.compare import answer, choose, facts, looks, table, waiting
from app.texts import texts

PAGE = {"title": "Compare", "icon": ":material/compare_arrows:", "order": 6}

words = texts("compare")
title, controls = st.columns([3, 2], vertical_alignment="bottom")
with title:
    ui.header(words["question"])

every, rest = facts.all_groups()
if not every:
    st.info(words["nothing"], icon=":material/info:")
    st.stop()
shown = choose.runs(controls, every)
if not shown:
    st.info(words["choose"]["empty"], icon=":material/info:")
    st.stop()
answered = st.container()
row = st.container(horizontal=True, vertical_alignment="bottom")
metric, baseline = choose.judged_by(row, shown)
with answered:
    answer.show(shown, metric)
    waiting.follow(shown)
table.show(shown, baseline, metric, facts.against(shown, baseline, metric))
choose.left_out(rest)
looks.cost(shown, baseline, metric)
looks.look(shown, baseline, metric)
