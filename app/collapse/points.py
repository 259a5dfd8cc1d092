"""The items on the maps: all of them up to MOST, above that a sample stratified by popularity. Cached by run."""

import numpy as np

from adrec.runs import RunFolder
from app import loaders
from app.collapse import data

MOST = 65_000
"""The most points that the maps animate smoothly."""


def stratified(popularity: np.ndarray | None, items: int, most: int, seed: int = 0) -> np.ndarray:
    """``most`` of ``items`` rows, stratified by popularity (V,): (most,), in order.

    Systematic sampling: the items are sorted by popularity, ties at random, and every (items / most)-th is taken from a random start, so
    that any stretch of the order is represented to within one item. Without popularity, a random sample.
    """
    generator = np.random.default_rng(seed)
    chance = generator.random(items)
    order = np.lexsort((chance, popularity)) if popularity is not None else np.argsort(chance)
    positions = ((np.arange(most) + generator.random()) * items / most).astype(np.int64)
    return np.sort(order[positions])


@loaders.of_run(8)
def rows(run: RunFolder) -> np.ndarray | None:
    """The rows of the items on the maps, in order; None for all."""
    frame = loaders.items(run)
    if len(frame) <= MOST:
        return None
    return stratified(frame["popularity"].to_numpy() if "popularity" in frame else None, len(frame), MOST)


def count(run: RunFolder) -> int:
    """How many items the maps show."""
    return min(data.stages(run).items, MOST)


def tables(run: RunFolder) -> dict[str, np.ndarray]:
    """The run's distinct tables (P, D), for the items on the maps."""
    found, shown = data.distinct_tables(run), rows(run)
    return found if shown is None else {name: table[shown] for name, table in found.items()}


def layouts(run: RunFolder, method: str) -> dict[str, np.ndarray] | None:
    """Their positions (P, 2) by table; None if they have not been computed."""
    found, shown = data.layouts(run, method), rows(run)
    return found if found is None or shown is None else {name: xy[shown] for name, xy in found.items()}
