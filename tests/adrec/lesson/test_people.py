"""The people and films that the lesson speaks of."""

from pathlib import Path

import numpy as np
import pytest

from adrec.lesson import films as catalogue
from adrec.lesson.likeness import GROUPS, cosines, films
from adrec.lesson.models import run_of
from adrec.lesson.people import PEOPLE, Person, content

RUNS = Path("assets/runs")
HEALTHY = run_of(RUNS, "healthy")


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.key)
def test_the_catalogue_holds_every_film_of_a_person_once(person: Person) -> None:
    history, following = person.ids(HEALTHY.items)
    assert len({*history, following}) == 6


def test_the_films_of_a_person_are_found_by_their_ids_in_the_catalogue() -> None:
    titles = catalogue.content(RUNS)[0]["titles"]
    people, _ = content(RUNS)
    assert [[titles[film] for film in person["history"]] for person in people] == [list(person.history) for person in PEOPLE]


def test_the_likeness_matrix_has_forty_different_films() -> None:
    assert len(set(films(HEALTHY.items))) == 40


def _within_and_between(table: np.ndarray) -> tuple[float, float]:
    groups = np.repeat(np.arange(len(GROUPS)), [len(group) for group in GROUPS.values()])
    matrix = cosines(table, films(HEALTHY.items)).reshape(40, 40) / 127.5 - 1
    same = groups[:, None] == groups
    return float(matrix[same & ~np.eye(40, dtype=bool)].mean()), float(matrix[~same].mean())


def test_the_healthy_table_shows_blocks() -> None:
    within, between = _within_and_between(HEALTHY.table("finetune"))
    assert within > 0.25 > 0.05 > between


def test_the_noise_table_shows_a_bare_diagonal() -> None:
    within, between = _within_and_between(run_of(RUNS, "noise").table("finetune"))
    assert abs(within) < 0.02 and abs(between) < 0.02
