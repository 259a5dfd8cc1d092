"""Why noise: some films under growing noise, among the films that their noised vectors are nearest to; and how often any film is found."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.data.titles import Finder
from adrec.lesson.results import results
from adrec.maps.tables import unit_rows
from adrec.runs import RunFolder

RUN = "ml-100k"
FILMS = ("Star Wars", "The Lion King", "Titanic", "Casablanca", "The Shining")
RIVALS = 6
DRAWS = 10


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``rank`` (films, levels) of each film by cosine to its noised vector, and the ids of the ``nearest`` (films, levels, RIVALS) to it.

    ``recognised``: at each level the share of all films, over DRAWS draws of the noise, that are nearest to their own noised vectors, in
    the healthy table and in a random one of its size.
    """
    run = RunFolder(runs / RUN)
    table, left = run.table("finetune").astype(np.float64), np.array(run.info["diffusion"]["alpha_bar"])
    films = Finder(run.items).history(FILMS)
    ranks, nearest = under_noise(table, np.array(films) - 1, left)
    random = np.random.default_rng(0).normal(0, np.sqrt((table**2).mean()), table.shape)
    measured = results(runs)
    head = {
        "films": films,
        "items": len(table),
        "levels": len(left),
        "recognised": {"healthy": recognised(table, left), "random": recognised(random, left)},
        "number": measured.get("recognition", {}),
        "same_last": measured.get("same_last", {}),
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


def recognised(table: np.ndarray, left: np.ndarray, seed: int = 1) -> list[float]:
    """At each level the share of rows that are nearest to themselves by cosine once they are noised. table: (V, D)."""
    rng, unit, shares = np.random.default_rng(seed), unit_rows(table).astype(np.float32), []
    for level in left:
        hits = 0
        for _ in range(DRAWS):
            noised = np.sqrt(level) * table + np.sqrt(1 - level) * rng.standard_normal(table.shape)
            hits += int(((noised.astype(np.float32) @ unit.T).argmax(axis=1) == np.arange(len(table))).sum())
        shares.append(round(hits / (DRAWS * len(table)), 4))
    return shares
