"""The figures of spectra and single directions."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from adrec.pictures import looks
from app import palette
from app.charts import MARGIN, base_layout, direct_label, plain

FLOOR = 1e-3
"""The smallest share of the largest value that a log axis shows."""
TICKS = [digit * 10.0**power for power in range(-5, 4) for digit in (1, 2, 5)]
BAND_FILL = "rgba(138, 146, 155, .22)"
AXES = {
    "centred": "singular value, relative to RMS",
    "raw": "singular value, relative to RMS",
    "standardised": "eigenvalue of ZᵀZ / V",
    "energy": "share of the variance, %",
}
ENDS = ("#0072B2", "#D55E00")
"""Low and high loadings."""
LOADING = [[0.0, ENDS[0]], [0.35, "#7FAFCB"], [0.5, "#9AA1A8"], [0.65, "#DFA06F"], [1.0, ENDS[1]]]


def spectra(
    values: Mapping[str, np.ndarray],
    labels: Mapping[str, str],
    band: np.ndarray,
    view: str = "centred",
    log: bool = True,
    edge: tuple[float, float, float] | None = None,
    chosen: tuple[str, int] | None = None,
) -> go.Figure:
    """One curve per table over its directions, strongest first; noise as a grey band with a dashed median.

    The tables' traces come first, in order. band: (3, K). edge: the ends of the bulk and the spike threshold, for the standardised view.
    chosen: the table and the direction, from 1, to ring.
    """
    figure = go.Figure()
    for name, v in values.items():
        _curve(figure, name, labels[name], v, np.inf if edge is None else edge[2])
    _noise(figure, band)
    figure.update_layout(**base_layout("direction, strongest first", AXES[view], height=470, dragmode="pan", clickmode="event+select"))
    figure.update_layout(margin={**MARGIN, "t": 10})
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    if view == "energy":
        figure.update_yaxes(range=[0, 104])
    else:
        _range(figure, [*values.values(), *band], log)
    if edge is not None:
        _edge(figure, edge, log)
    if chosen is not None and chosen[0] in values and 1 <= chosen[1] <= len(values[chosen[0]]):
        ring = {"symbol": "circle-open", "size": 15, "color": looks.stage_color(chosen[0]), "line": {"width": 2.5}}
        place = {"x": [chosen[1]], "y": [values[chosen[0]][chosen[1] - 1]]}
        figure.add_scatter(**place, mode="markers", marker=ring, hoverinfo="skip", zorder=3, cliponaxis=False)
    _labels(figure, values, labels, edge, low=view == "energy")
    return figure


def _curve(figure: go.Figure, name: str, label: str, v: np.ndarray, threshold: float) -> None:
    above = v > threshold
    figure.add_scatter(
        x=np.arange(1, v.size + 1),
        y=np.where(v > 0, v, np.nan),
        mode="lines+markers",
        name=plain(label),
        line={"color": looks.stage_color(name), "width": 2, "dash": looks.stage_dash(name)},
        marker={"color": looks.stage_color(name), "symbol": palette.stage_marker(name), "size": np.where(above, 10, 4), "opacity": 1},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        hovertemplate="%{fullData.name}, direction %{x}: %{y:.3g}<extra></extra>",
        zorder=2,
    )
    if palette.stage_marker(name).endswith("-thin"):  # this marker has an outline and no fill
        figure.data[-1].marker.line = {"color": looks.stage_color(name), "width": 1.2}


def _noise(figure: go.Figure, band: np.ndarray) -> None:
    x = np.arange(1, band.shape[1] + 1)
    positive = np.where(band > 0, band, np.nan)
    quiet = {"mode": "lines", "hoverinfo": "skip", "zorder": 0}
    figure.add_scatter(x=x, y=positive[0], line={"width": 0}, **quiet)
    figure.add_scatter(x=x, y=positive[2], line={"width": 0}, fill="tonexty", fillcolor=BAND_FILL, **quiet)
    line = {"color": palette.NULL_COLOR, "width": 2, "dash": palette.NULL_DASH}
    hover = "random tables, median, direction %{x}: %{y:.3g}<extra></extra>"
    figure.add_scatter(x=x, y=positive[1], mode="lines", line=line, zorder=1, hovertemplate=hover)


def _range(figure: go.Figure, curves: Sequence[np.ndarray], log: bool) -> None:
    top = max((float(v.max()) for v in curves if v.size), default=1.0) or 1.0
    if not log:
        figure.update_yaxes(range=[0, 1.06 * top])
        return
    positive = [float(v[v > 0].min()) for v in curves if (v > 0).any()]
    bottom = max(min(positive, default=FLOOR), top * FLOOR)
    low, high = float(np.log10(bottom)) - 0.05, float(np.log10(top)) + 0.08
    ticks = [t for t in TICKS if 10**low <= t <= 10**high]
    figure.update_yaxes(type="log", range=[low, high], tickvals=ticks, ticktext=[f"{t:g}" for t in ticks])


def _edge(figure: go.Figure, edge: tuple[float, float, float], log: bool) -> None:
    low, high, threshold = edge
    across, low = {"xref": "paper", "x0": 0, "x1": 1, "layer": "below"}, max(low, 1e-6) if log else low
    figure.add_shape(type="rect", y0=low, y1=high, line={"width": 0}, fillcolor=BAND_FILL, **across)
    figure.add_shape(type="line", y0=threshold, y1=threshold, line={"color": palette.NULL_COLOR, "width": 1.5}, **across)
    y = np.log10(threshold) if log else threshold
    place = {"xref": "paper", "x": 0.98, "xanchor": "right", "showarrow": False}
    figure.add_annotation(text="spikes above this line", y=y, yanchor="bottom", **place)


def _labels(
    figure: go.Figure, values: Mapping[str, np.ndarray], labels: Mapping[str, str], edge: tuple[float, float, float] | None, low: bool
) -> None:
    """Names in the corner without curves, in the order of their first values, with their spike counts if spikes are marked."""
    order = sorted(values, key=lambda name: -float(values[name][0]))
    lines = [(name, labels[name], looks.stage_color(name), looks.stage_glyph(name)) for name in order]
    if edge is not None:
        counts = {name: int((values[name] > edge[2]).sum()) for name in order}
        lines = [(n, f"{text}: {counts[n] or 'no'} spike{'' if counts[n] == 1 else 's'}", c, g) for n, text, c, g in lines]
    lines.append(("", "Random tables", palette.NULL_COLOR, "╌"))
    for row, (_, text, color, glyph) in enumerate(lines):
        y = 0.04 + 0.065 * (len(lines) - 1 - row) if low else 0.98 - 0.065 * row
        place = {"xref": "paper", "yref": "paper", "xshift": 0, "xanchor": "right", "yanchor": "bottom" if low else "top"}
        direct_label(figure, 0.98, y, text, color, glyph, **place)


def loading_map(xy: np.ndarray, loadings: np.ndarray, titles: Sequence[str]) -> go.Figure:
    """The items (V, 2) coloured by their loadings (V,): blue low, orange high, larger dots farther out."""
    limit = float(np.quantile(np.abs(loadings), 0.995)) or 1.0
    size = np.abs(loadings) / limit
    order = np.argsort(size)
    dense = len(xy) > 2000
    ends = {"tickvals": [-limit, 0, limit], "ticktext": ["low", "0", "high"], "thickness": 10, "len": 0.6, "outlinewidth": 0}
    figure = go.Figure(
        go.Scatter(
            x=xy[order, 0],
            y=xy[order, 1],
            mode="markers",
            text=[f"{plain(titles[i])}: {loadings[i]:+.3g}" for i in order],
            hovertemplate="%{text}<extra></extra>",
            marker={
                "color": loadings[order],
                "colorscale": LOADING,
                "cmin": -limit,
                "cmax": limit,
                "size": (2 if dense else 4) + 5 * np.minimum(size[order], 1.2),
                "opacity": 0.85,
                "colorbar": ends,
            },
        )
    )
    figure.update_layout(**base_layout(height=360))
    figure.update_layout(margin={"l": 4, "r": 4, "t": 4, "b": 4})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    return figure


def dialled_map(before: np.ndarray, after: np.ndarray, color: str) -> go.Figure:
    """The map of the changed table (P, 2) in colour, over each item's old position in grey."""
    size = 3 if len(before) > 2000 else 5
    figure = go.Figure()
    for xy, shade, opacity in ((before, palette.NULL_COLOR, 0.35), (after, color, 0.75)):
        marker = {"color": shade, "size": size, "opacity": opacity}
        figure.add_scatter(x=xy[:, 0], y=xy[:, 1], mode="markers", marker=marker, hoverinfo="skip")
    figure.update_layout(**base_layout(height=340))
    figure.update_layout(margin={"l": 4, "r": 4, "t": 4, "b": 4})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    return figure


