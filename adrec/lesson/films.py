"""The catalogue of the lesson: what every chapter needs to know of a film, by its id. Index 0 is the padding row and has no title.

The lesson's ids are those of the run ``people`` on MovieLens-1M; the few films that only MovieLens-100K holds follow behind them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.data.titles import Finder
from adrec.lesson.models import LAMBDAS, run_of

UNTITLED = {"unkonwn": "(title unknown)"}
"""A film of MovieLens-100K without a title, as the data spell that, and as it is shown."""
SPELT = {
    "Star Wars: Episode IV - A New Hope": "Star Wars",
    "Star Wars: Episode V - The Empire Strikes Back": "The Empire Strikes Back",
    "Star Wars: Episode VI - Return of the Jedi": "Return of the Jedi",
    "The Boat (Das Boot)": "Das Boot",
}
"""How MovieLens-100K spells a title of MovieLens-1M, shorter, and how it is shown. A title that several films of MovieLens-1M share ends in
their year."""


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Titles and how many people chose a film, by id. ``known``: how many of them the model
    ``people`` knows, the first ones. ``others``: the id of every film of MovieLens-100K, by its own id there from 0 on; ``of``: the models
    that know these films."""
    items, smaller = _items(runs, "people"), _items(runs, "healthy")
    others = numbers(items, smaller)
    more = smaller[others[1:] > len(items)]
    both = pd.concat([items, more.assign(popularity=0)])
    arrays: dict[str, np.ndarray] = {
        "popularity": np.array([0, *both["popularity"]], np.uint16),
        "others": others.astype(np.uint16),
    }
    return {"titles": ["", *both["title"].replace(SPELT | UNTITLED)], "known": len(items), "of": LAMBDAS}, arrays


def _items(runs: Path, part: str) -> pd.DataFrame:
    items = run_of(runs, part).items
    return items.assign(year=pd.to_numeric(items["year"], errors="coerce").fillna(0).astype(int))


def others(runs: Path) -> np.ndarray:
    """The lesson's id of every film of MovieLens-100K, by its own id there: (V + 1,)."""
    return numbers(_items(runs, "people"), _items(runs, "healthy"))


def numbers(items: pd.DataFrame, smaller: pd.DataFrame) -> np.ndarray:
    """Of every film of ``smaller`` the id in ``items``, where title and year agree, or else one behind the last: (V + 1,). MovieLens-100K
    has some films twice; the one that more people chose is taken for the film."""
    known = {(_plain(title), year): film for film, title, year in zip(items.index, items["title"], items["year"], strict=True)}
    found = np.zeros(len(smaller) + 1, dtype=np.int64)
    order = smaller.sort_values("popularity", ascending=False, kind="stable")
    for film, title, year in zip(order.index, order["title"], order["year"], strict=True):
        near = (known.get((_plain(title), year + by)) for by in (0, 1, -1))
        found[film] = next((other for other in near if other is not None and other not in found), 0)
    missing = np.flatnonzero(found[1:] == 0) + 1
    found[missing] = len(items) + 1 + np.arange(len(missing))
    return found


def _plain(title: str) -> str:
    """A title without what the two data sets spell differently: brackets, signs and capitals."""
    title = SPELT.get(title, title).partition(" (")[0]
    return "".join(letter for letter in title.casefold().replace("&", "and") if letter.isalnum())


def ids(items: pd.DataFrame, titles: tuple[str, ...] | list[str]) -> list[int]:
    """Ids 1..V in a run's item frame of films by their titles in MovieLens-1M; a DataError names one that it lacks."""
    finder = Finder(items)
    return [finder.item(title if title in finder.titles else SPELT.get(title, title).partition(" (")[0]) for title in titles]
