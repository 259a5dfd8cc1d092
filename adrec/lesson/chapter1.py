"""What comes next: one person's twelve candidates in the model's order, everybody's ten films, and how often a list is right."""

from pathlib import Path
from typing import Any

import numpy as np

from adrec.lesson.answers import TEN, ranking
from adrec.lesson.models import run_of
from adrec.lesson.people import PEOPLE
from adrec.lesson.results import results

PLACES = (2, 6, 24, 80, 200, 500, 1000, 1600, 2400)
"""Ranks in the first person's list at which candidates are taken, beside the film that came next and the two most popular films."""
POPULAR = 2


def content(runs: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """``candidates`` of the first person by title, with the ``ranks`` that the model gives them among all films; ``lists``: the ten films
    of every person (P, 10). ``common``: how many of the ten most popular films the narrow model names."""
    from adrec.models.loading import load_model

    run = run_of(runs, "people")
    people = [person.ids(run.items) for person in PEOPLE]
    ranked = ranking(load_model(run), [history for history, _ in people])
    candidates = _candidates(ranked[0], *people[0], run.items["popularity"].to_numpy(), run.items["title"].tolist())
    places = np.argsort(ranked[0])  # by id - 1
    measured, popular = results(runs), np.argsort(-run.items["popularity"].to_numpy(), kind="stable") + 1
    head = {
        "candidates": candidates,
        "ranks": [int(places[film - 1]) + 1 for film in candidates],
        "people": run.metrics("finetune")["test"]["users"],
        "right": measured["hook"]["columns"]["healthy"]["hr@10"],
        "narrow": measured["hook"]["columns"]["narrow"]["hr@10"],
        "common": len({*popular[:TEN].tolist()} & {*measured["hook"]["columns"]["narrow"]["lists"][PEOPLE[0].key]}),
        "baselines": measured["baselines"]["ml-1m"],
    }
    return head, {"lists": ranked[:, :TEN].astype(np.uint16).reshape(-1)}


def _candidates(ranked: np.ndarray, history: list[int], following: int, popularity: np.ndarray, titles: list[str]) -> list[int]:
    """Twelve films by id, in the order of their titles: none of the history, the film that came next among them."""
    found = {following}
    popular = (int(film) + 1 for film in np.argsort(-popularity, kind="stable"))
    unknown = [film for film in popular if film not in (following, *history)]
    found.update(unknown[:POPULAR])
    for place in PLACES:
        found.add(next(film for film in ranked[place - 1 :].tolist() if film not in found and film not in history))
    return sorted(found, key=lambda film: titles[film - 1])
