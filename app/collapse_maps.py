"""The maps of the Collapse page, their controls, and the card of the chosen item with its neighbours in every stage."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.runs import RunFolder
from app import collapse_data as data
from app import collapse_items as items
from app import loaders, palette, projecting, state, ui
from app.components.maps import lists, maps, pack

VIEWS = {"side": "Side by side", "one": "One that moves"}
METHODS = {"pca": "PCA", "umap": "UMAP"}
RAMPS = {"light": ("#b9d3e6", "#08306b"), "dark": ("#274664", "#a9d6ff")}
"""The ends of the scale for numbers, from few to many."""

METHOD_WORDS = {
    "pca": "PCA, one pair of axes for all stages, true to scale. It is a shadow: the two axes show {shares} of the variance.",
    "umap": "UMAP, laid out jointly: an item moves when its neighbours change. Near means alike; "
    "the size of a group and the distance between groups mean little.",
}


def controls(run: RunFolder, row: Any) -> None:
    """Search, colouring, projection, view: all in the URL."""
    titles, options = items.titles(run), items.colour_options(run)
    ids = [i + 1 for i in sorted(range(len(titles)), key=lambda i: titles[i].casefold())]
    item = state.bound("item", items.first_item(run), range(1, len(titles) + 1))
    row.selectbox("Item", ids, format_func=lambda i: titles[i - 1], width=340, help="Type a title, or click a point in a map.", **item)
    if options:
        columns = list(options)
        row.selectbox("Colour", columns, format_func=options.__getitem__, width=150, **state.bound("colour", columns[0], columns))
    for name, label, words, default in (("method", "Projection", METHODS, "pca"), ("view", "Maps", VIEWS, "side")):
        bound = state.bound(name, default, list(words))
        row.segmented_control(label, list(words), format_func=words.__getitem__, required=True, **bound)


def chosen(run: RunFolder) -> dict[str, Any]:
    """What the URL says, or the defaults: item (its row), colour (a column or None), method, view, stage."""
    columns, shown = list(items.colour_options(run)), data.stages(run)
    item, colour, stage = state.get("item"), state.get("colour"), state.get("stage")
    return {
        "row": (item if item is not None and 1 <= item <= shown.items else items.first_item(run)) - 1,
        "colour": colour if colour in columns else columns[0] if columns else None,
        "method": state.get("method") if state.get("method") in METHODS else "pca",
        "view": state.get("view") if state.get("view") in VIEWS else "side",
        "stage": stage if stage in shown.names else shown.names[-1],
    }


def map_view(run: RunFolder) -> None:
    """The maps, or, where UMAP is wanted and not there yet, how to get it."""
    now, shown = chosen(run), data.stages(run)
    layouts = data.layouts(run, now["method"])
    if layouts is None:
        umap_job(run)
    else:
        maps(_packed(*loaders.key(run), now["method"], now["colour"], layouts), _pick(shown.items), _show(shown.names))
        _map_notes(run, now["method"], layouts)


def _pick(items: int) -> Any:
    def pick(row: Any) -> None:
        if isinstance(row, int) and 0 <= row < items:
            state.put(item=row + 1)

    return pick


def _show(names: tuple[str, ...]) -> Any:
    def show(stage: Any) -> None:
        if stage in names:
            state.put(view="one", stage=stage)

    return show


@st.cache_resource(max_entries=8, show_spinner=False)
def _packed(path: str, changed: int, method: str, colour: str | None, _layouts: Mapping[str, np.ndarray]) -> bytes:
    run = RunFolder(path)
    shown, colouring = data.stages(run), items.colouring(run, colour)
    kinds = len(colouring.categories)
    header = {
        "run": f"{path} {changed}",
        "frame": f"{path} {method}",
        "stages": [stage_record(run, name) for name in shown.names],
        "titles": items.titles(run),
        "words": colouring.words,
        "legend": colouring.label,
        "categories": colouring.categories,
        "colours": _category_colours(colouring.categories),
        "markers": palette.CATEGORY_MARKERS[:kinds],
        "low": colouring.low,
        "high": colouring.high,
        "ramp": {theme: _ramp(*ends) for theme, ends in RAMPS.items()},
    }
    return pack(header, [_layouts[name] for name in shown.names], colouring.codes)


def _category_colours(categories: tuple[str, ...]) -> list[str]:
    """A colour each; grey for the rest, which is always the last."""
    grey = palette.CATEGORIES[-1]
    return [grey if name == items.OTHER else palette.CATEGORIES[i] for i, name in enumerate(categories)]


def _ramp(first: str, last: str) -> list[str]:
    ends = [np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (first, last)]
    mixed = [ends[0] + (ends[1] - ends[0]) * t for t in np.linspace(0, 1, items.STEPS)]
    return ["#" + "".join(f"{round(v):02x}" for v in color) for color in mixed]


def stage_record(run: RunFolder, name: str) -> dict[str, Any]:
    """A stage as the components show it: name, mark, colour, and the lines above its map."""
    shown = data.stages(run)
    mark = {"glyph": palette.stage_glyph(name), "color": palette.stage_color(name)}
    return {"key": name, "label": shown.label(name), "lines": data.stage_lines(run, name), **mark}


def _map_notes(run: RunFolder, method: str, layouts: Mapping[str, np.ndarray]) -> None:
    row = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    shares = ", ".join(f"{100 * s:.0f} %" for s in data.explained(run).values()) if method == "pca" else ""
    row.caption(METHOD_WORDS[method].format(shares=shares), width="content")
    columns = {f"{name}_{axis}": xy[:, i] for name, xy in layouts.items() for i, axis in enumerate("xy")}
    with row:
        ui.download("Map data (CSV)", pd.DataFrame({"item": items.titles(run), **columns}), f"{run.name}-map-{method}")


def umap_job(run: RunFolder) -> None:
    """In the maps' place: the button that computes UMAP, then its progress and a way to cancel."""
    job = projecting.job(run)
    watched = job is not None and job.alive

    @st.fragment(run_every=0.5 if watched else None)
    def view() -> None:
        now = projecting.job(run)
        with st.container(height=620, border=True, vertical_alignment="center", horizontal_alignment="center"):
            if now is not None and now.alive:
                st.progress(min(now.fraction, 1.0), f"UMAP: {now.words}, {100 * now.fraction:.0f} %", width=420)
                if st.button("Cancel", icon=":material/close:", key="umap.cancel"):
                    projecting.cancel(run)
                    st.rerun()
                return
            if watched:  # it ended since the page was drawn
                st.rerun()
            if now is not None and now.error:
                st.error(now.error, icon=":material/error:", width=520)
            st.markdown("UMAP shows neighbourhoods better than PCA. It is computed once and kept.", width="content")
            if st.button("Compute UMAP", type="primary", icon=":material/play_arrow:", key="umap.start"):
                projecting.start(run)
                st.rerun()

    view()


