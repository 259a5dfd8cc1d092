"""One function per figure, from arrays to Plotly figures; Streamlit's theme colours text and grid."""

import html
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go

from adrec.pictures import looks
from app import palette

HEIGHT = 320
MARGIN = {"l": 8, "r": 8, "t": 28, "b": 8}


def base_layout(x_title: str | None = None, y_title: str | None = None, height: int = HEIGHT, **extra: Any) -> dict[str, Any]:
    """The layout shared by all figures: margins, titles with units, few gridlines, no legend, no drag.

    ``extra`` overrides it: ``figure.update_layout(**base_layout("step", "rank", yaxis_type="log"))``.
    """
    return {
        "height": height,
        "margin": MARGIN,
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "font": {"size": 13},
        "xaxis": {"title": {"text": x_title, "standoff": 8}, "showgrid": False, "automargin": True, "zeroline": False, "nticks": 7},
        "yaxis": {"title": {"text": y_title, "standoff": 8}, "automargin": True, "zeroline": False, "nticks": 6},
        **extra,
    }


def plain(text: str) -> str:
    """Escape untrusted text, since Plotly renders links and other tags in all text."""
    return html.escape(text, quote=False)


def label(text: str, color: str, glyph: str = "●") -> str:
    """A direct label: a mark in the series' colour, the words in the theme's."""
    return f'<span style="color:{color}">{glyph}</span> {plain(text)}'


def direct_label(figure: go.Figure, x: float, y: float, text: str, color: str, glyph: str = "●", **place: Any) -> None:
    """Write a series' name next to its last point instead of a legend."""
    figure.add_annotation(x=x, y=y, text=label(text, color, glyph), **{"showarrow": False, "xanchor": "left", "xshift": 6, **place})


# -- data -----------------------------------------------------------------------------------------------------------

PARTS = {"train": "training", "val": "validation", "test": "test"}


def timeline(splits: Mapping[str, Mapping[str, Sequence[int]]], first: str | None, last: str | None) -> go.Figure:
    """When each part of a data set happened, for several splits under each other; every strip has its own scale.

    splits: name -> part -> interactions in equal spans of time from ``first`` to ``last``, ISO times or None for the order alone.
    """
    figure, places = go.Figure(), {}
    begin, end = (datetime.fromisoformat(t).replace(tzinfo=UTC).timestamp() * 1000 for t in (first, last)) if first and last else (0.0, 1.0)
    strips = [(split, part) for split in splits for part in PARTS]
    for number, (split, part) in enumerate(strips):
        base = -number - 0.6 * list(splits).index(split)
        counts, places[base + 0.3] = splits[split][part], PARTS[part]
        if part == "train":
            figure.add_annotation(x=0, xref="paper", xanchor="left", y=base + 1, text=f"<b>{plain(split)}</b>", showarrow=False)
        width = (end - begin) / len(counts)
        x = [begin + (i + 0.5) * width for i in range(len(counts))]
        color = palette.HISTORY_COLOR if part == "train" else palette.TARGET_COLOR
        figure.add_bar(
            x=x,
            y=[0.75 * n / max(max(counts), 1) for n in counts],
            base=base,
            width=width,
            marker={"color": color, "line": {"width": 0}},
            customdata=list(counts),
            hovertemplate=f"{PARTS[part]}: %{{customdata:,}}<br>%{{x}}<extra></extra>",
        )
    figure.update_layout(**base_layout(None if first and last else "share of the time", height=70 + 40 * len(strips), barmode="overlay"))
    figure.update_xaxes(type="date" if first and last else "linear")
    figure.update_yaxes(showgrid=False, tickvals=list(places), ticktext=list(places.values()), range=[min(places) - 0.5, 1.4])
    return figure


# -- training -----------------------------------------------------------------------------------------------------

Curve = Sequence[tuple[float, float]]


