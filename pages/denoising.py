"""Denoising: the reverse process of one user's last token."""

import streamlit as st

from adrec.explain import words
from app import loaders, ui
from app.denoising import compare, controls, data, view
from app.denoising.look import look

ui.header("How does noise become a recommendation?")
answer = st.container()
chosen = st.container(horizontal=True, vertical_alignment="bottom")
below = st.container()
run = ui.run_picker(container=chosen.container(width=280))
if run is not None:
    stage, length = data.stage(run), run.settings["length"]
    subject = controls.subject(run, length)
    seed, steps, method = controls.noise(run)
    cards, told, picture, noise, comparison, explained = (st.container() for _ in range(6))
    ui.define(words.DEFINITIONS)

    def draw_controls() -> None:
        with below:
            controls.choose(chosen, run, length, subject)
            if stage != "finetune":
                st.caption("This is the model after its warm-up: the fine-tuning has not ended.")
        with noise:
            controls.turn(run)

    if subject is None:
        draw_controls()
    else:
        with cards:
            view.cards(subject, loaders.items(run))
        with comparison:
            pair = compare.choose(run, stage, subject, steps)
        picture_first = data.model(run, stage).done()
        if not picture_first:  # something to look at while the model loads
            draw_controls()

        view.wait_for_model(run, stage, answer, picture)
        title = loaders.title(run)
        trajectory = data.trajectory(run, stage, subject, seed, steps)
        beside = compare.beside(pair, seed, method)
        with told:
            compare.told(pair, beside, trajectory, title)
        with picture:
            scenes = beside.scenes if beside else data.picture(run, stage, subject, seed, steps, method)
            view.clock(scenes, steps)
        answer.markdown(words.headline(trajectory, title))
        answer.caption(words.why(trajectory))
        view.let_paint(scenes)
        if picture_first:
            draw_controls()
        with explained:
            view.downloads(trajectory, title, run, stage, subject, method, beside)
            look(run, stage, subject, seed, trajectory, title)
