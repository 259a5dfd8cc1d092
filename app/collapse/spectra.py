"""The section on spectra: the tables' spectra next to that of noise, and what a single direction encodes."""

import html
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from adrec.runs import RunFolder
from app import loaders, state, ui
from app.collapse import charts, data, items, ranking
from app.collapse import spectra_data as spectra

FIGURE = "collapse.spectra"
ENDS_CSS = """<style>
.ends{display:grid;grid-template-columns:1fr 1fr;gap:4px 20px;font-size:.9rem;line-height:1.35}
.ends b{font-weight:600} .ends ol{margin:2px 0 0;padding-left:1.4rem} .ends li{overflow-wrap:anywhere}
</style>"""


@st.fragment
def section(run: RunFolder) -> None:
    """Spectra on the left, the chosen direction on the right; a click on a curve updates both without rerunning the page."""
    left, right = st.columns([6, 5], gap="large")
    with ui.guard():
        with left:
            st.subheader("Spectra", anchor=False)
            view = _figure(run)
        with right:
            _direction(run, view)


def chosen(run: RunFolder) -> tuple[str, int]:
    """The table and the direction, from 1, in the URL; by default the last table's strongest."""
    shown = data.stages(run)
    table, number = state.get("table"), state.get("direction", 1)
    return (table if table in shown.names else shown.names[-1]), number if 1 <= number <= min(shown.items, shown.width) else 1


def _figure(run: RunFolder) -> str:
    shown = data.stages(run)
    view = state.get("spectrum") if state.get("spectrum") in spectra.VIEWS else "centred"
    st.caption(f"{spectra.READING[view]} {spectra.BAND}")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    words = spectra.VIEWS
    bound = state.bound("spectrum", "centred", list(words))
    row.segmented_control("Spectrum", list(words), format_func=words.__getitem__, required=True, **bound)
    words, energy = spectra.SCALES, view == "energy"
    help = "Shares are always on a linear scale." if energy else None
    bound = state.bound("scale", "log", list(words))
    row.segmented_control("Scale", list(words), format_func=words.__getitem__, required=True, disabled=energy, help=help, **bound)
    values, band = spectra.values(run, view), spectra.band(run, view)
    figure = _chart(run, view, state.get("scale", "log") != "linear", chosen(run))
    columns = {**values, **dict(zip(("noise_1", "noise_50", "noise_99"), band, strict=True))}
    frame = pd.DataFrame({"direction": np.arange(1, band.shape[1] + 1), **columns})
    alt = "Spectra of the item tables, strongest direction first, with the band of random tables of the same size"
    ui.figure(figure, frame, f"{run.name}-spectra-{view}", alt, key=FIGURE, on_select=_click(shown.names), selection_mode="points")
    return view


@loaders.of_run(32)
def _chart(run: RunFolder, view: str, log: bool, marked: tuple[str, int]) -> Any:
    shown = data.stages(run)
    edge = spectra.noise_edge(run) if view == "standardised" else None
    labels = {name: shown.label(name) for name in shown.names}
    return charts.spectra(spectra.values(run, view), labels, spectra.band(run, view), view, log, edge, marked)


def _click(names: tuple[str, ...]) -> Any:
    def clicked() -> None:
        points = st.session_state[FIGURE]["selection"]["points"]
        if points and points[0].get("curve_number", len(names)) < len(names):
            state.put(table=names[points[0]["curve_number"]], direction=int(points[0]["point_index"]) + 1)

    return clicked


# -- one direction ------------------------------------------------------------------------------------------------


def _direction(run: RunFolder, view: str) -> None:
    shown, (name, number) = data.stages(run), chosen(run)
    most = min(shown.items, shown.width)
    st.subheader("What a direction encodes", anchor=False)
    st.caption("Click a point on a curve, or choose here. Items at the two ends differ most in what this direction encodes.")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.selectbox("Table", list(shown.names), format_func=shown.label, width=190, **state.bound("table", name, list(shown.names)))
    row.number_input("Direction", 1, most, step=1, width=150, **state.bound("direction", number, range(1, most + 1)))
    found = spectra.direction(run, name, number, view)
    counts = spectra.popularity(run)
    from adrec.collapse.directions import popularity_correlation

    correlation = None if counts is None else popularity_correlation(found.loadings, counts)
    share = f"**{100 * found.energy:.1f} %** of the {'squared length' if view == 'raw' else 'variance'} lies along it"
    st.markdown(f"{share} ({100 / most:.1f} % if all were equal). {spectra.about_popularity(correlation)}")
    titles = items.titles(run)
    _map(run, name, number, view, titles)
    _ends(found, titles)
    _off(run, name, number, view)


