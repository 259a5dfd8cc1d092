"""Denoising: the reverse process of one user's last token."""

import streamlit as st

from adrec.explain import words
from app import loaders, ui
from app.denoising import compare, controls, data, view
from app.denoising.look import look
from app.texts import STYLE, linked, say

HEADLINE_TERMS = {"Decided": "commit-step", "rank": "rank", "a hit": "hit", "a near miss": "hit", "a miss": "hit"}
WHY_TERMS = {"x̂₀": "x0", "xₜ": "x_t", "λ": "lambda"}
PAGE = {"title": "Denoising", "icon": ":material/blur_on:", "order": 4}

ui.header("How does noise become a recommendation?")
answer = st.container()
chosen = st.container(horizontal=True, vertical_alignment="bottom")
run = ui.run_picker(container=chosen.container(width=280))
if run is None:
    st.stop()
stage, length = data.stage(run), run.settings["length"]
subject = controls.subject(run, length)
seed, steps, method = controls.noise(run)
controls.choose(chosen, run, length, subject)
if stage != "finetune":
    st.caption("This is the model after its warm-up; fine-tuning has not finished.")
if subject is not None:
    view.cards(subject, loaders.items(run))
change, picture = st.container(), st.container()  # filled below: both depend on the comparison chosen there
controls.turn(run)
if subject is not None:
    pair = compare.choose(run, stage, subject, steps)
    view.wait_for_model(run, stage, answer, picture)
    title = loaders.title(run)
    trajectory = data.trajectory(run, stage, subject, seed, steps)
    second = compare.second_panel(pair, seed, method)
    with answer:
        say(linked(words.headline(trajectory, title, STYLE), HEADLINE_TERMS))
        say(linked(words.why(trajectory, STYLE), WHY_TERMS), small=True)
    with change:
        compare.describe(pair, second, trajectory, title)
    with picture:
        view.clock(second.scenes if second else data.picture(run, stage, subject, seed, steps, method), steps)
    view.downloads(trajectory, title, run, stage, subject, method, second)
    look(run, stage, subject, seed, trajectory, title)
