"""The figures of the Compare page, from arrays to Plotly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from adrec.pictures import looks
from app import palette
from app.charts import MARGIN, base_layout, label, plain
from app.collapse.charts import BAND_FILL, TICKS

if TYPE_CHECKING:
    from adrec.experiments.helped import Part

WIDE = 20
"""Letters of a name of which two fit beside each other on a phone."""
GOOD, BAD = "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Look:
    """How a model looks in every figure."""

    name: str
    color: str
    glyph: str
    marker: str
    dash: str
    strong: bool = True


def look(name: str, number: int) -> Look:
    """By its place on screen; beyond the palette all are grey."""
    if number >= len(looks.OTHER_COLORS):
        return Look(name, palette.NULL_COLOR, "•", "circle", "solid", False)
    return Look(name, looks.OTHER_COLORS[number], looks.OTHER_GLYPHS[number], palette.OTHER_MARKERS[number], looks.OTHER_DASHES[number])


def legend(figure: go.Figure, looks: Sequence[Look]) -> None:
    """The models' names with their marks above the figure, in rows that fit on a phone."""
    shown = [each for each in looks if each.strong]
    per_row = 2 if max((len(each.name) for each in shown), default=0) <= WIDE else 1
    rest = len(looks) - len(shown)
    rows = [shown[i : i + per_row] for i in range(0, len(shown), per_row)]
    lines = [" &nbsp; ".join(label(each.name, each.color, each.glyph) for each in row) for row in rows]
    lines += [label(f"{rest} more", palette.NULL_COLOR, "•")] if rest else []
    figure.add_annotation(
        x=0,
        y=1,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        align="left",
        yshift=8,
        text="<br>".join(lines),
        showarrow=False,
    )
    figure.update_layout(margin={**MARGIN, "t": 20 + 19 * len(lines)})


def cost(
    looks: Sequence[Look],
    costs: Sequence[float],
    quality: Sequence[float],
    errors: Sequence[float],
    front: Sequence[int],
    hollow: Sequence[bool],
    titles: tuple[str, str],
) -> go.Figure:
    """Cost (log) against quality in percent, each model a mark with its error; ``front``: the positions of the Pareto front, joined."""
    figure = go.Figure()
    xs, ys = [costs[i] for i in front], [quality[i] for i in front]
    line = {"color": palette.NULL_COLOR, "width": 2, "dash": "dot", "shape": "hv"}
    figure.add_scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip")
    for i in reversed(range(len(looks))):
        one = looks[i]
        marker = f"{one.marker}-open" if hollow[i] else one.marker
        figure.add_scatter(
            x=[costs[i]],
            y=[quality[i]],
            error_y={"type": "data", "array": [errors[i]], "color": one.color, "thickness": 1.2, "width": 3},
            mode="markers",
            marker={"symbol": marker, "color": one.color, "size": 12 if one.strong else 8, "line": {"width": 2, "color": one.color}},
            name=plain(one.name),
            hovertemplate=f"{plain(one.name)}<br>{titles[0]}: %{{x:.3g}}<br>{titles[1]}: %{{y:.2f}} ± {errors[i]:.2f}<extra></extra>",
        )
    figure.update_layout(**base_layout(titles[0], titles[1], height=380, xaxis_type="log"))
    decades = np.log10(max(costs) / min(costs))
    digits = (1,) if decades > 3 else (1, 2, 5) if decades > 1 else (1, 2, 3, 4, 6, 8)
    every = [digit * 10.0**power for power in range(-6, 5) for digit in digits]
    ticks = [t for t in every if 0.9 * min(costs) <= t <= 1.1 * max(costs)]
    if len(ticks) > 1:
        figure.update_xaxes(tickvals=ticks, ticktext=[f"{t:g}" for t in ticks])
    legend(figure, looks)
    return figure


def curves(
    looks: Sequence[Look], lines: Sequence[Sequence[tuple[Sequence[float], Sequence[float], int | None]]], titles: tuple[str, str]
) -> go.Figure:
    """For each model one line a training: places along the axis, percent, and the position of the kept epoch; grey ones behind."""
    figure = go.Figure()
    for one, own in sorted(zip(looks, lines, strict=True), key=lambda pair: pair[0].strong):
        for x, y, kept in own:
            width, opacity = (2, 1.0) if one.strong else (1, 0.5)
            style = {"color": one.color, "width": width, "dash": one.dash}
            hover = f"{plain(one.name)}: %{{y:.2f}} at %{{x:,.0f}}<extra></extra>"
            figure.add_scatter(
                x=list(x), y=list(y), mode="lines" if len(x) > 1 else "markers", line=style, opacity=opacity, hovertemplate=hover
            )
            if kept is not None and one.strong:
                mark = {"symbol": one.marker, "size": 9, "color": one.color}
                figure.add_scatter(x=[x[kept]], y=[y[kept]], mode="markers", marker=mark, hoverinfo="skip")
    figure.update_layout(**base_layout(titles[0], titles[1], height=380))
    figure.update_yaxes(rangemode="tozero")
    legend(figure, looks)
    return figure


