"""The nulls against tables that are really drawn and rows that are really permuted."""

import numpy as np
import pytest

from adrec.collapse import nulls, semantics
from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.moments import Moments
from adrec.collapse.nulls import PairSums, bulk_distance, correlation_spectrum, gaussian_null, permuted_columns, permuted_rows
from adrec.collapse.semantics import Neighbourhood, Rows, alignment, overlap, pair_sums
from adrec.maps.tables import unit_rows
from tests.adrec import histories


def spectrum(table: np.ndarray) -> np.ndarray:
    return correlation_spectrum(table, Moments.from_table(table))


def centred(table: np.ndarray) -> Rows:
    return Rows(table, Moments.from_table(table), np.full((len(table), 1), len(table) ** -0.5))


@pytest.mark.parametrize(("items", "width"), [(300, 20), (12, 20)])
def test_the_gaussian_null_is_that_of_drawn_tables(items: int, width: int) -> None:
    rng = np.random.default_rng(5)
    lam = [spectrum(rng.standard_normal((items, width))) for _ in range(400)]
    null = gaussian_null(items, width, draws=400)
    assert null.largest.mean() == pytest.approx(np.mean([x[0] for x in lam]), rel=0.025)
    assert null.distance.mean() == pytest.approx(np.mean([bulk_distance(x, items, width) for x in lam]), rel=0.06)


def test_the_correlation_spectrum_is_that_of_numpys_correlations() -> None:
    table = np.random.default_rng(0).standard_normal((50, 6)) * np.arange(1, 7)
    assert spectrum(table) == pytest.approx(np.linalg.eigvalsh(np.corrcoef(table.T))[::-1])


@pytest.mark.parametrize(("items", "width"), [(4000, 200), (200, 300)])
def test_a_large_gaussian_table_lies_on_the_marchenko_pastur_law(items: int, width: int) -> None:
    table = np.random.default_rng(1).standard_normal((items, width))
    assert bulk_distance(spectrum(table), items, width) < 0.02


def test_a_planted_direction_moves_the_spectrum_off_the_law() -> None:
    rng = np.random.default_rng(1)
    table = rng.standard_normal((400, 20)) + 3 * rng.standard_normal((400, 1)) * rng.standard_normal(20)
    assert bulk_distance(spectrum(table), 400, 20) > 5 * gaussian_null(400, 20).line("distance", 4)


def test_the_null_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    gaussian_null.cache_clear()
    first = gaussian_null(60, 8, seed=1).largest
    gaussian_null.cache_clear()
    assert np.array_equal(first, gaussian_null(60, 8, seed=1).largest) and not np.array_equal(first, gaussian_null(60, 8, seed=2).largest)


def test_shuffled_columns_of_a_correlated_table_pass_no_line() -> None:
    rng = np.random.default_rng(2)
    table = rng.standard_normal((300, 3)) @ rng.standard_normal((3, 20))
    assert permuted_columns(table, 4.0) == (0.0, 0.0)


def test_shuffled_columns_allow_for_entries_of_a_few_rows_that_dwarf_the_rest() -> None:
    table = np.random.default_rng(3).standard_normal((100, 20))
    table[0] *= 1e4
    assert permuted_columns(table, 4.0)[1] >= 0.0 and spectrum(table)[0] > 15


