"""Same noise, one change: a second panel next to the first, with the same clock and seed."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.data.titles import Finder
from adrec.explain import export, words
from adrec.lesson.models import RUNS
from adrec.runs import RunFolder
from app import loaders, state, ui
from app.denoising import controls, data, noise, view
from app.denoising.shelf import Shelf
from app.denoising.sides import Pair, Side

KINDS = {"none": "Nothing", "user": "Another user", "stage": "An earlier stage", "run": "Another run", "item": "One item changed"}
OPENING = (RUNS["lambda-1"], RUNS["healthy"])
"""The pair of runs that the page opens with: the noise is heard by the first and hardly by the second."""


# -- choosing the comparison --------------------------------------------------------------------------------------


def _default(run: RunFolder) -> str:
    """The comparison shown if the link names none."""
    return "run" if state.get("run") is None and loaders.link_name(run) == OPENING[0] else "none"


def is_open(run: RunFolder) -> bool:
    """Whether the controls of the comparison are shown from the start: where a link or a visitor chose one."""
    return state.get("compare") in KINDS and state.get("compare") not in ("none", _default(run))


def choose(row: Any, shelf: Shelf, subject: data.Subject, steps: int) -> Pair | None:
    """The controls in ``row``, and the two panels if the URL names a second one."""
    _check("compare", KINDS, "comparison")
    help_ = "Adds a second panel with the same noise and one thing changed."
    names: dict[str, Any] = {"format_func": KINDS.__getitem__, "help": help_, "width": 200}
    kind = row.selectbox("Compare with", KINDS, **names, **state.bound("compare", _default(shelf.run), tuple(KINDS)))
    one = Side(shelf.run, shelf.stage, subject, steps)
    if kind == "run":
        return _run(row, one, shelf.comparable)
    chosen = {"user": _user, "stage": _stage, "item": _item}
    return chosen[kind](row, one) if kind in chosen else None


def _check(name: str, options: Iterable[Any], what: str, expected: str = "") -> None:
    """Warn if the link names something that is not among the options; the default is used instead."""
    given, known = st.query_params.get(name), [str(option) for option in options]
    if given and given not in known:
        shown = expected or f"one of {', '.join(known)}"
        ui.warn(f"The link's {what} '{given}' is not valid here; expected {shown}.")


def _user(row: Any, one: Side) -> Pair | None:
    users, reason = loaders.dataset(one.run)
    if users is None:
        st.info(words.plain(reason), icon=":material/info:")
        return None
    every, own = data.user_ids(one.run), one.subject.user_id
    ids = [user for user in every if user != own]
    if not ids:
        st.info("There is no other user in this data set.", icon=":material/info:")
        return None
    default = ids[every.index(own) % len(ids) if own in every else 0]
    _check("other", ids, "other user", f"another user's id, such as {default}")
    place = state.bound("other", default, ids)
    if len(ids) <= controls.LISTED:
        chosen = row.selectbox("Other user", ids, format_func=lambda user: f"User {user}", width=180, **place)
    else:
        chosen = row.text_input("Other user's id", width=180, **place)

    def draw() -> None:
        state.put(other=ids[int(np.random.default_rng().integers(len(ids)))])

    row.button("Another", icon=":material/casino:", on_click=draw, help="Any other user", key="compare.random")
    subject = replace(data.user(users, chosen, one.run.settings["length"]), index=one.subject.index)
    first = replace(one, name="Your own history" if own is None else f"User {own}")
    return Pair(first, replace(one, subject=subject, name=f"User {chosen}"), "user", own, chosen)


def _stage(row: Any, one: Side) -> Pair | None:
    if one.stage == "warmup" or "warmup" not in one.run.stages:
        st.info(words.plain(f"'{ui.run_name(one.run)}' has no earlier stage with a denoiser to compare with."), icon=":material/info:")
        return None
    if not one.run.has_model("warmup"):
        kept = f"This copy of '{ui.run_name(one.run)}' keeps only the item table of its warm-up, not the model"
        said = f"{kept}; a run trained here keeps both."
        st.info(words.plain(said), icon=":material/info:")
        return None
    row.caption("The model after its warm-up, before the fine-tuning.")
    second = replace(one, stage="warmup", name="After the warm-up")
    return Pair(replace(one, name="After the fine-tuning"), second, "stage", "after the fine-tuning", "after the warm-up")


def _run(row: Any, one: Side, offered: ui.Offered) -> Pair | None:
    runs = offered.runs
    if not runs:
        said = f"No other run on the data of '{ui.run_name(one.run)}' has a reverse process."
        st.info(words.plain(said), icon=":material/info:")
        return None
    names = list(runs)
    _check("against", names, "other run")
    default = OPENING[1] if OPENING[1] in runs else names[0]
    chosen = runs[ui.choose_run("Other run", offered, "against", default, row.container(width=440))]
    alike = one.steps == data.own_steps(one.run)
    steps = data.own_steps(chosen) if alike else min(one.steps, chosen.settings["timesteps"])
    before, after = ui.run_name(one.run), ui.run_name(chosen)
    second = replace(one, run=chosen, stage=data.stage(chosen), steps=steps, name=after)
    return Pair(replace(one, name=before), second, "run", before, after)


def _item(row: Any, one: Side) -> Pair | None:
    items, history = loaders.items(one.run), one.subject.history
    positions = range(len(history), 0, -1)
    _check("place", positions, "position in the history", f"1 (the oldest) to {len(history)}")
    labels = {p: f"{p}: {items['title'][history[p - 1]]}" + (" (newest)" if p == len(history) else "") for p in positions}
    bound = state.bound("place", len(history), tuple(positions))
    position = row.selectbox("Item in the history", positions, format_func=labels.__getitem__, width=260, **bound)
    current = history[position - 1]
    options = [0] * (len(history) > 1) + [item for item in items.index.tolist() if item != current]
    if not options:
        st.info("The catalogue has no other item.", icon=":material/info:")
        return None
    _check("by", options, "new item", f"another item's id, 1 to {len(items)}" + (", or 0 to remove it" if len(history) > 1 else ""))
    by = _listed(row, items, options) if len(items) <= controls.LISTED else _typed(row, items, options)
    changed = history[: position - 1] + ((by,) if by else ()) + history[position:]
    before, after = str(items["title"][current]), str(items["title"][by]) if by else None
    name = f"Without {before}" if after is None else f"{after} instead of {before}"
    second = replace(one, subject=replace(one.subject, history=changed), name=name)
    return Pair(replace(one, name="The original history"), second, "item", before, after)


def _listed(row: Any, items: pd.DataFrame, options: list[int]) -> int:
    titles = {0: "Nothing (remove it)"} | controls.unique_titles(items)
    place = state.bound("by", options[0], options)
    return int(row.selectbox("Replace it with", options, format_func=titles.__getitem__, width=260, **place))


def _typed(row: Any, items: pd.DataFrame, options: list[int]) -> int:
    by = state.get("by", options[0])
    by = by if by in options else options[0]
    shown = "" if by == 0 else str(items["item"][by])
    text = row.text_input("Replace it with", value=shown, width=260, help="A title or an id; leave empty to remove the item")
    if text != shown:
        state.put(by=Finder(items).item(text) if text.strip() else 0)
        st.rerun()
    return int(by)


# -- showing it ---------------------------------------------------------------------------------------------------


def second_panel(pair: Pair | None, seed: int, method: str) -> export.Comparison | None:
    """The second panel, computed here."""
    if pair is None:
        return None
    other = pair.other
    second, layout, user = other.trajectory(seed), other.layout(method), other.subject.user_id
    return export.Comparison(pair.kind, pair.before, pair.after, (pair.one.name, other.name), second, layout, user)


def sayings(shelf: Shelf, pair: Pair | None) -> dict[str, Any]:
    """What the words that the browser makes depend on, beside the scenes (``Sayings`` in adrec/browser/types.d.ts)."""
    style = words.BROWSER
    return {
        "process": f"{words.PROCESS} {words.STEP}",
        "changed": "" if pair is None else words.change(pair.kind, pair.before, pair.after, style),
        "lent": "" if pair is None or pair.kind != "user" else f"user {style.title(str(pair.after))}",
        "alike": pair is not None and noise.differ_only_in_weight(shelf.run, pair.other.run),
        "run": pair is not None and pair.kind == "run",
    }


def cards(pair: Pair | None) -> None:
    """The second user's history."""
    if pair is not None and pair.kind == "user":
        view.cards(pair.other.subject, pair.other.run, "B")
