"""One function a figure, from arrays to Plotly figures; colours of text and grid are left to Streamlit's theme."""

from typing import Any

import plotly.graph_objects as go

HEIGHT = 320
MARGIN = {"l": 8, "r": 8, "t": 28, "b": 8}


def base_layout(x_title: str | None = None, y_title: str | None = None, height: int = HEIGHT, **extra: Any) -> dict[str, Any]:
    """The layout that every figure shares: margins, titles with units, few gridlines, no legend, no drag.

    ``extra`` is laid over it: ``figure.update_layout(**base_layout("step", "rank", yaxis_type="log"))``.
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


def label(text: str, color: str) -> str:
    """A direct label: a dot in the series' colour, the words in the theme's."""
    return f'<span style="color:{color}">●</span> {text}'


# -- training -----------------------------------------------------------------------------------------------------


def direct_label(figure: go.Figure, x: float, y: float, text: str, color: str, **place: Any) -> None:
    """Write a series' name beside its last point instead of a legend."""
    figure.add_annotation(x=x, y=y, text=label(text, color), **{"showarrow": False, "xanchor": "left", "xshift": 6, **place})

