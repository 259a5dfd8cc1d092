"""The people and films that the lesson speaks of."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrec.lesson import films as catalogue
from adrec.lesson.likeness import GROUPS, cosines, films
from adrec.lesson.models import LAMBDAS, run_of
from adrec.lesson.people import PEOPLE, START, Person, content

RUNS = Path("assets/runs")
HEALTHY = run_of(RUNS, "healthy")


PARTS = {part: run_of(RUNS, part) for part in ("healthy", "people")}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.key)
def test_both_catalogues_hold_every_film_of_a_person_once(person: Person, part: str) -> None:
    history, following = person.ids(PARTS[part].items)
    assert len({*history, following}) == len(START) + 6


def test_a_person_is_the_same_in_both_catalogues() -> None:
    numbers = catalogue.others(RUNS)
    for person in PEOPLE:
        (here, then), (there, after) = (person.ids(PARTS[part].items) for part in ("people", "healthy"))
        assert numbers[[*there, after]].tolist() == [*here, then]


def test_films_are_found_again_by_title_and_year_and_those_that_only_one_catalogue_has_follow_behind() -> None:
    items = pd.DataFrame(
        {"title": ["The Fly (1958)", "The Fly (1986)", "Oscar and Lucinda (a.k.a. Oscar)"], "year": [1958, 1986, 1997]}, [1, 2, 3]
    )
    titles, years = ["Oscar & Lucinda", "The Fly", "Hard Eight", "Alien", "The Fly"], [1998, 1986, 1996, 1979, 1986]
    smaller = pd.DataFrame({"title": titles, "year": years, "popularity": [9, 5, 4, 3, 7]}, [1, 2, 3, 4, 5])
    assert catalogue.numbers(items, smaller).tolist() == [0, 3, 4, 5, 6, 2]  # the other fly is known to more people


def test_only_a_handful_of_films_are_missing_from_movielens_1m_and_no_two_are_taken_for_one() -> None:
    head, arrays = catalogue.content(RUNS)
    numbers = arrays["others"].tolist()
    assert len(set(numbers)) == len(numbers) == 1009 and sum(number > head["known"] for number in numbers) < 20
    assert len(head["titles"]) == max(numbers) + 1 and tuple(head["of"]) == LAMBDAS


def test_the_films_of_a_person_are_found_by_their_ids_in_the_catalogue() -> None:
    titles = catalogue.content(RUNS)[0]["titles"]
    people, _ = content(RUNS)
    assert [[titles[film] for film in person["history"]] for person in people] == [
        [catalogue.SPELT.get(title, title) for title in person.history] for person in PEOPLE
    ]


def test_the_likeness_matrix_has_forty_different_films() -> None:
    assert len(set(films(HEALTHY.items))) == 40


def _within_and_between(table: np.ndarray, items: pd.DataFrame = HEALTHY.items) -> tuple[float, float]:
    groups = np.repeat(np.arange(len(GROUPS)), [len(group) for group in GROUPS.values()])
    matrix = cosines(table, films(items)).reshape(40, 40) / 127.5 - 1
    same = groups[:, None] == groups
    return float(matrix[same & ~np.eye(40, dtype=bool)].mean()), float(matrix[~same].mean())


def test_the_healthy_table_shows_blocks() -> None:
    within, between = _within_and_between(HEALTHY.table("finetune"))
    assert within > 0.25 > 0.05 > between


def test_the_table_of_movielens_1m_shows_blocks_too() -> None:
    within, between = _within_and_between(PARTS["people"].table("finetune"), PARTS["people"].items)
    assert within > 0.25 > 0.1 > between


def test_the_noise_table_shows_a_bare_diagonal() -> None:
    within, between = _within_and_between(run_of(RUNS, "noise").table("finetune"))
    assert abs(within) < 0.02 and abs(between) < 0.02
