"""The likeness matrix: cosines among 40 films in a fixed order, series and genres together, so that what a table learnt shows as blocks."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.lesson import films as catalogue
from adrec.lesson.models import run_of
from adrec.maps.tables import unit_rows

GROUPS = {
    "trek": (
        "Star Trek: The Motion Picture",
        "Star Trek: The Wrath of Khan",
        "Star Trek III: The Search for Spock",
        "Star Trek IV: The Voyage Home",
        "Star Trek VI: The Undiscovered Country",
        "Star Trek: Generations",
    ),
    "action": ("Die Hard 2", "Die Hard: With a Vengeance", "Speed", "Under Siege", "True Lies"),
    "adventure": (
        "Star Wars: Episode IV - A New Hope",
        "Star Wars: Episode V - The Empire Strikes Back",
        "Star Wars: Episode VI - Return of the Jedi",
        "Raiders of the Lost Ark",
        "Indiana Jones and the Last Crusade",
    ),
    "classics": ("Casablanca", "Citizen Kane", "The Maltese Falcon", "Rear Window", "North by Northwest", "Vertigo"),
    "family": (
        "Snow White and the Seven Dwarfs",
        "Cinderella",
        "Dumbo",
        "Pinocchio",
        "Mary Poppins",
        "The Lion King",
        "Aladdin",
        "Beauty and the Beast",
    ),
    "horror": ("A Nightmare on Elm Street", "The Shining", "The Omen", "Carrie"),
    "new": ("Titanic (1997)", "Good Will Hunting", "As Good As It Gets", "Wag the Dog", "Tomorrow Never Dies", "Jackie Brown"),
}
"""By the keys under which the texts name them. ``new``: in the cinemas while the ratings were given, in the winter of 1997."""


def films(items: pd.DataFrame) -> list[int]:
    """Ids 1..V of the 40 films in a run's item frame, group after group."""
    return catalogue.ids(items, [title for group in GROUPS.values() for title in group])


def cosines(table: np.ndarray, ids: list[int]) -> np.ndarray:
    """Cosines among the films of a table (V, D) without padding row, flat and row after row: uint8, 0 for -1 and 255 for 1."""
    rows = unit_rows(table[np.asarray(ids) - 1].astype(np.float64))
    return np.rint((rows @ rows.T).clip(-1, 1) * 127.5 + 127.5).astype(np.uint8).reshape(-1)


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The films of every likeness matrix, by id and in its order, and their groups."""
    groups = [{"key": key, "count": len(titles)} for key, titles in GROUPS.items()]
    return {"films": films(run_of(runs, "people").items), "groups": groups}, {}
