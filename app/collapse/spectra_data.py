"""Spectra and single directions of a run's tables, as arrays and text. Cached by run."""

import numpy as np
import pandas as pd
import streamlit as st

from adrec.runs import RunFolder
from app import loaders
from app.collapse import data

VIEWS = {"centred": "Centred", "raw": "Not centred", "standardised": "Against noise", "energy": "Cumulative"}
"""The views of the figure by their names in the URL. Cumulative energy is that of the centred table."""
SCALES = {"log": "Log", "linear": "Linear"}
READING = {
    "centred": "How far the items spread along each direction, strongest first, after subtracting their mean. A steep start: a few "
    "directions dominate. A sudden drop: the directions after it are unused.",
    "raw": "The same without subtracting the mean. A first direction far above the centred one is what all items have in common.",
    "standardised": "Every column is scaled to unit variance first. The strip holds all directions of a random table of this size "
    "(the Marchenko-Pastur bulk); a point above the line is a spike, which noise would not produce.",
    "energy": "The share of the variance in the first directions together. Noise rises slowly; a collapsed table reaches 100 % at once.",
}
BAND = "Grey: 100 random tables of this size, from the 1 % to the 99 % quantile at each position, median dashed."
MAP_POINTS = 5_000
"""Points on the small map; larger catalogues show evenly spaced rows."""


def base(view: str) -> str:
    """The view of ``adrec.collapse.spectra`` behind a view of the figure."""
    return "centred" if view == "energy" else view


def values(run: RunFolder, view: str) -> dict[str, np.ndarray]:
    """By table, the curve of a view: its spectrum, or for ``energy`` the cumulative share in percent."""
    found = _values(run, base(view))
    return {name: _cumulative(v) for name, v in found.items()} if view == "energy" else found


def band(run: RunFolder, view: str) -> np.ndarray:
    """(3, K): the 1 %, 50 % and 99 % quantiles of noise of the same size at each position."""
    shown = data.stages(run)
    found = noise_band(shown.items, shown.width, base(view))
    return np.stack([_cumulative(v) for v in found]) if view == "energy" else found


def _cumulative(values: np.ndarray) -> np.ndarray:
    from adrec.collapse.spectra import energy

    return 100 * energy(values)


@loaders.of_run(32, spinner="Decomposing the item tables", shared=False)
def _values(run: RunFolder, view: str) -> dict[str, np.ndarray]:
    from adrec.collapse.spectra import spectrum

    return {name: spectrum(table, view) for name, table in data.distinct_tables(run).items()}


@st.cache_data(max_entries=32, show_spinner="Drawing random tables of the same size")
def noise_band(items: int, width: int, view: str) -> np.ndarray:
    """The same of any size, for a view of ``adrec.collapse.spectra``."""
    from adrec.collapse.spectra import null_band

    return null_band(items, width, view)


def noise_edge(run: RunFolder) -> tuple[float, float, float]:
    """The two ends of the bulk and the threshold of a spike, for the standardised view."""
    from adrec.collapse.measures import spike_threshold
    from adrec.collapse.spectra import bulk

    shown = data.stages(run)
    return *bulk(shown.items, shown.width), spike_threshold(shown.items, shown.width)


# -- one direction ------------------------------------------------------------------------------------------------


@loaders.of_run(64)
def _direction(run: RunFolder, name: str, number: int, view: str):  # type: ignore[no-untyped-def]
    from adrec.collapse.directions import direction

    return direction(data.distinct_tables(run)[name], number, view)


def direction(run: RunFolder, name: str, number: int, view: str):  # type: ignore[no-untyped-def]
    """A table's ``adrec.collapse.directions.Direction`` in the view behind the figure."""
    return _direction(run, name, number, base(view))


def popularity(run: RunFolder) -> pd.Series | None:
    """Training occurrences of each item, None if unknown."""
    return loaders.items(run).get("popularity")


def about_popularity(correlation: float | None) -> str:
    """What a direction's correlation with log popularity means."""
    if correlation is None:
        return "How it relates to popularity is unknown."
    size = abs(correlation)
    words = "is mostly popularity" if size > 0.8 else "has much to do with popularity" if size > 0.5 else "leans towards popularity"
    words = words if size > 0.25 else "has little to do with popularity"
    text = f"{correlation:+.2f}".replace("-", "−")
    return f"It {words}: its correlation with log popularity is {text}, which explains {100 * correlation**2:.0f} % of its variance."


def map_rows(items: int) -> np.ndarray:
    """The rows on the small map."""
    return np.arange(items) if items <= MAP_POINTS else np.unique(np.linspace(0, items - 1, MAP_POINTS).astype(int))