def dialled_spectra(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], color: str) -> go.Figure:
    """Centred and raw (dashed) spectra, before in grey and after in colour, each divided by its own root mean square."""
    figure = go.Figure()
    words = {"centred": "centred", "raw": "not centred"}
    for name, dash in (("raw", "dash"), ("centred", "solid")):
        for values, shade, when in ((before[name], palette.NULL_COLOR, "before"), (after[name], color, "after")):
            shown = np.where(values > 0, values, np.nan)
            line = {"color": shade, "dash": dash, "width": 2 if when == "after" else 1.5}
            hover = f"{words[name]}, {when}, direction %{{x}}: %{{y:.3g}}<extra></extra>"
            figure.add_scatter(x=np.arange(1, len(values) + 1), y=shown, mode="lines", line=line, hovertemplate=hover)
    figure.update_layout(**base_layout("direction, strongest first", AXES["centred"], height=340))
    figure.update_layout(margin={**MARGIN, "t": 10})
    _range(figure, [*before.values(), *after.values()], log=True)
    for row, (text, glyph) in enumerate((("centred", "━"), ("not centred", "╌"))):
        place = {"xref": "paper", "yref": "paper", "xshift": 0, "xanchor": "right", "yanchor": "top"}
        direct_label(figure, 0.98, 0.98 - 0.09 * row, text, color, glyph, **place)
    direct_label(figure, 0.98, 0.8, "before", palette.NULL_COLOR, "━", xref="paper", yref="paper", xshift=0, xanchor="right", yanchor="top")
    return figure
