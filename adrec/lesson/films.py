"""The catalogue of the lesson: what every chapter needs to know of a film, by its id. Index 0 is the padding row and has no title."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.lesson.models import run_of

UNTITLED = {"unkonwn": "(title unknown)"}
"""A film of MovieLens-100K without a title, as the data spell that, and as it is shown."""


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Titles, genres (``"Sci-Fi|War"``), years (0: unknown) and how many people chose a film, by id 0..V."""
    items = run_of(runs, "healthy").items
    years = pd.to_numeric(items["year"], errors="coerce").fillna(0) if "year" in items else np.zeros(len(items))
    arrays: dict[str, np.ndarray] = {
        "year": np.array([0, *years], np.uint16),
        "popularity": np.array([0, *items["popularity"]], np.int32),
    }
    return {"titles": ["", *items["title"].replace(UNTITLED)], "genres": ["", *items["genre"].fillna("")]}, arrays
