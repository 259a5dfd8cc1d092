"""Spectra of a run's tables and their single directions, as arrays and words. Cached by run."""

import numpy as np
import pandas as pd
import streamlit as st

from adrec.runs import RunFolder
from app import loaders
from app.collapse import data

VIEWS = {"centred": "Centred", "raw": "Not centred", "standardised": "Against noise", "energy": "Cumulative"}
"""What the figure shows, by its name in the URL. Cumulative energy is that of the centred table."""
SCALES = {"log": "Log", "linear": "Linear"}
READING = {
    "centred": "How far the items spread along each direction, strongest first, their mean taken out. A steep start: a few directions "
    "carry much. A sudden drop: the directions after it are not used.",
    "raw": "The same with the mean left in. A first direction far above the centred one is what all items have in common.",
    "standardised": "Every column is brought to the same scale first. The strip is where all directions of a random table of this size "
    "lie (Marchenko and Pastur's bulk); what stands above the line is a spike: noise would not show it.",
    "energy": "How much of the items' spread the first directions hold together. Noise rises slowly; a collapsed table is full at once.",
}
BAND = "Grey: what random tables of this size show, from their 1 % to their 99 % quantile at each place (100 drawn), median dashed."
MAP_POINTS = 5_000
"""Points of the small map; of larger catalogues, evenly spread rows."""


def base(view: str) -> str:
    """The view of ``adrec.collapse.spectra`` that a view of the figure rests on."""
    return "centred" if view == "energy" else view


def values(run: RunFolder, view: str) -> dict[str, np.ndarray]:
    """By table, the curve of a view: its spectrum, or for ``energy`` the cumulative share in percent."""
    found = _values(run, base(view))
    return {name: _cumulative(v) for name, v in found.items()} if view == "energy" else found


def band(run: RunFolder, view: str) -> np.ndarray:
    """(3, K): what noise of the same size shows at each place, 1 %, 50 % and 99 % quantiles."""
    shown = data.stages(run)
    found = _band(shown.items, shown.width, base(view))
    return np.stack([_cumulative(v) for v in found]) if view == "energy" else found


def _cumulative(values: np.ndarray) -> np.ndarray:
    from adrec.collapse.spectra import energy

    return 100 * energy(values)


@loaders.of_run(32, spinner="Decomposing the item tables", shared=False)
def _values(run: RunFolder, view: str) -> dict[str, np.ndarray]:
    from adrec.collapse.spectra import spectrum

    return {name: spectrum(table, view) for name, table in data.distinct_tables(run).items()}


@st.cache_data(max_entries=32, show_spinner="Drawing random tables of the same size")
def _band(items: int, width: int, view: str) -> np.ndarray:
    from adrec.collapse.spectra import null_band

    return null_band(items, width, view)


def noise_edge(run: RunFolder) -> tuple[float, float, float]:
    """The bulk's two ends and the value from which a direction is a spike, for the standardised view."""
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
    """The ``adrec.collapse.directions.Direction`` of a table in the view that the figure rests on."""
    return _direction(run, name, number, base(view))


def popularity(run: RunFolder) -> pd.Series | None:
    """Training occurrences of each item, None where they are unknown."""
    return loaders.items(run).get("popularity")


def about_popularity(correlation: float | None) -> str:
    """What a direction's correlation with log popularity says."""
    if correlation is None:
        return "How it goes with popularity is unknown here."
    size = abs(correlation)
    words = "is popularity, more or less" if size > 0.8 else "has much to do with popularity" if size > 0.5 else "leans on popularity"
    words = words if size > 0.25 else "has little to do with popularity"
    text = f"{correlation:+.2f}".replace("-", "−")
    return f"It {words}: correlation {text} with its logarithm, {100 * correlation**2:.0f} % of the spread along it."


def map_rows(items: int) -> np.ndarray:
    """The rows that the small map shows."""
    return np.arange(items) if items <= MAP_POINTS else np.unique(np.linspace(0, items - 1, MAP_POINTS).astype(int))
