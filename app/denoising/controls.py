"""The subject and the noise: what the link asks for, and the controls that change the link.

The link is read before a control is drawn, so that the picture is on its way to the browser before they are. A press can arrive
before the page shows the choice made just before it, so what a button does starts from the link and the choices as they are by then,
not from those that it was drawn with; and it does nothing if another run was chosen meanwhile.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.data.dataset import SequenceDataset
from adrec.data.titles import Finder
from adrec.errors import AdrecError
from adrec.explain import OUTCOMES, scene, words
from adrec.explain.all_users import with_outcome
from adrec.runs import RunFolder
from app import loaders, state
from app.denoising import data
from app.denoising import noise as denoising_noise
from app.denoising.shelf import Shelf

MODES = {"person": "An example person", "user": "A real user", "own": "Your own history"}
PERSON = "family"
"""The example person whom the page opens with: their list changes along the way where the noise is strong and never where it is faint."""
LISTED = 20_000
"""Up to this many users or items, the browser gets a list to choose from; above that, the visitor types."""
MORE = "Compare with something else, noise seed, map"
POSITION, TYPED, WRONG = "denoising.place", "denoising.typed", "denoising.wrong"


# -- the subject --------------------------------------------------------------------------------------------------


def subject(run: RunFolder, length: int) -> data.Subject | None:
    """The subject in the link. If it names none: the example person PERSON or, where the catalogue lacks their films, the first user with
    a hit; None for an empty history."""
    users, _ = loaders.dataset(run)
    mode = state.get("view")
    mode = mode if mode in _modes(run, users) else _mode(run, users)
    if mode == "person":
        people = data.people(run)
        return people.get(state.get("person"), people[PERSON])[1]
    if users is None or mode == "own":
        known = _linked(len(loaders.items(run)))[0][-length:]
        return data.Subject(tuple(known)) if known else None
    ids = data.user_ids(run)
    wanted = state.get("user")
    return data.user(users, wanted if wanted in ids else _first(run, users), length)


def _modes(run: RunFolder, users: SequenceDataset | None) -> tuple[str, ...]:
    """The kinds of subject that there are for this run."""
    return tuple(mode for mode in MODES if (mode != "person" or data.people(run)) and (mode != "user" or users is not None))


def _mode(run: RunFolder, users: SequenceDataset | None) -> str:
    """The kind of subject shown if the link names none."""
    if users is None and state.get("history"):
        return "own"
    return "user" if users is not None and (state.get("user") or not data.people(run)) else _modes(run, users)[0]


def _first(run: RunFolder, users: SequenceDataset) -> str:
    """The user shown when the page opens."""
    ranks = data.test_ranks(run, users.n_users)
    hits = [] if ranks is None else with_outcome(ranks, "hit").tolist()
    return str(users.user_ids[hits[0] if hits else users.evaluated("test")[0]])


def _linked(items: int) -> tuple[list[int], list[str]]:
    """The ids in the link's history (joined by '-'): known items, and unknown ids."""
    given = [int(part) for part in str(state.get("history", "")).split("-") if part.isdecimal() and len(part) < 10]
    return [i for i in given if 1 <= i <= items], [str(i) for i in given if not 1 <= i <= items]


def choose(row: Any, run: RunFolder, length: int, shown: data.Subject | None) -> None:
    """The controls for a user or a composed history, in ``row`` and below. shown: the current ``subject``."""
    users, reason = loaders.dataset(run)
    modes = _modes(run, users)
    if modes == ("own",):
        st.info(words.plain(f"{reason} Compose a history instead."), icon=":material/info:")
        _composed(run, length)
        return
    place = state.bound("view", _mode(run, users), modes) | {"help": words.plain(reason) or None}
    mode = row.selectbox("Whose next item", modes, format_func=MODES.__getitem__, width=171, **place)
    if mode == "person":
        people = data.people(run)
        place = state.bound("person", PERSON, [*people])
        row.selectbox("Who", people, format_func=lambda key: people[key][0], width=220, **place)
        _editing(row, run, length)
    elif users is None or mode == "own" or shown is None:
        _composed(run, length)
    else:
        _user(row, run, users, shown, length)


def _editing(row: Any, run: RunFolder, length: int) -> None:
    """The way from the shown history to one's own."""

    def edit() -> None:
        now = subject(run, length)
        if now is not None and _is_shown(run):
            state.put(view="own", history="-".join(map(str, now.history)))

    help_ = "Copies this history so that you can add, remove, replace and reorder items."
    row.button("Edit this history", icon=":material/edit:", on_click=edit, help=help_, key="denoising.edit")