def test_permuted_rows_have_the_moments_of_all_permutations_drawn() -> None:
    rng = np.random.default_rng(4)
    a, b = (np.triu(rng.random((12, 12)) * (rng.random((12, 12)) < 0.4), 1) for _ in range(2))
    a, b = a + a.T, b + b.T
    sums = [PairSums(12, x.sum(), (x**2).sum(), (x.sum(axis=1) ** 2).sum()) for x in (a, b)]
    drawn = []
    for _ in range(20_000):
        p = rng.permutation(12)
        drawn.append((a * b[np.ix_(p, p)]).sum())
    mean, spread = permuted_rows(*sums)
    assert mean == pytest.approx(np.mean(drawn), rel=0.01) and spread == pytest.approx(np.std(drawn), rel=0.03)


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, Cooccurrence]:
    rng = np.random.default_rng(6)
    read = [rng.integers(0, 40, 8) // 2 * 2 + rng.integers(0, 2, 8) for _ in range(30)]
    return rng.standard_normal((40, 6)) + 0.5 * rng.standard_normal(6), histories.cooccurrence(read, 40)


def test_alignment_against_rows_really_permuted(small: tuple[np.ndarray, Cooccurrence]) -> None:
    table, pairs = small
    found = alignment(centred(table), pairs.pairs)
    rng = np.random.default_rng(7)
    drawn = [centred(table[rng.permutation(40)]).mean_cosine(pairs.pairs) for _ in range(1000)]
    assert found.spread == pytest.approx(np.std(drawn), rel=0.08) and found.null == pytest.approx(np.mean(drawn), abs=0.003)


def test_overlap_against_rows_really_permuted(small: tuple[np.ndarray, Cooccurrence]) -> None:
    table, pairs = small
    found = overlap(Neighbourhood.from_rows(centred(table), 0), pairs)
    rng = np.random.default_rng(8)
    drawn = [overlap(Neighbourhood.from_rows(centred(table[rng.permutation(40)]), 0), pairs).value for _ in range(300)]
    assert found.null == pytest.approx(np.mean(drawn), rel=0.02) and found.spread == pytest.approx(np.std(drawn), rel=0.15)


def test_neighbours_found_block_by_block_are_those_of_a_full_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.random.default_rng(9).standard_normal((700, 5))
    monkeypatch.setattr("adrec.collapse.semantics.ALL_ROWS", 100)
    monkeypatch.setattr("adrec.collapse.semantics.SAMPLED_ROWS", 90)
    monkeypatch.setattr("adrec.collapse.semantics.SCORES", 90 * 64)
    found = Neighbourhood.from_rows(centred(table), 3)
    unit = table - table.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    scores = unit[found.queries] @ unit.T
    scores[np.arange(90), found.queries] = -2
    assert np.array_equal(found.rows, np.argsort(-scores, axis=1)[:, :10])


def test_the_sums_of_pairs_are_those_of_their_matrix() -> None:
    pairs = np.array([[0, 1], [0, 2], [3, 4]])
    found = pair_sums(pairs, 5)
    assert (found.total, found.squares, found.row_squares) == (6, 6, 4 + 1 + 1 + 1 + 1)


def test_neighbours_are_the_same_however_many_cosines_are_looked_through_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.random.default_rng(7).standard_normal((500, 16)).repeat(2, axis=0)  # twins, so that cosines are equal
    table += 0.1 * np.random.default_rng(8).integers(2, size=(1000, 1))
    plain = np.argsort(-(unit_rows(table - table.mean(axis=0)) @ unit_rows(table - table.mean(axis=0)).T - 9 * np.eye(1000)), axis=1)[:, 0]
    every = []
    for scores, near in ((2**24, 2**24), (2**24, 7_000), (200_000, 5_000)):
        monkeypatch.setattr(semantics, "SCORES", scores)
        monkeypatch.setattr(semantics, "NEAR_SCORES", near)
        every.append(Neighbourhood.from_rows(centred(table), 0).rows)
    assert all(np.array_equal(every[0], found) for found in every) and (every[0][:, 0] == plain).mean() > 0.9


def test_columns_are_shuffled_alike_for_every_table_of_a_shape() -> None:
    rng, columns = np.random.default_rng([5, 3]), np.random.default_rng(9).standard_normal((4, 30))
    for order in nulls._shuffles(4, 30, 3, 5):
        assert np.array_equal(np.take_along_axis(columns, order, axis=1), rng.permuted(columns, axis=1))
