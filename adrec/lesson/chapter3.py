"""Why noise: some films under growing noise, among the films that their noised vectors are nearest to; and how often any film is found."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.lesson import films as catalogue
from adrec.lesson.models import run_of
from adrec.lesson.results import results
from adrec.maps.tables import unit_rows

FILMS = ("Star Wars: Episode IV - A New Hope", "The Lion King", "Titanic (1997)", "Casablanca", "The Shining")
RIVALS = 6
DRAWS = 10


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``rank`` (films, levels) of each film by cosine to its noised vector, and the ids of the ``nearest`` (films, levels, RIVALS) to it.

    ``recognised``: at each level the share of all films, over DRAWS draws of the noise, that are nearest to their own noised vectors, in
    the healthy table and in a random one of its size.
    """
    run = run_of(runs, "people")
    table, left = run.table("finetune").astype(np.float64), np.array(run.info["diffusion"]["alpha_bar"])
    films = catalogue.ids(run.items, FILMS)
    ranks, nearest = under_noise(table, np.array(films) - 1, left)
    tables = {"healthy": table, "random": random_like(table)}
    measured = results(runs)
    head = {
        "films": films,
        "items": len(table),
        "levels": len(left),
        "recognised": {name: recognised(rows, left, DRAWS).round(4).tolist() for name, rows in tables.items()},
        "number": measured["recognition"],
        "same_last": measured["same_last"],
    }
    return head, {"rank": ranks.astype(np.uint16).reshape(-1), "nearest": (nearest + 1).astype(np.uint16).reshape(-1)}


def under_noise(table: np.ndarray, rows: np.ndarray, left: np.ndarray, seed: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (films, levels) and nearest rows (films, levels, RIVALS) of some rows, each under one draw of the noise for all levels.

    table: (V, D). left: (T,) alpha_bar, the share of the squared length that is left.
    """
    eps, unit = np.random.default_rng(seed).standard_normal((len(rows), table.shape[1])), unit_rows(table)
    noised = np.sqrt(left)[:, None] * table[rows][:, None] + np.sqrt(1 - left)[:, None] * eps[:, None]
    likeness = noised @ unit.T
    own = np.take_along_axis(likeness, rows[:, None, None], axis=2)
    return 1 + (likeness > own).sum(axis=2), np.argsort(-likeness, axis=2, kind="stable")[:, :, :RIVALS]


def random_like(table: np.ndarray) -> np.ndarray:
    """A random table of a table's shape and size."""
    return np.random.default_rng(0).normal(0, np.sqrt((table.astype(np.float64) ** 2).mean()), table.shape)


def recognised(table: np.ndarray, left: np.ndarray, draws: int, seed: int = 1) -> np.ndarray:
    """At each level the share of rows that, over some draws of the noise, are nearest to themselves by cosine once they are noised.

    table: (V, D). left: (T,) as above. Returns (T,).
    """
    rng, unit, shares = np.random.default_rng(seed), unit_rows(table).astype(np.float32), []
    for level in left:
        hits = 0
        for _ in range(draws):
            noised = np.sqrt(level) * table + np.sqrt(1 - level) * rng.standard_normal(table.shape)
            hits += int(((noised.astype(np.float32) @ unit.T).argmax(axis=1) == np.arange(len(table))).sum())
        shares.append(hits / (draws * len(table)))
    return np.array(shares)
