"""The measures against closed forms, recorded numbers and slow, obvious versions of themselves."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist
from scipy.stats import ortho_group

from adrec.collapse import measures as collapse
from adrec.collapse.definitions import MEASURES, OFFICIAL
from adrec.errors import WeightsError
from adrec.maps.neighbours import neighbour_overlap, neighbour_sets, neighbours

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDED = json.loads((GOLDEN / "embedding_metrics.json").read_text())
seeds = st.integers(0, 2**32 - 1)
SCALE_FREE = (
    "effective_rank", "rankme", "information_abundance", "stable_rank", "participation_ratio", "isoscore", "condition_number",
    "mean_cosine", "offset", "uniformity", "largest_over_edge",
)  # fmt: skip
ROTATION_FREE = (*SCALE_FREE[:-1], "isotropy")


@pytest.fixture(scope="module")
def official_data() -> Path:
    root = os.environ.get("ADREC_TEST_DATA")
    if not root:
        pytest.skip("ADREC_TEST_DATA names no folder with the official weights")
    return Path(root) / "official"


def gaussian(seed: int = 0, items: int = 60, width: int = 8) -> np.ndarray:
    """A Gaussian table with columns of unequal size, so that no measure sits at a limit."""
    return np.random.default_rng(seed).standard_normal((items, width)) * np.linspace(1, 2, width)


@pytest.mark.parametrize("matrix", RECORDED)
def test_the_official_measures_equal_their_recorded_values(matrix: str) -> None:
    with np.load(GOLDEN / "embedding_matrices.npz") as matrices:
        assert collapse.official_measures(matrices[matrix]) == pytest.approx(RECORDED[matrix], rel=1e-6)


def test_every_measure_is_defined_in_words() -> None:
    assert set(collapse.measures(gaussian())) == set(MEASURES)


def test_every_official_measure_is_defined_in_words() -> None:
    assert set(collapse.official_measures(gaussian())) == set(OFFICIAL)


def test_official_distance_in_blocks_equals_all_pairs_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collapse, "BLOCK", 7 * 60)
    table = gaussian() + 100
    assert collapse.official_measures(table)["distance"] == pytest.approx(cdist(table, table).mean(), rel=1e-10)


# -- closed forms


SPECTRAL = (collapse.effective_rank, collapse.information_abundance, collapse.stable_rank, collapse.participation_ratio)


@pytest.mark.parametrize("measure", SPECTRAL)
def test_an_orthogonal_matrix_uses_every_direction(measure: object) -> None:
    matrix = ortho_group.rvs(12, random_state=0)
    assert measure(collapse.singular_values(matrix, centred=False)) == pytest.approx(12)  # type: ignore[operator]


@pytest.mark.parametrize("measure", ["effective_rank", "information_abundance", "stable_rank", "participation_ratio"])
def test_a_table_of_rank_one_uses_one_direction(measure: str) -> None:
    table = np.outer(np.linspace(-1, 1, 50), np.arange(1, 9))
    assert collapse.measures(table)[measure] == pytest.approx(1)


def test_effective_rank_of_two_known_values_is_their_entropys_exponential() -> None:
    assert collapse.effective_rank(np.array([3.0, 1.0])) == pytest.approx(4 / 3**0.75)


def test_rankme_differs_from_effective_rank_by_its_epsilon() -> None:
    p = np.array([0.75, 0.25]) + 1e-2
    assert collapse.rankme(np.array([3.0, 1.0]), epsilon=1e-2) == pytest.approx(np.exp(-(p * np.log(p)).sum()))


def test_isoscore_of_an_orthogonal_matrix_is_one() -> None:
    assert collapse.isoscore(np.ones(12), 12) == pytest.approx(1)


def test_condition_number_is_numpys() -> None:
    table = gaussian() - gaussian().mean(axis=0)
    assert collapse.measures(table)["condition_number"] == pytest.approx(np.linalg.cond(table))


def test_mean_cosine_equals_the_mean_over_all_pairs() -> None:
    assert collapse.mean_cosine(gaussian() + 0.3) == pytest.approx((1 - pdist(gaussian() + 0.3, "cosine")).mean())


@pytest.mark.parametrize("items", [60, 400])
def test_uniformity_equals_the_mean_over_all_pairs(items: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collapse, "BLOCK", 1000)
    table = gaussian(items=items)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    assert collapse.uniformity(table) == pytest.approx(np.log(np.exp(-2 * pdist(unit) ** 2).mean()))


def test_uniformity_of_sampled_pairs_is_close_to_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = collapse.uniformity(gaussian(items=300))
    monkeypatch.setattr(collapse, "ALL_PAIRS", 100)
    assert collapse.uniformity(gaussian(items=300)) == pytest.approx(exact, abs=0.01)


def test_offset_of_a_mean_of_length_two_and_spread_of_length_one_is_four_fifths() -> None:
    table = np.array([[1.0, 2.0], [-1.0, 2.0]])
    assert collapse.offset(table) == pytest.approx(0.8)


def test_isotropy_is_its_formula_over_both_signs() -> None:
    table = gaussian()
    _, vectors = np.linalg.eigh(table.T @ table)
    z = np.exp(table @ np.hstack([vectors, -vectors])).sum(axis=0)
    assert collapse.isotropy(table) == pytest.approx(z.min() / z.max())


def test_exact_gaussian_kl_agrees_with_the_official_one_where_that_does_not_saturate() -> None:
    assert collapse.gaussian_kl(gaussian()) == pytest.approx(collapse.official_measures(gaussian())["kl_gaussian"], abs=1e-6)


# -- null models


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_noise_shows_no_direction_above_noise(seed: int) -> None:
    above = [collapse.spikes(np.random.default_rng([seed, i]).standard_normal((200, 20)))[0] for i in range(10)]
    assert sum(above) <= 1


def test_planted_directions_are_counted() -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((500, 40)) + 2 * rng.standard_normal((500, 3)) @ ortho_group.rvs(40, random_state=0)[:3] * 3
    assert collapse.spikes(table)[0] == 3


# -- invariances


@given(seeds, st.floats(-6, 6))
@settings(max_examples=25, deadline=None)
def test_scale_changes_no_scale_free_measure(seed: int, exponent: float) -> None:
    table = gaussian(seed) + 0.5
    before, after = collapse.measures(table), collapse.measures(table * 10**exponent)
    assert [after[k] for k in SCALE_FREE] == pytest.approx([before[k] for k in SCALE_FREE], rel=1e-6)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_rotation_changes_no_rotation_free_measure(seed: int) -> None:
    table = gaussian(seed) + 0.5
    before, after = collapse.measures(table), collapse.measures(table @ ortho_group.rvs(8, random_state=seed))
    assert [after[k] for k in ROTATION_FREE] == pytest.approx([before[k] for k in ROTATION_FREE], rel=1e-6)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_items_leaves_the_spectrum(seed: int) -> None:
    table = gaussian(seed)
    permuted = table[np.random.default_rng(seed).permutation(len(table))]
    assert collapse.singular_values(permuted) == pytest.approx(collapse.singular_values(table))


def test_a_common_offset_leaves_the_centred_spectrum() -> None:
    assert collapse.singular_values(gaussian() + 50) == pytest.approx(collapse.singular_values(gaussian()))


def test_a_common_offset_shows_in_the_uncentred_effective_rank() -> None:
    assert collapse.measures(gaussian() + 50)["effective_rank_uncentred"] < collapse.measures(gaussian())["effective_rank_uncentred"] / 3


def test_a_common_offset_shows_as_offset_and_mean_cosine() -> None:
    found = collapse.measures(gaussian() + 50)
    assert min(found["offset"], found["mean_cosine"]) > 0.99


# -- tables at the edge


DEGENERATE = {
    "constant": np.full((20, 5), 0.1),
    "zeros": np.zeros((20, 5)),
    "one column": gaussian(width=1),
    "two rows": gaussian(items=2),
    "fewer items than columns": gaussian(items=5, width=9),
    "zero rows": np.vstack([gaussian(), np.zeros((3, 8))]),
    "huge": gaussian() * 1e99,
    "tiny": gaussian() * 1e-200,
    "half precision": gaussian().astype(np.float16),
    "integers": np.arange(40).reshape(10, 4),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_a_table_at_the_edge_gives_a_report_of_finite_numbers_without_warnings(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = collapse.table_report(name, DEGENERATE[name])
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize("name", ["constant", "zeros"])
def test_a_table_of_equal_items_has_effective_rank_zero(name: str) -> None:
    assert collapse.measures(DEGENERATE[name])["effective_rank"] == 0


def test_an_infinite_condition_number_is_none_in_the_report() -> None:
    assert collapse.table_report("few", DEGENERATE["fewer items than columns"])["measures"]["condition_number"] is None


@pytest.mark.parametrize(
    ("table", "word"),
    [
        (np.ones((1, 4)), "at least 2 rows"),
        (np.ones((4, 0)), "1 column"),
        (np.ones(4), "matrix"),
        (np.array([["a", "b"], ["c", "d"]]), "real numbers"),
        (np.ones((3, 3), dtype=complex), "real numbers"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), "row 1"),
        (np.array([[1.0, np.inf], [1.0, 1.0]]), "row 0"),
        (np.full((3, 3), 1e200), "largest entry"),
    ],
)
def test_a_table_that_cannot_be_measured_is_refused_in_one_sentence(table: np.ndarray, word: str) -> None:
    with pytest.raises(WeightsError, match=word):
        collapse.table_report("finetune", table)


# -- neighbours


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_are_those_of_a_full_sort(metric: str) -> None:
    table = gaussian()
    distances = cdist(table, table, metric)[7]
    distances[7] = np.inf
    rows, similarities = neighbours(table, 7, k=5, metric=metric)
    expected = np.argsort(distances)[:5]
    values = 1 - distances[expected] if metric == "cosine" else -distances[expected]
    assert rows.tolist() == expected.tolist() and similarities == pytest.approx(values)


def test_dot_neighbours_are_the_largest_products() -> None:
    table = gaussian()
    products = table @ table[3]
    products[3] = -np.inf
    assert neighbours(table, 3, k=4, metric="dot")[0].tolist() == np.argsort(-products)[:4].tolist()


def test_neighbour_sets_in_blocks_are_each_items_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adrec.maps.neighbours.BLOCK", 500)
    table = gaussian()
    assert neighbour_sets(table, 6).tolist() == [neighbours(table, i, 6)[0].tolist() for i in range(len(table))]


@pytest.mark.parametrize("items", [50, 700, 1500])
def test_neighbour_sets_of_large_tables_are_those_of_a_full_sort(items: int) -> None:
    table = gaussian(items=items)
    distances = cdist(table, table, "cosine")
    np.fill_diagonal(distances, np.inf)
    assert np.array_equal(neighbour_sets(table, 10), np.argsort(distances, axis=1)[:, :10])


def test_of_equally_near_items_the_first_are_the_neighbours() -> None:
    assert neighbour_sets(np.ones((900, 3)), 3)[[0, 1, 5]].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 2]]


def test_neighbours_in_single_precision_are_those_in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = neighbour_sets(gaussian(items=300))
    monkeypatch.setattr("adrec.maps.neighbours.DOUBLE", 100)
    assert neighbour_overlap(neighbour_sets(gaussian(items=300)), exact).mean() > 0.999


def test_a_rescaled_table_keeps_all_neighbours() -> None:
    assert (neighbour_overlap(neighbour_sets(gaussian()), neighbour_sets(0.01 * gaussian())) == 1).all()


def test_a_row_outside_the_table_is_named() -> None:
    with pytest.raises(WeightsError, match="no row 60"):
        neighbours(gaussian(), 60)


# -- real tables


@pytest.mark.data
def test_the_official_baby_table_has_eleven_directions_above_noise(official_data: Path) -> None:
    import torch

    table = torch.load(official_data / "baby" / "pretrain.pth", weights_only=True, map_location="cpu")["item_embedding.weight"].numpy()[1:]
    assert collapse.spikes(table)[0] == 11


@pytest.mark.data
def test_the_official_dreamrec_table_has_no_direction_above_noise(official_data: Path) -> None:
    assert collapse.spikes(np.load(official_data / "ml-100k" / "dreamrec_item_table.npy"))[0] == 0
