"""Chapter 5's frames and maps."""

import numpy as np

from adrec.collapse.measures import mean_cosine
from adrec.lesson.chapter5 import EPOCHS, HALF, TABLES, frame, seen
from adrec.runs import RunFolder

NARROW = RunFolder("assets/runs/narrow")


def test_the_narrow_runs_films_grow_more_alike_from_frame_to_frame() -> None:
    cosines = [mean_cosine(frame(NARROW, epoch)) for epoch in EPOCHS]
    assert cosines == sorted(cosines) and cosines[0] < 0.01 and cosines[-1] > 0.95


def test_a_map_has_the_origin_in_its_middle_and_its_farthest_film_at_the_edge() -> None:
    table = np.random.default_rng(1).standard_normal((50, 8)) + 3
    xy, reach = seen(table)
    back = (xy.astype(float) - HALF) / HALF * reach
    assert np.abs(back).max() == reach and (np.linalg.norm(back, axis=1) <= np.linalg.norm(table, axis=1) + 1e-3 * reach).all()


def test_the_narrow_table_lies_to_one_side_of_the_origin_and_the_others_around_it() -> None:
    for key, name in TABLES.items():
        table = frame(NARROW, EPOCHS[-1]) if key == "narrow" else RunFolder(f"assets/runs/{name}").table("finetune")
        xy, _ = seen(table)
        right = float((xy[:, 0] > HALF).mean())
        assert (max(right, 1 - right) > 0.99) == (key == "narrow")


def test_the_narrow_table_is_larger_than_the_healthy_one() -> None:
    narrow, healthy = frame(NARROW, EPOCHS[-1]), RunFolder(f"assets/runs/{TABLES['healthy']}").table("finetune")
    assert np.square(narrow).sum() > np.square(healthy).sum()
