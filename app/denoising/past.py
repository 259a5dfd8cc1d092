"""A run whose model invents what came before a history: the invented past before the real one, and how it came out of noise."""

import pandas as pd
import streamlit as st

from adrec.runs import RunFolder
from app import loaders, state, ui
from app.denoising import controls, data, view
from app.texts import STYLE, say

ABOUT = (
    "Nobody chose the invented items: a diffusion model made their vectors from noise, all at once and guided by the history, and each "
    "became the item whose vector points most nearly the same way. The recommender was then trained on histories with such a past before "
    "them, guided by training items alone; those that it ranks for are the real ones."
)


def invents(run: RunFolder) -> bool:
    """Whether the run's model invents items and has no reverse process for what comes next."""
    return "augment" in run.abilities and "denoise" not in run.abilities


def show(run: RunFolder) -> None:
    """The page of such a run."""
    from adrec.explain.past import describe

    answer, length = st.container(), run.settings["length"]
    subject = controls.subject(run, length)
    seed, steps, _ = controls.noise(run)
    controls.choose(st.container(horizontal=True, vertical_alignment="bottom"), run, length, subject)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.number_input("Noise seed", 0, 2**31 - 1, step=1, width=160, **state.bound("seed", 0, range(2**31)))
    timesteps = run.settings["timesteps"]
    bound = state.bound("steps", data.own_steps(run), range(1, timesteps + 1))
    row.number_input(f"Steps, 1 to {timesteps}", 1, timesteps, step=1, width=160, **bound)
    if subject is None:
        return
    view.wait_for([data.invention(run, subject.history, seed, steps)], answer)
    found = data.past(run, subject.history, seed, steps)
    title = loaders.title(run)
    last = tuple(found.items[-1].tolist())
    view.cards(subject, run, invented=last)
    with answer:
        say(describe(found, title, STYLE))
        say(ABOUT, small=True)
    st.markdown("#### How the past came out of noise")
    steps_ = zip(found.timesteps.tolist(), found.items.tolist(), strict=True)
    columns = {f"Step {i}, t = {t:,}": [title(item) for item in items] for i, (t, items) in enumerate(steps_, start=1)}
    table = pd.DataFrame({"Place": range(-len(last), 0), **columns, "Cosine": found.cosine[-1].round(3)})
    st.dataframe(table, hide_index=True, height="content", key="denoising.past")
    st.caption(
        f"{found.about_steps} A cell is the item that the guess is nearest to, the cosine that of the last guess. Places count back from "
        "the first real item."
    )
    ui.download("Data (CSV)", table, f"{run.name}-past", key="denoising.past")