def _user(row: Any, run: RunFolder, users: SequenceDataset, shown: data.Subject, length: int) -> None:
    ids, ranked = data.user_ids(run), data.ranked(run)
    wanted = state.get("user", shown.user_id)
    if wanted != shown.user_id:
        missing = f"User '{wanted}' is not among the {len(ids):,} users with a test answer; showing user {shown.user_id} instead."
        st.warning(words.plain(missing), icon=":material/warning:")
    if len(ids) <= LISTED:
        help_ = "Type a user id from the data set. The rank is that of the test item, measured after training with seed 0."
        place = state.bound("user", shown.user_id, ids, of=loaders.key(run))
        place |= {"filter_mode": "prefix"}  # otherwise a typed id also matches ranks
        row.selectbox("User", ids, format_func=lambda u: ranked.get(u, u), width=156, help=help_, **place)
    else:
        row.text_input("User id", width=220, **state.bound("user", shown.user_id))
    _draws(row, run, users)
    _editing(row, run, length)


def _draws(row: Any, run: RunFolder, users: SequenceDataset) -> None:
    """Draw a random user: any, or one of a given outcome, history length, or change of mind."""
    kinds, missing = _kinds(run)

    def draw() -> None:
        positions = kinds.get(st.session_state.get("denoising.kind", ""), kinds["Any user"])
        state.put(user=str(users.user_ids[int(np.random.default_rng().choice(positions))]))

    help_ = " ".join(
        ["The number after each kind is its count of users; a short or long history is in the shortest or longest quarter.", *missing]
    )
    of: dict[str, Any] = {"format_func": lambda kind: f"{kind} · {len(kinds[kind]):,}", "width": 186, "on_change": draw, "help": help_}
    row.selectbox("Draw at random", list(kinds), key="denoising.kind", **of)
    row.button("Draw", icon=":material/casino:", on_click=draw, help="Another user of this kind", key="denoising.random")


@loaders.once
def _kinds(run: RunFolder) -> tuple[dict[str, np.ndarray], list[str]]:
    """Positions of the users of each non-empty kind, and why other kinds are missing; for a run whose users are known."""
    users, _ = loaders.dataset(run)
    assert users is not None
    ranks, changed, missing = data.test_ranks(run, users.n_users), data.changed_users(run), []
    shown = users.evaluated("test")
    lengths = np.diff(users.train_offsets)[shown]
    short, long = np.quantile(lengths, [0.25, 0.75])
    kinds = {"Any user": shown}
    if ranks is None:
        missing.append("Hits and misses become available when this run's training ends.")
    else:
        kinds |= {f"A {outcome}": with_outcome(ranks, outcome) for outcome in OUTCOMES}
    if changed is None:
        missing.append("Users whose first item changes after step 1 become available once All users, below, is measured.")
    else:
        kinds["Changed its mind"] = changed
    kinds |= {"A short history": shown[lengths <= short], "A long history": shown[lengths >= long]}
    return {kind: found for kind, found in kinds.items() if len(found)}, missing


def _composed(run: RunFolder, length: int) -> None:
    """A history composed from the item table; the URL holds its ids, joined by '-'."""
    items = loaders.items(run)

    def linked() -> list[int]:
        return _linked(len(items))[0][-length:]

    known, unknown = _linked(len(items))
    known = known[-length:]
    if unknown:
        words_ = f"Left out because they are not in the catalogue: {', '.join(unknown[:5])}. Ids run from 1 to {len(items):,}."
        st.warning(words_, icon=":material/warning:")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    position = _position(row, items, known)
    if len(items) <= LISTED:
        _picked(row, run, position, linked, length)
    else:
        _typed(run, known, length)
    if known:
        _change(row, run, position, known, linked)
    else:
        st.caption("Pick one or more items: the model reads them as a history, oldest first, and predicts the next one.")


def _position(row: Any, items: pd.DataFrame, known: list[int]) -> int:
    """The position in the history that the other controls act on; -1 means after the last item."""
    where = {-1: "At the end"} | {i: f"{i + 1}: {items['title'][item]}" for i, item in enumerate(known)}
    if st.session_state.get(POSITION) not in where:
        st.session_state[POSITION] = -1
    return int(row.selectbox("Position in the history", where, format_func=where.__getitem__, width=280, disabled=not known, key=POSITION))


def _picked(row: Any, run: RunFolder, position: int, linked: Callable[[], list[int]], length: int) -> None:
    """Append an item, or replace the one at the position."""
    items = loaders.items(run)
    titles = unique_titles(items)

    def put() -> None:
        item, ids, at = st.session_state.get("denoising.add"), linked(), st.session_state.get(POSITION, -1)
        st.session_state["denoising.add"] = None
        if item is None:
            return
        if 0 <= at < len(ids):
            ids[at] = item
        else:
            ids.append(item)
        _put_history(run, ids[-length:])

    label = "Add an item" if position < 0 else "Replace it with"
    add: dict[str, Any] = {"index": None, "format_func": titles.__getitem__, "placeholder": "Type a title", "key": "denoising.add"}
    row.selectbox(label, items.index.tolist(), on_change=put, width=280, **add)


def _put_history(run: RunFolder, ids: Sequence[int]) -> None:
    if _is_shown(run):
        state.put(history="-".join(map(str, ids)) or None)


def _is_shown(run: RunFolder) -> bool:
    """Whether the run that a control was drawn for is still chosen; in another run the ids stand for other items."""
    name = loaders.link_name(run)
    return bool(state.get("run", name) == name)


