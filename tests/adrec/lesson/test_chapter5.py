"""Chapter 5's frames and maps."""

from pathlib import Path

import numpy as np

from adrec.browser import wire
from adrec.collapse.measures import mean_cosine
from adrec.lesson import setup
from adrec.lesson.answers import table_of
from adrec.lesson.chapter5 import EPOCHS, HALF, TABLES, kind, seen
from adrec.lesson.models import run_of
from adrec.runs.snapshots import table_at

RUNS = Path("assets/runs")


def test_the_narrow_runs_films_grow_more_alike_from_frame_to_frame() -> None:
    cosines = [mean_cosine(table_at(run_of(RUNS, "narrow"), "finetune", epoch)) for epoch in EPOCHS]
    assert cosines == sorted(cosines) and cosines[0] < 0.01 and cosines[-1] > 0.95


def test_the_narrow_runs_lists_fill_with_films_that_more_people_chose_from_frame_to_frame() -> None:
    (content,) = wire.unblock(setup.bundled())
    lists = np.array(content["5.lists"]).reshape(len(EPOCHS), -1)
    own = {film: at for at, film in enumerate(content["films.others"])}
    popularity = run_of(RUNS, "narrow").items["popularity"]
    chosen = [popularity[[own[film] for film in films]].mean() for films in lists.tolist()]
    assert (np.diff(chosen) > 0).all()


def test_a_map_has_the_origin_in_its_middle_and_its_farthest_film_at_the_edge() -> None:
    flat = np.random.default_rng(1).standard_normal((50, 2))
    table = np.concatenate([flat, np.zeros((50, 6))], axis=1) + 3 * np.eye(8)[0]
    from_origin = seen(table).astype(float) - HALF
    assert np.abs(from_origin).max() == HALF
    scale = np.linalg.norm(from_origin, axis=1) / np.linalg.norm(table, axis=1)
    assert np.allclose(scale, scale[0], rtol=1e-3)  # two directions hold this table, so no length is lost


def test_the_narrow_table_lies_to_one_side_of_the_origin_and_the_others_around_it() -> None:
    for key in TABLES:
        right = float((seen(table_of(run_of(RUNS, key)))[:, 0] > HALF).mean())
        assert (max(right, 1 - right) > 0.99) == (key == "narrow")


def test_the_narrow_table_is_larger_than_the_healthy_one() -> None:
    narrow, healthy = (table_of(run_of(RUNS, key)) for key in ("narrow", "healthy"))
    assert np.square(narrow).sum() > np.square(healthy).sum()


def test_the_place_on_the_bar_says_what_a_table_is() -> None:
    assert [kind(place) for place in (-1, -0.25, 0, 0.49, 0.5)] == ["noise", "noise", "healthy", "healthy", "narrow"]
