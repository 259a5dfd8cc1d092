"""Which items the maps show: all of them up to MOST, above that a sample stratified by popularity. Cached by run."""

import numpy as np

from adrec.runs import RunFolder
from app import loaders
from app.collapse import data

MOST = 65_000
"""The most points that the maps move smoothly."""


def stratified(popularity: np.ndarray | None, items: int, most: int, seed: int = 0) -> np.ndarray:
    """``most`` rows of ``items``, each stratum of popularity (V,) in its share: (most,), in order.

    The items are put in order of popularity, equal ones by chance, and every (items / most)-th is taken from a random start, which is
    systematic sampling: any stretch of the order has its share to within one item. Without popularity it is a random sample.
    """
    generator = np.random.default_rng(seed)
    chance = generator.random(items)
    order = np.lexsort((chance, popularity)) if popularity is not None else np.argsort(chance)
    places = ((np.arange(most) + generator.random()) * items / most).astype(np.int64)
    return np.sort(order[places])


@loaders.of_run(8)
def rows(run: RunFolder) -> np.ndarray | None:
    """The rows of the items on the maps, in order; None for all."""
    run = run
    frame = loaders.items(run)
    if len(frame) <= MOST:
        return None
    return stratified(frame["popularity"].to_numpy() if "popularity" in frame else None, len(frame), MOST)


def count(run: RunFolder) -> int:
    """How many items the maps show."""
    return min(data.stages(run).items, MOST)


def tables(run: RunFolder) -> dict[str, np.ndarray]:
    """The run's different tables (P, D) of the items on the maps."""
    found, shown = data.distinct_tables(run), rows(run)
    return found if shown is None else {name: table[shown] for name, table in found.items()}


def layouts(run: RunFolder, method: str) -> dict[str, np.ndarray] | None:
    """Their positions (P, 2) by table; None if they have not been computed."""
    found, shown = data.layouts(run, method), rows(run)
    return found if found is None or shown is None else {name: xy[shown] for name, xy in found.items()}
