"""Chapter 3's films under noise."""

import numpy as np

from adrec.lesson.chapter3 import recognised, under_noise

LEFT = np.array([1.0, 0.9, 0.5, 0.0])
TABLE = np.random.default_rng(5).standard_normal((60, 16))


def test_a_film_without_noise_is_nearest_to_itself() -> None:
    ranks, nearest = under_noise(TABLE, np.array([3, 40]), LEFT)
    assert ranks[:, 0].tolist() == [1, 1] and nearest[:, 0, 0].tolist() == [3, 40]


def test_a_films_rank_counts_those_that_are_nearer() -> None:
    ranks, nearest = under_noise(TABLE, np.array([3, 40]), LEFT)
    for film, row in enumerate((3, 40)):
        for level in range(len(LEFT)):
            found = np.flatnonzero(nearest[film, level] == row)
            assert found.tolist() == ([ranks[film, level] - 1] if ranks[film, level] <= nearest.shape[2] else [])


def test_recognition_falls_from_all_to_chance() -> None:
    shares = recognised(TABLE, LEFT, 10).tolist()
    assert shares[0] == 1 and sorted(shares, reverse=True) == shares and shares[-1] < 0.1
