"""The parts of the Denoising page: whose next item, the history as cards, the scrubber, what the noise does."""

import html
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.data.dataset import SequenceDataset
from adrec.explorer import export, scene, words
from adrec.runs import RunFolder
from adrec.titles import parse_history
from app import loaders, state
from app.components.scrubber import HEIGHT, scrubber
from app.denoising import data
from app.denoising import noise as denoising_noise

if TYPE_CHECKING:
    from adrec.trajectory import Trajectory

MODES = {"user": "A user", "own": "Your own history"}
LISTED = 20_000
"""Users or items up to which a list to choose from is sent to the browser; above, one types."""
CARDS_CSS = """<style>
.cards{display:flex;gap:12px;align-items:stretch;font-size:.85rem;line-height:1.25}
.cards .past{display:flex;flex-direction:row-reverse;gap:8px;overflow-x:auto;flex:0 1 auto;min-width:0;padding-bottom:6px;
 scrollbar-width:thin}
.cards .card{flex:none;width:138px;border:1px solid color-mix(in srgb,currentColor 22%,transparent);border-radius:6px;padding:6px 8px;
 display:flex;flex-direction:column;justify-content:space-between;min-height:4.6rem;box-sizing:border-box}
.cards b{font-weight:600;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden}
.cards small{opacity:.72;font-size:.76rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.cards .next{display:flex;gap:12px;flex:0 0 auto;align-items:center;padding-bottom:6px}
.cards .next .card{border-width:2px;border-color:VAR_TARGET;align-self:stretch}
.cards .next .unknown{border-style:dashed;border-color:color-mix(in srgb,currentColor 40%,transparent)}
.cards .panel{align-self:start;color:Canvas;background:CanvasText;border-radius:4px;padding:0 7px;font-size:.95rem}
.cards .arrow{opacity:.6;font-size:1.2rem}
@media(max-width:700px){.cards .card{width:116px}.cards{gap:8px}.cards .next{gap:8px}}
</style>"""


# -- whose next item ----------------------------------------------------------------------------------------------


def choose(row: Any, run: RunFolder, length: int) -> data.Subject | None:
    """The controls for a user or a composed history, in ``row`` and below, and the subject that the URL names."""
    users, reason = data.dataset(run)
    if users is None:
        st.info(f"{reason} Compose a history instead.", icon=":material/info:")
        return _composed(run, length)
    place = state.bound("view", "user", tuple(MODES))
    mode = row.segmented_control("Whose next item", MODES, format_func=MODES.__getitem__, required=True, **place)
    return _composed(run, length) if mode == "own" else _user(row, run, users, length)


def _user(row: Any, run: RunFolder, users: SequenceDataset, length: int) -> data.Subject:
    ranks = data.test_ranks(run, users.n_users)
    ids = users.user_ids.tolist()
    hits = [] if ranks is None else data.with_outcome(ranks, "hit").tolist()
    default = ids[hits[0] if hits else 0]
    wanted = state.get("user", default)
    if wanted not in ids:
        words = f"User '{wanted}' is not among the {len(ids):,} users of this data set; this is user {default}."
        st.warning(words, icon=":material/warning:")
    told = {} if ranks is None else {u: f"User {u} · rank {r:,}" for u, r in zip(ids, ranks.tolist(), strict=True)}
    if len(ids) <= LISTED:
        help_ = "Type to search the data set's own user ids. The rank is that of the test item, as measured after training with seed 0."
        place = state.bound("user", default, ids)
        chosen = row.selectbox("User", ids, format_func=lambda u: told.get(u, f"User {u}"), width=220, help=help_, **place)
    else:
        chosen = row.text_input("User id", width=220, **state.bound("user", default, ids))
    _draws(row, run, users, ranks)
    subject = data.user(users, chosen, length)

    def edit() -> None:
        state.put(view="own", history="-".join(map(str, subject.history)))

    help_ = "Copies this history, to add, remove, replace and reorder its items."
    row.button("Edit this history", icon=":material/edit:", on_click=edit, help=help_, key="denoising.edit")
    return subject


def _draws(row: Any, run: RunFolder, users: SequenceDataset, ranks: np.ndarray | None) -> None:
    """Buttons that draw a user: any, or one with a certain outcome, history length, or change of mind."""
    ids = users.user_ids.tolist()

    def draw(positions: np.ndarray) -> None:
        state.put(user=ids[int(np.random.default_rng().choice(positions))])

    def button(place: Any, label: str, key: str, positions: np.ndarray | None, why: str) -> None:
        none = positions is None or not len(positions)
        place.button(label, on_click=draw, args=(positions,), disabled=none, help=why, key=f"denoising.{key}")

    row.button("Random", icon=":material/casino:", on_click=draw, args=(np.arange(len(ids)),), help="Any user", key="denoising.random")
    menu = row.popover("Random, of a kind", icon=":material/filter_alt:")
    for outcome in data.OUTCOMES:
        found = None if ranks is None else data.with_outcome(ranks, outcome)
        why = "This run has no test ranks: they come with the end of its training."
        if found is not None:
            why = (
                f"One of the {len(found):,} users whose test item was a {outcome}"
                if len(found)
                else f"No user's test item was a {outcome}."
            )
        button(menu, f"A {outcome}", outcome, found, why)
    changed = data.changed_users(run)
    why = "All users must be measured first: see All users below."
    if changed is not None:
        why = f"One of {len(changed):,} users whose first item changes after step 1" if len(changed) else "No user's first item changes."
    button(menu, "Changed its mind", "changed", changed, why)
    lengths = np.diff(users.train_offsets)
    short, long = np.quantile(lengths, [0.25, 0.75])
    button(menu, "A short history", "short", np.flatnonzero(lengths <= short), f"At most {short + 1:.0f} items, the shortest quarter")
    button(menu, "A long history", "long", np.flatnonzero(lengths >= long), f"At least {long + 1:.0f} items, the longest quarter")