@loaders.of_run(32)
def _loading_chart(run: RunFolder, name: str, number: int, view: str, method: str) -> tuple[Any, pd.DataFrame]:
    titles, loadings, layouts = items.titles(run), spectra.direction(run, name, number, view).loadings, data.layouts(run, method)
    assert layouts is not None  # PCA is always available
    rows = spectra.map_rows(len(titles))
    figure = charts.loading_map(layouts[name][rows], loadings[rows], [titles[i] for i in rows])
    return figure, pd.DataFrame({"item": titles, "loading": loadings, "x": layouts[name][:, 0], "y": layouts[name][:, 1]})


def _map(run: RunFolder, name: str, number: int, view: str, titles: list[str]) -> None:
    method = "umap" if state.get("method") == "umap" and data.layouts(run, "umap") else "pca"
    rows = spectra.map_rows(len(titles))
    figure, frame = _loading_chart(run, name, number, view, method)
    alt = "The item map coloured by how far each item lies along the chosen direction"
    ui.figure(figure, frame, f"{run.name}-direction", alt, key="collapse.direction")
    part = f" Showing {len(rows):,} of {len(titles):,} items, evenly spaced." if len(rows) < len(titles) else ""
    st.caption(f"{method.upper()} map of this table: larger, more saturated dots lie farther along the direction.{part}")


def _ends(found: Any, titles: list[str]) -> None:
    low, high = found.ends()

    def column(rows: np.ndarray, color: str, words: str) -> str:
        entries = "".join(f"<li>{html.escape(titles[row])}</li>" for row in rows)
        return f"<div><b><span style='color:{color}'>●</span> {words}</b><ol>{entries}</ol></div>"

    st.html(f"{ENDS_CSS}<div class='ends'>{column(low, charts.ENDS[0], 'Low end')}{column(high, charts.ENDS[1], 'High end')}</div>")


def _off(run: RunFolder, name: str, number: int, view: str) -> None:
    """The button that ranks with the direction switched off, and the result."""
    from adrec.collapse.directions import without

    base = spectra.base(view)
    why, change = ranking.obstacle(run, name), f"{base} {number} off"
    own, after = ranking.known(run, name, ranking.OWN), ranking.known(run, name, change)
    cost = ranking.seconds(run, name) * (1 if own is not None else 2)
    place = st.empty()
    why = why and ui.plain(why)
    help = why or "Ranks for all validation users with this direction removed from the table, using the model of this stage."
    pressed = place.button("Switch it off and rank", icon=":material/toggle_off:", disabled=why is not None, help=help, key="spectra.off")
    if why:
        st.caption(why)
        return
    if pressed and after is None:
        bar = place.progress(0.0, f"Ranking, about {cost:.0f} s")
        found, steps = spectra.direction(run, name, number, view), (1 if own is not None else 2)
        own = ranking.measure(run, name, ranking.OWN, None, progress=lambda share: bar.progress(share / steps))
        table = data.distinct_tables(run)[name]
        after = ranking.measure(
            run, name, change, lambda: without(table, found), progress=lambda share: bar.progress((steps - 1 + share) / steps)
        )
        bar.empty()
    if own is not None and after is not None:
        st.markdown(_outcome(own, after))
    else:
        st.caption(f"Ranking twice takes about {cost:.0f} s." if cost > ranking.seconds(run, name) else f"Takes about {cost:.0f} s.")
    tried = [(k, ranking.known(run, name, f"{base} {k} off")) for k in range(1, 1 + min(data.stages(run).width, data.stages(run).items))]
    listed = [f"{k}: {100 * float((ranks <= 10).mean()):.1f} %" for k, ranks in tried if ranks is not None and k != number]
    if own is not None and listed:
        st.caption(f"HR@10 with another direction off: {', '.join(listed)}; with none off: {100 * float((own <= 10).mean()):.1f} %.")


def _outcome(own: np.ndarray, after: np.ndarray) -> str:
    from adrec.collapse.replaced import difference

    found = difference(own, after)
    chance = "no more than chance explains" if found.chance > 0.05 else "more than chance explains"
    moved = f"{found.won} users gained, {found.lost} lost, {chance} (p = {found.chance:.2g}, McNemar)"
    before = f"instead of {100 * found.before:.1f} % over {found.users:,} validation users"
    return f"Without it **HR@10 is {100 * found.after:.1f} %** {before}: {moved}."
