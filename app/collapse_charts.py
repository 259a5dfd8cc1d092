"""The figure of the Collapse page."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from app import palette
from app.charts import MARGIN, base_layout, direct_label

NULL = "null"
FLOOR = 1e-3
"""The smallest share of the largest value that the axis shows."""
TICKS = [digit * 10.0**power for power in range(-5, 4) for digit in (1, 2, 5)]


def spectra(values: Mapping[str, np.ndarray], labels: Mapping[str, str]) -> go.Figure:
    """Singular values of each table over their own root mean square, largest first, log scale; the null (key ``null``) grey and dashed."""
    figure = go.Figure()
    top = max((float(v.max()) for v in values.values() if v.size), default=1.0) or 1.0
    positive = [float(v[v > 0].min()) for v in values.values() if (v > 0).any()]
    bottom = max(min(positive, default=FLOOR), top * FLOOR)
    for name, v in values.items():
        null = name == NULL
        color = palette.NULL_COLOR if null else palette.stage_color(name)
        figure.add_scatter(
            x=np.arange(1, v.size + 1),
            y=np.where(v > 0, v, np.nan),
            mode="lines",
            name=labels[name],
            line={"color": color, "width": 2.5, "dash": palette.NULL_DASH if null else palette.stage_dash(name)},
            hovertemplate=f"{labels[name]}, direction %{{x}}: %{{y:.3f}}<extra></extra>",
        )
    low, high = float(np.log10(bottom)) - 0.05, float(np.log10(top)) + 0.08
    figure.update_layout(**base_layout("direction, strongest first", "singular value, in root mean squares", height=520))
    ticks = [t for t in TICKS if 10**low <= t <= 10**high]
    figure.update_yaxes(type="log", range=[low, high], tickvals=ticks, ticktext=[f"{t:g}" for t in ticks])
    figure.update_layout(margin={**MARGIN, "t": 10})
    _labels(figure, values, labels)
    return figure


def _labels(figure: go.Figure, values: Mapping[str, np.ndarray], labels: Mapping[str, str]) -> None:
    """Names inside the axes at the upper right, which falling curves leave free, in the order of their first values."""
    order = sorted(values, key=lambda name: -float(values[name][0]))
    for row, name in enumerate(order):
        glyph = "╌" if name == NULL else palette.stage_glyph(name)
        color = palette.NULL_COLOR if name == NULL else palette.stage_color(name)
        place = {"xref": "paper", "yref": "paper", "xshift": 0, "xanchor": "right", "yanchor": "top"}
        direct_label(figure, 0.98, 0.98 - 0.06 * row, labels[name], color, glyph, **place)
