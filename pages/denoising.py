"""Denoising: the reverse process of one last token."""

from functools import partial
from typing import Any

import streamlit as st

from adrec.explain import words
from app import instead, loaders, state, ui
from app.collapse import healthy
from app.components.said import said
from app.denoising import compare, controls, data, noise, past, view
from app.denoising.look import look
from app.denoising.shelf import Shelf
from app.denoising.sides import Pair, Side
from app.texts import STYLE, linked, say, texts

MEANINGS = {word: texts("glossary")[key]["meaning"] for word, key in words.TERMS.items()}
ALL_IN_BROWSER = "The picture and the words above are computed by the model in your browser; the server sent the history."
IN_BROWSER = (
    "“Other noise” and fewer steps are computed by the model in your browser; the words above and everything else come from the server."
)
ON_SERVER = "Everything here is computed on the server: a model is too large for your browser, or cannot run there."
# On a narrow screen the player comes before what is chosen about it.
FIRST = ("head", "answer", "cards", "player")
ORDER = "".join(f"[data-testid=stLayoutWrapper]:has(> .st-key-denoising-{name}) {{order: -1}}" for name in FIRST)
ON_A_PHONE = f"@media (max-width: 640px) {{[data-testid=stMainBlockContainer] {{padding-top: 3.7rem}} {ORDER}}}"
PAGE = {"title": "Denoising", "icon": ":material/blur_on:", "order": 4}

st.html(f"<style>{ON_A_PHONE}{view.CARDS_CSS}</style>")
head = st.container(key="denoising-head")
title_, model = head.columns([3, 2], vertical_alignment="bottom")
with title_:
    ui.header("How does noise become a recommendation?")
run = ui.run_picker(container=model, first=compare.OPENING[0])
if run is None:
    st.stop()
if past.invents(run):
    past.show(run)
    st.stop()
if (why := data.missing(run)) is not None:
    instead.show(run, "noise", why)
    st.stop()
with head:
    healthy.note(run)


@st.fragment
@ui.guard()
def explore(shelf: Shelf) -> None:
    """All that depends on whose next item it is, on the noise and on the comparison: another choice reruns this alone."""
    shelf.renew()
    run, stage = shelf.run, shelf.stage
    answer = st.container(key="denoising-answer")
    chosen = st.container(horizontal=True, vertical_alignment="bottom")
    length = run.settings["length"]
    subject = controls.subject(run, length)
    seed, steps, method = controls.noise(run)
    controls.choose(chosen, run, length, subject)
    if stage != "finetune":
        st.caption("This is the model after its warm-up; fine-tuning has not finished.")
    if subject is None:
        controls.turn(chosen, controls.more(), shelf)
        return
    with st.container(key="denoising-cards"):
        view.cards(subject, run)
    more = controls.more(compare.is_open(run))
    pair = compare.choose(more, shelf, subject, steps)
    sides = [Side(run, stage, subject, steps)] if pair is None else [pair.one, pair.other]
    in_browser = all(side.in_browser for side in sides)
    controls.turn(chosen, more, shelf, pair.other.run if pair is not None and pair.kind == "run" else None, in_browser)
    change, picture = st.container(), st.container(key="denoising-player")
    asks = view.asks_browser(sides, seed)
    if asks:
        with answer:
            said(MEANINGS, partial(view.renoise, steps))
        scenes, sayings, note = [side.question(seed, method) for side in sides], compare.sayings(shelf, pair), ALL_IN_BROWSER
    else:
        view.wait_for([side.walk(seed) for side in sides], answer, picture)
        speak(shelf, pair, sides[0], seed, method, answer, change)
        scenes, sayings, note = [side.scene(seed, method) for side in sides], None, IN_BROWSER if in_browser else ON_SERVER
    with change:
        compare.cards(pair)
    with picture:
        view.clock(b"".join(scenes), steps, in_browser, sayings)
        st.caption(note)
    view.downloads(sides[0], partial(compare.second_panel, pair, seed, method), seed, method)
    look(shelf, sides[0], seed)


def speak(shelf: Shelf, pair: Pair | None, one: Side, seed: int, method: str, answer: Any, change: Any) -> None:
    """The words, made here from what was computed here."""
    trajectory, title, second = one.trajectory(seed), loaders.title(shelf.run), compare.second_panel(pair, seed, method)
    if pair is not None and second is not None and noise.differ_only_in_weight(shelf.run, pair.other.run):
        said_, why = words.describe_weights(trajectory, second.trajectory, STYLE), f"{words.PROCESS} {trajectory.about_steps}"
    else:
        said_, why = words.headline(trajectory, title, STYLE), words.why(trajectory, STYLE)
        if second is not None:
            change.markdown(second.summary(trajectory, title, words.MARKDOWN))
    with answer:
        say(linked(said_, words.TERMS))
        say(linked(why, words.TERMS), small=True)


explore(Shelf(run, state.get("run")))
