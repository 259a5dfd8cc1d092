"""Tables with more columns than rows: the same numbers as by the obvious formulas, in memory of the table's own size."""

import tracemalloc

import numpy as np
import pytest
from sklearn.decomposition import PCA

from adrec.collapse.dials import dial
from adrec.collapse.directions import direction
from adrec.collapse.measures import isotropy, official_measures, table_report
from adrec.collapse.moments import Moments
from adrec.collapse.nulls import correlation_spectrum, wishart_spectrum
from adrec.collapse.semantics import Rows
from adrec.collapse.spectra import null_band
from adrec.collapse.verdict import diagnose
from adrec.maps.projection import pca_map
from tests.adrec import histories

V, D = 12, 40
TABLE = np.random.default_rng(0).standard_normal((V, D)) * np.arange(1, D + 1) + 1
CENTRED = TABLE - TABLE.mean(axis=0)
MEGABYTE = 2**20


def test_verdict_and_report_of_a_wide_table_need_no_matrix_of_width_by_width() -> None:
    table = np.random.default_rng(1).standard_normal((4, 30_000)).astype(np.float32)  # width by width: 7 GB
    pairs = histories.cooccurrence([np.arange(4)] * 6, 4)
    tracemalloc.start()
    try:
        table_report("wide", table)
        diagnose(table, cooccurrence=pairs, initial=table, before=table)
        pca_map({"a": table, "b": table + 1})
        direction(table, 1)
        dial(table, "rank", 0.5)
        null_band(4, 30_000, "standardised", draws=3)
        assert tracemalloc.get_traced_memory()[1] < 64 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_moments_of_a_wide_table_are_those_of_the_whole_scatter() -> None:
    moments = Moments.from_table(TABLE)
    lam = np.linalg.eigvalsh(CENTRED.T @ CENTRED)[::-1][: V - 1]
    assert moments.spectrum * moments.scale**2 == pytest.approx(lam)
    assert moments.std == pytest.approx(TABLE.std())
    mean = TABLE.mean(axis=0)
    assert moments.offset == pytest.approx(mean @ mean / (TABLE**2).sum(axis=1).mean())


def test_the_strongest_direction_of_a_wide_table_is_that_of_its_singular_vectors() -> None:
    u, s, vt = np.linalg.svd(CENTRED, full_matrices=False)
    moments = Moments.from_table(TABLE)
    assert np.abs(moments.leading_scores(TABLE)) * moments.scale == pytest.approx(np.abs(u[:, 0] * s[0]))
    found = direction(TABLE, 2)
    assert np.abs(found.pattern) == pytest.approx(np.abs(vt[1])) and found.energy == pytest.approx(s[1] ** 2 / (s**2).sum())


def test_the_correlation_spectrum_of_a_wide_table_is_that_of_numpys_correlations() -> None:
    expected = np.linalg.eigvalsh(np.corrcoef(TABLE.T))[::-1][: V - 1]
    assert correlation_spectrum(TABLE, Moments.from_table(TABLE)) == pytest.approx(expected)


def test_a_constant_column_of_a_wide_table_counts_as_zeros() -> None:
    table = np.hstack([TABLE, np.full((V, 1), 7.0)])
    assert correlation_spectrum(table, Moments.from_table(table)) == pytest.approx(correlation_spectrum(TABLE, Moments.from_table(TABLE)))


def test_cosines_of_a_wide_table_are_those_of_its_centred_rows() -> None:
    basis = np.linalg.qr(np.stack([np.ones(V), np.arange(V)], axis=1))[0]
    rows = Rows(TABLE, Moments.from_table(TABLE), basis)
    unit = CENTRED / np.linalg.norm(CENTRED, axis=1, keepdims=True)
    left = unit - np.outer(basis[:, 1], basis[:, 1] @ unit)
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    found = rows.unit(slice(None))
    assert found @ found.T == pytest.approx(left @ left.T)


def test_isotropy_of_a_wide_table_is_over_all_eigenvectors() -> None:
    table = TABLE / 50
    z = np.exp(table @ np.linalg.eigh(table.T @ table)[1])
    sums = np.concatenate([z.sum(axis=0), (1 / z).sum(axis=0)])
    assert isotropy(table) == pytest.approx(sums.min() / sums.max())


def test_the_official_measures_of_a_wide_table_are_those_of_its_whole_covariance() -> None:
    covariance = np.cov(CENTRED / CENTRED.std(axis=0), rowvar=False)
    found = official_measures(TABLE)
    assert found["isotropy"] == 0
    assert found["kl_gaussian"] == pytest.approx(0.5 * (np.trace(covariance) - D - np.log(1e-9)))


def test_the_map_of_wide_tables_is_that_of_principal_components() -> None:
    linear = pca_map({"a": TABLE})
    pca = PCA(2).fit(TABLE)
    assert np.abs(linear.components) == pytest.approx(np.abs(pca.components_))
    assert linear.explained["a"] == pytest.approx(pca.explained_variance_ratio_.sum())


def test_the_dial_of_the_rank_leaves_a_wide_table_its_strongest_directions() -> None:
    u, s, vt = np.linalg.svd(CENTRED, full_matrices=False)
    assert dial(TABLE, "rank", 1.0) == pytest.approx(TABLE.mean(axis=0) + s[0] * np.outer(u[:, 0], vt[0]))


@pytest.mark.parametrize(("rows", "width"), [(30, 7), (7, 30), (9, 9), (1, 5)])
def test_drawn_wishart_spectra_are_those_of_gaussian_tables(rows: int, width: int) -> None:
    rng = np.random.default_rng(2)
    drawn = np.mean([wishart_spectrum(rng, rows, width) for _ in range(4000)], axis=0)
    real = [np.linalg.svd(rng.standard_normal((rows, width)), compute_uv=False) ** 2 for _ in range(4000)]
    assert drawn == pytest.approx(np.mean(real, axis=0), rel=0.06, abs=0.02)