def unique_titles(items: pd.DataFrame) -> dict[int, str]:
    """Titles with the year if known, and with the raw id if still not unique."""
    shown = items["title"] + (" (" + items["year"] + ")" if "year" in items else "")
    double = shown.duplicated(keep=False)
    return dict(zip(items.index.tolist(), shown.where(~double, shown + " · " + items["item"]).tolist(), strict=True))


def _typed(run: RunFolder, known: list[int], length: int) -> None:
    """The history as text. Invalid text stays as typed, with its error, until it or the link changes."""
    items = loaders.items(run)

    def typed() -> None:
        text = st.session_state[TYPED]
        try:
            ids = Finder(items).history(text)[-length:] if text.strip() else []
        except AdrecError as error:
            st.session_state[WRONG] = (known, text, str(error))
        else:
            _put_history(run, ids)

    title, item = items["title"], items["item"]
    shown = "; ".join(title[i] if (title == title[i]).sum() == 1 else item[i] for i in known)
    of, text, error = st.session_state.get(WRONG, (None, "", ""))
    st.session_state[TYPED] = text if of == known else shown
    st.text_input("History, oldest first", help="Titles or ids, separated by semicolons", key=TYPED, on_change=typed)
    if of == known:
        st.error(words.plain(error), icon=":material/error:")
    else:
        st.session_state.pop(WRONG, None)


def _change(row: Any, run: RunFolder, position: int, known: list[int], linked: Callable[[], list[int]]) -> None:
    """Move or remove the item at the position (or the newest), or start over."""

    def at(chosen: int, ids: list[int]) -> int:
        return chosen if 0 <= chosen < len(ids) else len(ids) - 1

    def move(by: int) -> None:
        ids = linked()
        old = at(st.session_state[POSITION], ids)
        new = old + by
        if 0 <= new < len(ids):
            ids.insert(new, ids.pop(old))
            _put_history(run, ids)
            st.session_state[POSITION] = new

    def remove() -> None:
        ids = linked()
        gone = at(st.session_state[POSITION], ids)
        _put_history(run, ids[:gone] + ids[gone + 1 :])

    def button(label: str, icon: str, off: bool = False, **of: Any) -> None:
        row.button(label, icon=f":material/{icon}:", type="tertiary", disabled=off, key=f"denoising.{label.lower()}", **of)

    now = at(position, known)
    button("Earlier", "arrow_back", now == 0, on_click=move, args=(-1,), help="Moves the item at this position")
    button("Later", "arrow_forward", now == len(known) - 1, on_click=move, args=(1,), help="Moves the item at this position")
    button("Remove", "undo", on_click=remove, help="Removes the item at this position; at the end, the newest item")
    button("Start over", "delete", on_click=_put_history, args=(run, []))


# -- the noise ---------------------------------------------------------------------------------------------------


def noise(run: RunFolder) -> tuple[int, int, str]:
    """Seed, number of steps and map from the link, or their defaults."""
    timesteps, own, methods = run.settings["timesteps"], data.own_steps(run), _methods(run)
    seed, steps, method = state.get("seed", 0), state.get("steps", own), state.get("method", methods[0])
    return (
        seed if seed in range(2**31) else 0,
        steps if steps in range(1, timesteps + 1) else own,
        method if method in methods else methods[0],
    )


def _methods(run: RunFolder) -> tuple[str, ...]:
    return ("umap", "pca") if data.has_umap(run) else ("pca",)


def more(expanded: bool = False) -> Any:
    """The row of what is rarely changed, behind one press."""
    return st.expander(MORE, expanded=expanded).container(horizontal=True, vertical_alignment="bottom")


def turn(chosen: Any, row: Any, shelf: Shelf, other: RunFolder | None = None, in_browser: bool = False) -> None:
    """The controls for the noise weight, in ``chosen``, and for seed, steps and map, in ``row``. other: the run of the second panel, if it
    is another one. in_browser: whether the picture itself offers other noise and fewer steps."""
    run = shelf.run
    timesteps = run.settings["timesteps"]

    def reseed() -> None:
        state.put(seed=(noise(run)[0] + 1) % 2**31)

    denoising_noise.trainings(chosen, run, shelf.alike, other)
    row.number_input("Noise seed", 0, 2**31 - 1, step=1, width=160, **state.bound("seed", 0, range(2**31)))
    if not in_browser:
        row.button("Another seed", icon=":material/casino:", on_click=reseed, key="denoising.reseed")
        help_ = "Fewer steps go through the same noise levels in larger strides, always starting at the noisiest."
        default = state.bound("steps", data.own_steps(run), range(1, timesteps + 1))
        row.number_input(f"Steps, 1 to {timesteps}", 1, timesteps, step=1, width=160, help=help_, **default)
    methods = _methods(run)
    why = "UMAP preserves neighbourhoods, PCA preserves distances along two axes."
    why += "" if "umap" in methods else " This run's UMAP has not been computed yet."
    place = state.bound("method", methods[0], methods)
    row.selectbox("Map", methods, format_func=scene.METHODS.__getitem__, width=120, help=why, **place)