def neighbour_view(run: RunFolder) -> None:
    """The chosen item's ten nearest in every stage, side by side; tells the maps what is chosen."""
    now, titles, shown = chosen(run), items.titles(run), data.stages(run)
    near = items.neighbours(run, now["row"])
    st.markdown(
        f"**Nearest to {_plain(titles[now['row']])}**, by cosine of the embeddings",
        help="Cosine: 1 points the same way, 0 is unrelated. ● was among the ten in the stage before, ○ is new. Taken in all "
        f"{shown.width} directions, not on the map.",
    )
    rows = {n["row"] for found in near.values() for n in found} | {now["row"]}
    path, changed = loaders.key(run)
    look = {
        "run": f"{path} {changed}",
        "item": now["row"],
        "view": now["view"],
        "stage": now["stage"],
        "stages": [stage_record(run, name) for name in shown.names],
        "neighbours": near,
        "titles": {str(r): titles[r] for r in rows},
    }
    lists(look, _pick(shown.items))
    table = [
        (name, place, titles[n["row"]], n["cosine"], {True: "stayed", False: "new", None: ""}[n["kept"]])
        for name, found in near.items()
        for place, n in enumerate(found, start=1)
    ]
    ui.download("Neighbours (CSV)", pd.DataFrame(table, columns=["table", "place", "item", "cosine", "change"]), f"{run.name}-neighbours")


def _plain(text: str) -> str:
    """A title that Markdown leaves as it is."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|~$:<>" else c for c in text)
