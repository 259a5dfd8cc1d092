"""New vectors on a map: where their nearest items lie, and an honest share of those that the map does not show."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrec.errors import WeightsError
from adrec.maps.placing import Placer
from adrec.maps.projection import pca_map
from adrec.maps.tables import unit_rows

LAYOUT = np.random.default_rng(2).standard_normal((120, 2)).astype(np.float32)


def clusters(seed: int = 0) -> np.ndarray:
    """Four clusters of items."""
    rng = np.random.default_rng(seed)
    return (3 * rng.standard_normal((4, 8))[np.arange(120) % 4] + rng.standard_normal((120, 8))).astype(np.float32)


@given(st.integers(0, 119), st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_a_vector_in_an_items_direction_lands_on_the_item(item: int, scale: float) -> None:
    table = clusters().astype(np.float64)
    assert np.array_equal(Placer(table, LAYOUT)(scale * table[item : item + 1]).positions[0], LAYOUT[item])


def test_of_two_items_in_one_direction_the_nearer_by_length_is_chosen() -> None:
    table = clusters()
    table[7] = 2 * table[3]
    assert np.array_equal(Placer(table, LAYOUT)(table[[3, 7]]).positions, LAYOUT[[3, 7]])


def test_a_vector_is_put_where_the_weighted_distances_to_its_nearest_items_are_least() -> None:
    table, point = clusters().astype(np.float64), np.random.default_rng(3).standard_normal(8)
    distance = 1 - table @ point / np.linalg.norm(table, axis=1) / np.linalg.norm(point)
    rows = np.argsort(distance)[:10]
    found = Placer(table, LAYOUT)(point[None]).positions[0]

    def cost(at: np.ndarray) -> float:
        return float((np.linalg.norm(LAYOUT[rows] - at, axis=1) / distance[rows]).sum())

    around = [found + step * np.array(way) for step in (0.01, 0.1, 1) for way in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    assert all(cost(found) < cost(at) for at in around)


def test_one_neighbour_that_lies_elsewhere_does_not_pull_a_vector_out_of_its_cluster() -> None:
    rng = np.random.default_rng(0)
    table = np.ones((11, 4)) + 0.05 * rng.standard_normal((11, 4))
    layout = np.vstack([0.1 * rng.standard_normal((10, 2)), [[100, 0]]])
    assert np.linalg.norm(Placer(table, layout, k=11)(np.ones((1, 4))).positions[0]) < 0.5


def test_placed_vectors_stay_within_the_layout() -> None:
    positions = Placer(clusters(), LAYOUT)(np.random.default_rng(3).standard_normal((50, 8))).positions
    assert (positions >= LAYOUT.min(axis=0) - 1e-5).all() and (positions <= LAYOUT.max(axis=0) + 1e-5).all()


@pytest.mark.parametrize("by_pca", [False, True])
def test_neighbours_and_errors_are_those_that_every_distance_gives(by_pca: bool) -> None:
    table, points = clusters(), np.random.default_rng(3).standard_normal((40, 8)).astype(np.float32)
    linear = pca_map({"finetune": table}) if by_pca else None
    layout = linear.apply(table) if linear else LAYOUT
    placed = Placer(table, layout, linear)(points)
    near = np.argsort(-unit_rows(points.astype(np.float64)) @ unit_rows(table.astype(np.float64)).T, axis=1, kind="stable")[:, :10]
    assert np.array_equal(placed.near, near)
    for row, position, error in zip(near, placed.positions, placed.errors, strict=True):
        shown = np.argsort(((layout - position) ** 2).sum(axis=1))[:10]
        assert error == pytest.approx(1 - len(set(row.tolist()) & set(shown.tolist())) / 10)


def test_ties_among_nearest_items_go_to_the_first() -> None:
    table = np.repeat(clusters()[:20], 3, axis=0)
    near = Placer(table, LAYOUT[:60], k=6)(table[:1] + np.float32(0.01)).near[0]
    assert near.tolist() == [0, 1, 2, *range(near[3], near[3] + 3)]


def test_by_pca_an_items_own_vector_lies_where_the_item_lies_up_to_its_length() -> None:
    table = clusters()
    linear, length = pca_map({"finetune": table}), np.linalg.norm(table, axis=1).mean()
    vector = table[3:4] / np.linalg.norm(table[3]) * length
    placed = Placer(table, linear.apply(table), linear)(5 * vector)
    np.testing.assert_allclose(placed.positions, linear.apply(vector), atol=1e-5)


def test_a_map_that_is_the_table_places_without_error() -> None:
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    assert Placer(circle, circle, k=5)(circle).errors == pytest.approx(0)


def test_a_table_of_fewer_items_than_neighbours_has_all_of_them() -> None:
    placed = Placer(clusters()[:3], LAYOUT[:3])(np.ones((2, 8)))
    assert placed.near.shape == (2, 3) and placed.errors.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("points", "layout", "words"),
    [
        (np.ones((2, 5)), LAYOUT, r"shape \(2, 5\)"),
        (np.ones(8), LAYOUT, r"shape \(8,\)"),
        (np.full((1, 8), np.nan), LAYOUT, "finite"),
        (np.ones((1, 8)), LAYOUT[:5], "must have shape"),
    ],
)
def test_vectors_that_cannot_be_placed_are_refused(points: np.ndarray, layout: np.ndarray, words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        Placer(clusters(), layout)(points)