def _composed(run: RunFolder, length: int) -> data.Subject | None:
    """A history picked from the item table, in the URL as ids joined by '-'."""
    items = loaders.items(run)
    given = [int(part) for part in str(state.get("history", "")).split("-") if part.isdecimal()]
    known = [i for i in given if 1 <= i <= len(items)][-length:]
    unknown = [str(i) for i in given if not 1 <= i <= len(items)]
    if unknown:
        words_ = f"Not in the catalogue and left out: {', '.join(unknown[:5])}. Ids go from 1 to {len(items):,}."
        st.warning(words_, icon=":material/warning:")
    if len(items) <= LISTED:
        _picked(items, known, length)
    else:
        _typed(items, known, length)
    if known:
        _change(items, known)
    else:
        st.caption("Pick one or more items: the model reads them as a history, oldest first, and looks for the next one.")
        return None
    return data.Subject(tuple(known))


def _picked(items: pd.DataFrame, known: list[int], length: int) -> None:
    """Add an item, or put it in another's place."""
    titles = unique_titles(items)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    where = {-1: "At the end"} | {place: f"In place of {place + 1}: {items['title'][item]}" for place, item in enumerate(known)}
    place = row.selectbox("Where", where, format_func=where.__getitem__, width=280, disabled=not known, key="denoising.where")

    def put() -> None:
        item, changed = st.session_state["denoising.add"], known.copy()
        st.session_state["denoising.add"] = None
        if item is None:
            return
        if place is None or place < 0:
            changed.append(item)
        else:
            changed[place] = item
        _put_history(changed[-length:])

    add: dict[str, Any] = {"index": None, "format_func": titles.__getitem__, "placeholder": "Type a title", "key": "denoising.add"}
    row.selectbox("Add an item", items.index.tolist(), on_change=put, width=320, **add)


def _put_history(ids: Sequence[int]) -> None:
    state.put(history="-".join(map(str, ids)) or None)


def unique_titles(items: pd.DataFrame) -> dict[int, str]:
    """Titles with the year where known, with the raw id where that is still not unique."""
    shown = items["title"] + (" (" + items["year"] + ")" if "year" in items else "")
    double = shown.duplicated(keep=False)
    return dict(zip(items.index.tolist(), shown.where(~double, shown + " · " + items["item"]).tolist(), strict=True))


def _typed(items: pd.DataFrame, known: list[int], length: int) -> None:
    title, item = items["title"], items["item"]
    shown = "; ".join(title[i] if (title == title[i]).sum() == 1 else item[i] for i in known)
    text = st.text_input("History, oldest first", value=shown, help="Titles or ids, separated by ';'")
    wanted = parse_history(text, items)[-length:] if text.strip() else []
    if wanted != known:
        _put_history(wanted)
        st.rerun()


def _change(items: pd.DataFrame, known: list[int]) -> None:
    def move(place: int, by: int) -> None:
        order = known.copy()
        order.insert(place + by, order.pop(place))
        _put_history(order)

    def remove(place: int) -> None:
        _put_history(known[:place] + known[place + 1 :])

    row = st.container(horizontal=True, vertical_alignment="center")
    row.button("Remove the newest", icon=":material/undo:", on_click=remove, args=(len(known) - 1,), type="tertiary", key="denoising.undo")
    row.button("Start over", icon=":material/delete:", on_click=_put_history, args=([],), type="tertiary", key="denoising.clear")
    with row.popover("Change the order, remove", icon=":material/swap_vert:", type="tertiary"):
        for place, item in enumerate(known):
            line = st.container(horizontal=True, vertical_alignment="center", gap="small")
            name = items["title"][item]
            line.button("↑", key=f"up.{place}", on_click=move, args=(place, -1), disabled=place == 0, help=f"{name}: earlier")
            line.button("↓", key=f"down.{place}", on_click=move, args=(place, 1), disabled=place == len(known) - 1, help=f"{name}: later")
            line.button("✕", key=f"remove.{place}", on_click=remove, args=(place,), help=f"Remove {name}")
            line.markdown(words.plain(name))


# -- what is known of them ----------------------------------------------------------------------------------------