def differences(parts: "Sequence[Part]", overall: float, x_title: str) -> go.Figure:
    """Each part of the users with its mean difference and interval, in percentage points, under the name of what divides them."""
    figure = go.Figure()
    ticks: dict[float, str] = {}
    y = 0.0
    for by, own in groupby(parts, key=lambda part: part.by):
        figure.add_annotation(x=0, xref="paper", xanchor="left", y=-y, text=f"<b>{plain(by)}</b>", showarrow=False, bgcolor="rgba(0,0,0,0)")
        y += 1
        for part in own:
            ticks[-y] = f"{plain(part.name)} <i>({part.users:,})</i>"
            color = GOOD if part.low > 0 else BAD if part.high < 0 else palette.NULL_COLOR
            figure.add_scatter(
                x=[100 * part.difference],
                y=[-y],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [100 * (part.high - part.difference)],
                    "arrayminus": [100 * (part.difference - part.low)],
                    "color": color,
                    "width": 3,
                },
                mode="markers",
                marker={
                    "color": color,
                    "size": 9,
                    "symbol": "triangle-right" if part.low > 0 else "triangle-left" if part.high < 0 else "circle",
                },
                hovertemplate=f"{plain(part.name)}, {part.users:,} users: %{{x:+.2f}}<extra></extra>",
            )
            y += 1
        y += 0.4
    figure.add_vline(x=0, line={"width": 1, "color": palette.NULL_COLOR})
    figure.add_vline(x=100 * overall, line={"width": 1.5, "dash": "dot", "color": palette.NULL_COLOR})
    figure.update_layout(**base_layout(x_title, height=int(70 + 24 * y)))
    figure.update_yaxes(tickvals=list(ticks), ticktext=list(ticks.values()), showgrid=False, range=[-y, 0.6])
    return figure


def agreement(names: Sequence[str], shared: np.ndarray) -> go.Figure:
    """How many of ten items two models share, (n, n); NaN where nothing is known. Numbers are written where there is room."""
    figure = go.Figure()
    few = len(names) <= 12
    figure.add_heatmap(
        z=shared,
        x=list(range(len(names))),
        y=list(range(len(names))),
        zmin=0,
        zmax=10,
        colorscale="Blues",
        text=[["" if np.isnan(v) else f"{v:.1f}" for v in row] for row in shared] if few else None,
        texttemplate="%{text}" if few else None,
        customdata=[[f"{plain(a)} and {plain(b)}" for b in names] for a in names],
        hovertemplate="%{customdata}: %{z:.1f} of 10<extra></extra>",
        showscale=not few,
        colorbar={"orientation": "h", "thickness": 10, "y": -0.01, "yanchor": "top"},
        xgap=1,
        ygap=1,
    )
    figure.update_layout(**base_layout(height=int(120 + min(560, 34 * len(names)))))
    ticks = list(range(len(names)))
    shown = [plain(name if len(name) < 23 else f"{name[:21]}…") for name in names]
    numbered = [f"{i + 1}" for i in ticks]
    figure.update_xaxes(tickvals=ticks, ticktext=numbered, side="top", showgrid=False, showticklabels=few)
    figure.update_yaxes(
        tickvals=ticks, ticktext=[f"{text} · {n}" for text, n in zip(shown, numbered, strict=True)], autorange="reversed", showgrid=False
    )
    return figure


def coverage(
    looks: Sequence[Look], lines: Sequence[np.ndarray], took: np.ndarray | None, titles: tuple[str, str], took_name: str
) -> go.Figure:
    """The share of the places that the most used items take, 0..1 over all items; ``took``: of what people chose themselves."""
    figure = go.Figure()
    if took is not None:
        line = {"color": palette.NULL_COLOR, "dash": palette.NULL_DASH, "width": 2}
        x = 100 * np.arange(len(took)) / (len(took) - 1)
        figure.add_scatter(x=x, y=100 * took, mode="lines", line=line, hovertemplate=f"{took_name}: %{{y:.0f}} %<extra></extra>")
        at = len(took) // 2
        figure.add_annotation(x=x[at], y=100 * took[at], text=took_name, showarrow=False, yshift=-14, xanchor="left")
    for one, values in zip(looks, lines, strict=True):
        x = 100 * np.arange(len(values)) / (len(values) - 1)
        style = {"color": one.color, "dash": one.dash, "width": 2 if one.strong else 1}
        hover = f"{plain(one.name)}: %{{x:.0f}} % of the items take %{{y:.0f}} %<extra></extra>"
        figure.add_scatter(x=x, y=100 * values, mode="lines", line=style, opacity=1 if one.strong else 0.5, hovertemplate=hover)
    figure.update_layout(**base_layout(*titles, height=380))
    figure.update_xaxes(range=[-1, 101])
    legend(figure, looks)
    return figure


def spectra(looks: Sequence[Look], values: Sequence[np.ndarray], band: np.ndarray) -> go.Figure:
    """Final tables' spectra, strongest direction first, relative to each table's size; noise as a grey band with a dashed median."""
    figure = go.Figure()
    x = np.arange(1, band.shape[1] + 1)
    edge: Mapping[str, object] = {"color": "rgba(0,0,0,0)", "width": 0}
    figure.add_scatter(x=x, y=band[0], mode="lines", line=edge, hoverinfo="skip")
    figure.add_scatter(x=x, y=band[2], mode="lines", line=edge, fill="tonexty", fillcolor=BAND_FILL, hoverinfo="skip")
    dashed = {"color": palette.NULL_COLOR, "dash": palette.NULL_DASH, "width": 1.5}
    figure.add_scatter(x=x, y=band[1], mode="lines", line=dashed, hovertemplate="random tables: %{y:.3g}<extra></extra>")
    for one, own in zip(looks, values, strict=True):
        style = {"color": one.color, "dash": one.dash, "width": 2}
        hover = f"{plain(one.name)}, direction %{{x}}: %{{y:.3g}}<extra></extra>"
        figure.add_scatter(x=np.arange(1, own.size + 1), y=np.where(own > 0, own, np.nan), mode="lines", line=style, hovertemplate=hover)
    figure.update_layout(**base_layout("direction, strongest first", "singular value, relative to RMS", height=380, yaxis_type="log"))
    figure.update_yaxes(tickvals=TICKS, ticktext=[f"{t:g}" for t in TICKS])
    legend(figure, looks)
    return figure
