"""What the first chapters show, against the bundled runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrec.explain.recommending import recommend
from adrec.lesson import chapter1, chapter2
from adrec.lesson.people import PEOPLE
from adrec.maps.neighbours import neighbours
from adrec.runs import RunFolder

RUNS = Path("assets/runs")
HEALTHY = RunFolder(RUNS / "ml-1m")
FILMS = 3416


@pytest.fixture(scope="module")
def next_film() -> tuple[dict, dict]:
    return chapter1.content(RUNS)


@pytest.fixture(scope="module")
def numbers() -> tuple[dict, dict]:
    return chapter2.content(RUNS)


def test_every_persons_ten_is_what_the_run_recommends(next_film) -> None:
    found = recommend(HEALTHY, [person.history for person in PEOPLE])["users"]
    assert next_film[1]["lists"].reshape(-1, 10).tolist() == [[film["id"] for film in user["items"]] for user in found]


def test_the_twelve_candidates_are_unseen_and_their_ranks_are_the_models(next_film) -> None:
    head, _ = next_film
    history, following = PEOPLE[0].ids(HEALTHY.items)
    assert len(set(head["candidates"])) == 12
    assert following in head["candidates"] and not {*history} & {*head["candidates"]}
    ranked = [film["id"] for film in recommend(HEALTHY, [PEOPLE[0].history], FILMS)["users"][0]["items"]]
    assert head["ranks"] == [ranked.index(film) + 1 for film in head["candidates"]]


def test_the_films_frames_run_from_the_random_start_to_the_table_that_the_run_kept(numbers) -> None:
    head, arrays = numbers
    near = arrays["near"].reshape(len(head["frames"]), FILMS, 10)
    for frame, name in ((0, "initial"), (-1, "finetune")):
        assert near[frame, 7].tolist() == (neighbours(HEALTHY.table(name), 7)[0] + 1).tolist()
    assert [(frame["stage"], frame["epoch"]) for frame in head["frames"]][-1] == ("finetune", HEALTHY.metrics("finetune")["epoch"])


def test_training_brings_films_of_the_same_genres_together(numbers) -> None:
    shared = [frame["genres"] for frame in numbers[0]["frames"]]
    assert shared == sorted(shared) and shared[-1] > 3 * shared[0]


def test_the_three_lists_of_the_guess_have_no_film_in_common(numbers) -> None:
    head, _ = numbers
    assert len({film for films in head["lists"].values() for film in films} | {head["film"]}) == 31


def test_shared_genres_are_the_jaccard_index_of_a_film_and_its_nearest() -> None:
    genres = chapter2.genre_sets(pd.DataFrame({"genre": ["Horror|War", "Horror", ""]}))
    assert chapter2.shared_genres(np.array([[1, 2], [0, 2], [0, 1]]), genres) == pytest.approx((0.5 + 0 + 0.5 + 0 + 0 + 0) / 6)
