"""Denoising: the reverse process of one user's last token."""

import streamlit as st

from adrec.explorer import words
from app import loaders, ui
from app.denoising import compare, data, view
from app.denoising.look import look

ui.header("How does noise become a recommendation?")
answer = st.container()
chosen = st.container(horizontal=True, vertical_alignment="bottom")
run = ui.run_picker(container=chosen.container(width=280))
if run is not None:
    stage, config = data.stage(run), run.model_config
    subject = view.choose(chosen, run, config.length)
    if stage != "finetune":
        st.caption("This is the model after its warm-up: the fine-tuning has not ended.")
    if subject is not None:
        items = loaders.items(run)
        view.cards(subject, items)
        picture = st.container()
        seed, steps, method = view.noise_controls(run, data.has_umap(run))
        pair = compare.choose(run, stage, subject, steps)
        explained = st.container()
        ui.define(words.DEFINITIONS)

        view.wait_for_model(run, stage, answer, picture)
        from adrec.trajectory import titled

        title = titled(items)
        trajectory = data.trajectory(run, stage, subject, seed, steps)
        answer.markdown(words.headline(trajectory, title))
        with picture:
            beside = compare.beside(pair, seed, method)
            compare.told(pair, beside, trajectory, title)
            view.clock(beside.scenes if beside else data.picture(run, stage, subject, seed, steps, method), steps)
        with explained:
            view.downloads(trajectory, title, run, stage, subject, method, beside)
            look(run, stage, subject, seed, trajectory, title)
