"""A film as numbers: which films are nearest to each while a table is trained, and the genres that they share."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrec.lesson import films, likeness
from adrec.lesson.answers import TEN
from adrec.lesson.models import run_of
from adrec.lesson.results import results
from adrec.maps.neighbours import neighbour_sets
from adrec.runs import RunFolder
from adrec.runs.snapshots import load_snapshot

ASKED = "Titanic (1997)"
OFFERED = (ASKED, "A Nightmare on Elm Street", "Snow White and the Seven Dwarfs", "Star Trek: The Wrath of Khan", "Die Hard 2")
"""The film that the guess is about, and films worth a look."""
STAGES = ("pretrain", "finetune")
"""Where the table moves: the warm-up holds it still."""


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``near`` (frames, V, 10): the ids of every film's nearest by cosine, nearest first; ``cosines`` (frames, 40, 40) as in ``likeness``.

    ``frames``: stage and epoch of each table, and the genres that films share with their nearest (Jaccard index, mean over films).
    ``lists``: the three lists of the guess, one of them the truth.
    """
    run = run_of(runs, "people")
    items, near, cosines, frames = run.items, [], [], []
    shown, genres = likeness.films(items), genre_sets(items)
    for stage, epoch, table in tables(run):
        sets = neighbour_sets(table, TEN)
        near.append(sets + 1)
        cosines.append(likeness.cosines(table, shown))
        frames.append({"stage": stage, "epoch": epoch, "genres": round(shared_genres(sets, genres), 3)})
    asked, *offered = films.ids(items, [ASKED, *OFFERED])
    head = {
        "film": asked,
        "offered": offered,
        "frames": frames,
        "lists": {"near": near[-1][asked - 1].tolist(), **other_lists(items, asked, set(near[-1][asked - 1].tolist()))},
        "number": results(runs)["genres"],
    }
    return head, {"near": np.stack(near).astype(np.uint16).reshape(-1), "cosines": np.concatenate(cosines)}


def tables(run: RunFolder) -> Iterator[tuple[str, int, np.ndarray]]:
    """Stage, epoch and item table (V, D) at every frame: the random start, the snapshots up to the epoch that a stage kept, and that."""
    yield "initial", 0, run.table("initial")
    for stage in STAGES:
        kept = run.metrics(stage)["epoch"]
        for at, epoch, path in run.snapshots():
            if at == stage and epoch < kept:
                yield stage, epoch, load_snapshot(path)[0]
        yield stage, kept, run.table(stage)


def genre_sets(items: pd.DataFrame) -> list[set[str]]:
    """The genres of every film."""
    return [set(filter(None, str(words).split("|"))) for words in items["genre"]]


def shared_genres(sets: np.ndarray, genres: Sequence[set[str]]) -> float:
    """The genres that a film shares with its nearest, as Jaccard index, mean over films. sets: (V, k) rows."""
    pairs = ((genres[row], genres[other]) for row, others in enumerate(sets.tolist()) for other in others)
    return float(np.mean([len(a & b) / max(1, len(a | b)) for a, b in pairs]))


def other_lists(items: pd.DataFrame, asked: int, taken: set[int]) -> dict[str, list[int]]:
    """Two more lists that could be near a film: ``genre``, those that share most of its genres, the most popular first; ``popular``, those
    that about as many people chose. Films of ``taken`` stay out, so that the lists differ throughout."""
    genres, popularity = genre_sets(items), items["popularity"].to_numpy(dtype=float)
    own = genres[asked - 1]
    alike = np.array([len(own & other) / max(1, len(own | other)) for other in genres])
    as_popular = np.argsort(np.abs(np.log(popularity / popularity[asked - 1])), kind="stable")
    orders = {"genre": np.lexsort((-popularity, -alike)), "popular": as_popular}
    lists, out = {}, {asked, *taken}
    for name, order in orders.items():
        lists[name] = [film for film in (order + 1).tolist() if film not in out][:TEN]
        out.update(lists[name])
    return lists
