"""The biggest movers and the trust in a map, against closed forms and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.manifold import trustworthiness

from adrec.collapse.distortion import point_trustworthiness
from adrec.collapse.movers import movers
from adrec.errors import WeightsError

V, D = 120, 6
TABLE = np.random.default_rng(0).standard_normal((V, D)) + 4 * np.random.default_rng(1).standard_normal((5, D))[np.arange(V) % 5]
LAYOUT = TABLE[:, :2]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("k", [1, 7, 59])
def test_the_mean_over_items_is_scikit_learns_trustworthiness(metric: str, k: int) -> None:
    found = point_trustworthiness(TABLE, LAYOUT, k, metric)
    assert found.mean() == pytest.approx(trustworthiness(TABLE, LAYOUT, n_neighbors=k, metric=metric), abs=1e-12)


def test_a_map_that_puts_one_item_among_strangers_is_distrusted_there_most() -> None:
    layout = LAYOUT.copy()
    layout[0] = layout[1]
    found = point_trustworthiness(TABLE[:, :2], layout, 5, "euclidean")
    assert found.argmin() == 0 and found[2::5].mean() > 0.99


def test_trust_over_too_many_neighbours_is_refused_in_one_sentence() -> None:
    with pytest.raises(WeightsError, match="takes 1 to 59 neighbours"):
        point_trustworthiness(TABLE, LAYOUT, 60)


def test_what_changes_no_distance_moves_nobody() -> None:
    moved = TABLE @ ortho_group.rvs(D, random_state=0) + 3.0
    found = movers(TABLE, moved, metric="euclidean")
    assert found.displacement.max() < 1e-9 and found.jaccard.min() == 1.0


def test_one_item_that_leaves_is_the_biggest_mover_by_its_own_way() -> None:
    after = TABLE.copy()
    after[7] += 0.05
    found = movers(TABLE, after, k=5, metric="euclidean")
    apart = np.sort(np.linalg.norm(TABLE[:, None] - TABLE[None], axis=2), axis=1)[:, 1:6].mean(axis=1)
    assert found.displacement.argmax() == 7
    assert found.displacement[7] == pytest.approx(0.05 * np.sqrt(D) / np.median(apart), rel=0.03)


def test_a_neighbourhood_that_moves_together_is_not_displaced() -> None:
    together, alone = TABLE.copy(), TABLE.copy()
    together[::5, 0] += 0.5  # one whole cluster
    alone[0, 0] += 0.5
    moved = movers(TABLE, together, k=5, metric="euclidean").displacement
    assert moved[::5].max() < 0.25 * movers(TABLE, alone, k=5, metric="euclidean").displacement[0]


def test_jaccard_counts_common_neighbours() -> None:
    after = np.random.default_rng(2).standard_normal((V, D))

    def near(table: np.ndarray, row: int) -> set[int]:
        return set(np.argsort(np.linalg.norm(table - table[row], axis=1))[1:11].tolist())

    expected = [len(near(TABLE, i) & near(after, i)) / len(near(TABLE, i) | near(after, i)) for i in range(V)]
    np.testing.assert_allclose(movers(TABLE, after, metric="euclidean").jaccard, expected)


def test_tables_of_other_shapes_are_refused() -> None:
    with pytest.raises(WeightsError, match="must have the same shape"):
        movers(TABLE, TABLE[:-1])
