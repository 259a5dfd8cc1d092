"""The maps of the Collapse page, their controls, and the card of the chosen item with its neighbours in every stage."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.maps.projection import umap_seconds
from adrec.pictures import looks
from adrec.pictures.maps import block
from adrec.runs import RunFolder
from app import loaders, projecting, state, ui
from app.collapse import colours, data, items, points, selection
from app.collapse.long import duration
from app.components.maps import lists, maps
from app.texts import say, texts

VIEWS = {"side": "Side by side", "one": "One, animated"}
METHODS = {"umap": "UMAP", "pca": "PCA"}

FOUND = 200
"""The most titles listed by a search in a large catalogue."""
METRIC_HELP = (
    "Exact, in the full embedding space, not on the map. Cosine: 1 is the same direction, 0 is unrelated. Dot product: also larger "
    "for longer embeddings. Euclidean distance: 0 is the same point. ● was among the ten in the previous stage, ○ is new."
)


def controls(run: RunFolder, row: Any) -> None:
    """Search, colouring, projection, view: all in the URL."""
    options = colours.colour_options(run)
    _search(run, row)
    columns = list(options)
    row.selectbox("Colour", columns, format_func=options.__getitem__, width=170, **state.bound("colour", columns[0], columns))
    for name, label, words, default in (("method", "Projection", METHODS, method(run)), ("view", "Maps", VIEWS, "side")):
        bound = state.bound(name, default, list(words))
        row.segmented_control(label, list(words), format_func=words.__getitem__, required=True, **bound)


def _search(run: RunFolder, row: Any) -> None:
    """A list of all titles with completion; for a large catalogue, of the titles that match a search."""
    titles, help_text = items.titles(run), "Type a title, or click a point on a map."
    listed: tuple[int, ...] | None = None  # all
    if len(titles) <= data.AT_ONCE:
        ids: list[int] = items.alphabetical(run)
    else:
        words = row.text_input("Search", width=200, placeholder="part of a title").casefold()
        current = chosen(run)["row"]
        found = [i for i, title in enumerate(titles) if words in title.casefold()][:FOUND] if words else []
        ids = [1 + i for i in dict.fromkeys([current, *found])]
        listed = tuple(ids)
        help_text = f"The current item, and up to {FOUND} titles that contain the search text."
    item = state.bound("item", items.first_item(run), range(1, len(titles) + 1), of=(loaders.key(run), listed))
    row.selectbox("Item", ids, format_func=lambda i: titles[i - 1], width=340, help=help_text, **item)


def method(run: RunFolder) -> str:
    """The projection in the URL; by default UMAP if it has been computed."""
    wanted = state.get("method")
    return wanted if wanted in METHODS else "pca" if data.layouts(run, "umap") is None else "umap"


def chosen(run: RunFolder) -> dict[str, Any]:
    """The choices in the URL, or the defaults: item (its row), colour, method, view, stage, metric."""
    columns, shown = list(colours.colour_options(run)), data.stages(run)
    item, colour, stage, metric = state.get("item"), state.get("colour"), state.get("stage"), state.get("metric")
    return {
        "row": (item if item is not None and 1 <= item <= shown.items else items.first_item(run)) - 1,
        "colour": colour if colour in columns else columns[0],
        "method": method(run),
        "view": state.get("view") if state.get("view") in VIEWS else "side",
        "stage": stage if stage in shown.names else shown.names[-1],
        "metric": metric if metric in items.METRICS else "cosine",
    }


def map_view(run: RunFolder) -> None:
    """The maps; if UMAP is chosen but not computed yet, a way to compute it."""
    now, shown = chosen(run), data.stages(run)
    layouts = points.layouts(run, now["method"])
    if layouts is None:
        umap_job(run)
        return
    colouring = colours.colouring(run, now["colour"], now["method"])
    ready = (run, now["method"], now["colour"], bool(colouring.label))
    maps(_packed(*ready, layouts, colouring), _pick(shown.items), _show(shown.names), lambda selected: selection.take(run, selected))
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


@loaders.of_run(8)
def _packed(
    run: RunFolder, method: str, colour: str, ready: bool, _layouts: Mapping[str, np.ndarray], _colouring: colours.Colouring
) -> bytes:
    stages, rows = data.stages(run), points.rows(run)
    records = [stage_record(run, name) for name in stages.names]
    of = {"run": loaders.tag(run), "frame": f"{loaders.link_name(run)} {method}", "file": f"{run.name}-map-{method}"}
    return block(of, records, items.titles(run), {name: _layouts[name] for name in stages.names}, _colouring, rows)


def stage_record(run: RunFolder, name: str) -> dict[str, Any]:
    """A stage as the components show it: name, mark, colour, and the lines above its map."""
    shown = data.stages(run)
    mark = {"glyph": looks.stage_glyph(name), "color": looks.stage_color(name)}
    return {"key": name, "label": shown.label(name), "lines": data.stage_lines(run, name), **mark}


def _map_notes(run: RunFolder, method: str, layouts: Mapping[str, np.ndarray]) -> None:
    row = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    shares = ", ".join(f"{100 * s:.0f} %" for s in data.explained(run).values()) if method == "pca" else ""
    stages, rows = data.stages(run), points.rows(run)
    sample = "" if rows is None else f" Showing {len(rows):,} of {stages.items:,} items, a sample stratified by popularity."
    with row.container(width="stretch"):
        say(texts("collapse")["methods"][method].format(shares=shares) + sample, small=True)
    columns = {f"{name}_{axis}": xy[:, i] for name, xy in layouts.items() for i, axis in enumerate("xy")}
    frame = loaders.items(run)[["item", "title"]].iloc[slice(None) if rows is None else rows]
    with row:
        ui.download("Map data (CSV)", frame.reset_index().assign(**columns), f"{run.name}-map-{method}")


def umap_job(run: RunFolder) -> None:
    """Shown instead of the maps: the button that computes UMAP, then its progress and a way to cancel."""
    job = projecting.job(run)
    watched, shown = job is not None and job.alive, data.stages(run)
    takes = duration(umap_seconds(shown.items, len(shown.names), shown.width))

    @st.fragment(run_every=0.5 if watched else None)
    def view() -> None:
        now = projecting.job(run)
        with st.container(height=620, border=True, vertical_alignment="center", horizontal_alignment="center"):
            if now is not None and now.alive:
                left = "estimating the time left" if now.left is None else f"{duration(now.left)} left"
                st.progress(min(now.fraction, 1.0), f"UMAP: {now.words}, {100 * now.fraction:.0f} %, {left}", width=420)
                if now.mine and st.button("Cancel", icon=":material/close:", key="umap.cancel"):
                    projecting.cancel(run)
                    st.rerun()
                return
            if watched:  # it has ended since the page was drawn
                st.rerun()
            if now is not None and now.error:
                st.error(ui.plain(now.error), icon=":material/error:", width=520)
            st.markdown("UMAP shows neighbourhoods better than PCA. It is computed once and kept.", width="content")
            if st.button(f"Compute UMAP ({takes})", type="primary", icon=":material/play_arrow:", key="umap.start"):
                projecting.start(run)
                st.rerun()

    view()


def neighbour_view(run: RunFolder) -> None:
    """The card of the chosen item: facts and the ten nearest neighbours in every stage. Also tells the maps the item and the selection."""
    now, titles = chosen(run), items.titles(run)
    row = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
    with row.container(width="stretch"):
        st.subheader(ui.plain(titles[now["row"]]), anchor=False)
        st.caption(" · ".join(f"{ui.plain(name)}: **{ui.plain(words)}**" for name, words in items.facts(run, now["row"]).items()))
    metric = state.bound("metric", "cosine", list(items.METRICS))
    row.segmented_control(
        "Nearest by", list(items.METRICS), format_func=items.METRICS.__getitem__, required=True, help=METRIC_HELP, **metric
    )
    near = items.neighbours(run, now["row"], now["metric"])
    lists(_look(run, now, near), _pick(data.stages(run).items))
    ui.download("Neighbours (CSV)", _neighbour_table(near, titles, now["metric"]), f"{run.name}-neighbours")


def _look(run: RunFolder, now: Mapping[str, Any], near: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    titles, shown = items.titles(run), data.stages(run)
    rows = {n["row"] for found in near.values() for n in found} | {now["row"]}
    return {
        "run": loaders.tag(run),
        "item": now["row"],
        "view": now["view"],
        "stage": now["stage"],
        "stages": [stage_record(run, name) for name in shown.names],
        "neighbours": near,
        "titles": {str(r): titles[r] for r in rows},
        "selection": selection.bits(run),
    }


def _neighbour_table(near: Mapping[str, list[dict[str, Any]]], titles: list[str], metric: str) -> pd.DataFrame:
    rows = [
        (name, rank, n["row"] + 1, titles[n["row"]], n["number"], {True: "kept", False: "new", None: ""}[n["kept"]])
        for name, found in near.items()
        for rank, n in enumerate(found, start=1)
    ]
    return pd.DataFrame(rows, columns=["table", "rank", "id", "item", metric, "change"])