def loss_curves(curves: Mapping[str, Curve], offsets: Mapping[str, float]) -> go.Figure:
    """The training loss of each stage over the epochs of the whole training. curves: stage -> (epoch in the stage, loss)."""
    figure = go.Figure()
    for stage, points in curves.items():
        x = [offsets[stage] + epoch for epoch, _ in points]
        _stage_line(figure, stage, x, [loss for _, loss in points], "lines", "epoch %{x:.1f}: loss %{y:.3f}")
    figure.update_layout(**base_layout("epoch", height=280))
    _stage_labels(figure, curves, offsets)
    return figure


def validation_curves(curves: Mapping[str, Curve], offsets: Mapping[str, float], best: Mapping[str, float]) -> go.Figure:
    """Validation NDCG@10 in percent; the best epoch of each stage, which is kept, is ringed and labelled.

    curves: stage -> (epoch in the stage, fraction); best: stage -> epoch in the stage.
    """
    figure = go.Figure()
    drawn = [(offsets[stage] + epoch, value) for stage, points in curves.items() for epoch, value in points]
    near = 0.05 * max((x for x, _ in drawn), default=0.0)
    for stage, points in curves.items():
        x, y = [offsets[stage] + epoch for epoch, _ in points], [100 * value for _, value in points]
        _stage_line(figure, stage, x, y, "lines+markers", "epoch %{x:.0f}: NDCG@10 %{y:.2f} %")
        for epoch, value in points:
            if epoch == best.get(stage):
                ring = {"symbol": "circle-open", "size": 14, "color": looks.STAGE_COLORS[stage], "line": {"width": 2}}
                figure.add_scatter(x=[offsets[stage] + epoch], y=[100 * value], mode="markers", marker=ring, hoverinfo="skip")
                covered = any(other > value and abs(at - offsets[stage] - epoch) < near for at, other in drawn)  # a curve runs above it
                shift = -17 if covered else 17
                figure.add_annotation(x=offsets[stage] + epoch, y=100 * value, text=f"{100 * value:.2f}", showarrow=False, yshift=shift)
    figure.update_layout(**base_layout("epoch", height=280))
    values = [100 * value for points in curves.values() for _, value in points]
    if values:  # room for the numbers above the rings
        room = max(values) - min(values) or max(values) or 1.0
        figure.update_yaxes(range=[min(values) - 0.18 * room, max(values) + 0.18 * room])
    _stage_labels(figure, curves, offsets)
    return figure


def _stage_line(figure: go.Figure, stage: str, x: list[float], y: list[float], mode: str, hover: str) -> None:
    color = looks.STAGE_COLORS[stage]
    figure.add_scatter(
        x=x,
        y=y,
        mode=mode if len(x) > 1 else "markers",
        name=looks.STAGE_NAMES[stage],
        line={"color": color, "dash": looks.STAGE_DASHES[stage], "width": 2},
        marker={"color": color, "symbol": palette.STAGE_MARKERS[stage], "size": 7},
        hovertemplate=f"{looks.STAGE_NAMES[stage]}, {hover}<extra></extra>",
    )


def _stage_labels(figure: go.Figure, curves: Mapping[str, Curve], offsets: Mapping[str, float]) -> None:
    """Names above the stages' spans, the warm-up a line higher because its span is short."""
    for stage, points in curves.items():
        if not points:
            continue
        begin, end = offsets[stage], offsets[stage] + points[-1][0]
        place = {"pretrain": (begin, "left", 2), "warmup": ((begin + end) / 2, "center", 19), "finetune": (end, "right", 2)}
        x, anchor, shift = place[stage]
        text = label(looks.STAGE_NAMES[stage], looks.STAGE_COLORS[stage], looks.STAGE_GLYPHS[stage])
        figure.add_annotation(x=x, y=1, yref="paper", yanchor="bottom", xanchor=anchor, yshift=shift, text=text, showarrow=False)
    figure.update_layout(margin={**MARGIN, "t": 46})