def cards(subject: data.Subject, items: pd.DataFrame, panel: str = "") -> None:
    """The history as a row of cards, the newest last, and what came next. panel: the letter of a panel, before them."""
    from app import palette

    past = "".join(_card(items, item) for item in reversed(subject.history))
    unknown = '<div class="card unknown"><b>?</b><small>Next is not known</small></div>'
    target = unknown if subject.target is None else _card(items, subject.target, "★ Came next")
    name = f"History of {len(subject.history)}, the newest on the right, read from there"
    row = f'<div class="past" role="list" tabindex="0" aria-label="{name}">{past}</div>'
    css = CARDS_CSS.replace("VAR_TARGET", palette.TARGET_COLOR)
    letter = f'<b class="panel">{panel}</b>' if panel else ""
    st.html(f'{css}<div class="cards">{letter}{row}<div class="next"><span class="arrow">→</span>{target}</div></div>')


def _card(items: pd.DataFrame, item: int, above: str = "") -> str:
    values = items.loc[item]
    columns = [c for c in ("year", *items.columns.drop(["item", "title", "year", "popularity"], errors="ignore")) if c in items]
    more = [str(values[c]).replace("|", ", ") for c in columns]
    title, rest = html.escape(str(values["title"])), html.escape(" · ".join(m for m in more if m))
    over = f"<small>{html.escape(above)}</small>" if above else ""
    return f'<div class="card" role="listitem" title="{title}, {rest}">{over}<b>{title}</b><small>{rest}</small></div>'


# -- the picture --------------------------------------------------------------------------------------------------


def noise_controls(run: RunFolder, umap: bool) -> tuple[int, int, str]:
    """Seed, number of steps and map, as the URL has them."""
    row, timesteps = st.container(horizontal=True, vertical_alignment="bottom"), run.model_config.timesteps
    denoising_noise.dial(row, run)
    seed = row.number_input("Seed of the noise", 0, 2**31 - 1, step=1, width=160, **state.bound("seed", 0, range(2**31)))
    row.button("Another seed", icon=":material/casino:", on_click=lambda: state.put(seed=(int(seed) + 1) % 2**31), key="denoising.reseed")
    help_ = "Fewer steps visit the same noise levels in larger strides, the noisiest always among them."
    default = state.bound("steps", timesteps, range(1, timesteps + 1))
    steps = row.number_input(f"Steps, 1 to {timesteps}", 1, timesteps, step=1, width=160, help=help_, **default)
    methods = ("umap", "pca") if umap else ("pca",)
    why = "UMAP keeps neighbours together, PCA keeps distances along two axes." + ("" if umap else " This run's UMAP is not computed yet.")
    chosen = state.bound("method", methods[0], methods)
    method = row.segmented_control("Map", methods, format_func=scene.METHODS.__getitem__, required=True, help=why, **chosen)
    return int(seed), int(steps), str(method)


def wait_for_model(run: RunFolder, stage: str, answer: Any, picture: Any) -> None:
    """Hold the places of answer and picture until the model is there; what they held before stays until it is replaced."""
    loading = data.model(run, stage)
    words, space = answer.empty(), picture.empty()
    if not loading.done():
        words.markdown("The model is loading: a few seconds, once.")
        held = space.container(height=HEIGHT, border=True, vertical_alignment="center", horizontal_alignment="center")
        with held, st.spinner("Loading the model"):
            loading.result()
        words.empty()
        space.empty()
    loading.result()


@st.fragment
def clock(scenes: bytes, steps: int) -> None:
    """The scrubber of one scene or two; a step that a person lets go at comes here and nowhere else."""
    step = min(max(state.get("step", steps), 0), steps)
    scrubber(scene.packed(scenes, step), lambda released: state.put(step=released))


def downloads(
    trajectory: "Trajectory",
    title: Callable[[int], str],
    run: RunFolder,
    stage: str,
    subject: data.Subject,
    method: str,
    beside: export.Beside | None,
) -> None:
    """The whole trajectory, or both, as JSON, as a table, and as a page that works offline."""
    stem = f"{run.name}-{subject.user_id or 'composed'}-seed{trajectory.seed}"
    row = st.container(horizontal=True)

    def offer(label: str, make: Callable[[], str], end: str, mime: str) -> None:
        common: dict[str, Any] = {"type": "tertiary", "icon": ":material/download:", "on_click": "ignore", "key": f"denoising.{end}"}
        row.download_button(label, make, file_name=f"{stem}.{end}", mime=mime, **common)

    def page() -> str:
        table = data.model(run, stage).result().item_embedding.weight.numpy()
        of: dict[str, Any] = {"name": run.name, "user": subject.user_id, "beside": beside}
        return export.page(trajectory, table, data.layout(run, stage, method), title, **of)

    def document() -> str:
        found = data.chance(run, stage, subject, trajectory.seed, trajectory.steps)
        report = export.document(trajectory, title, subject.user_id, found.fan, found.fewer, beside)
        return json.dumps(report, ensure_ascii=False, indent=1)

    offer("Everything shown here (JSON)", document, "json", "application/json")
    offer("Steps and lists (CSV)", lambda: export.table(trajectory, title, beside).to_csv(index=False), "csv", "text/csv")
    offer("This picture to take along (HTML, works offline)", page, "html", "text/html")
