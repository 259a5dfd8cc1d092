"""Spectra in their views with noise's band, and single directions: what they hold and what the table and the ranking are without them."""

import numpy as np
import pytest
import torch

from adrec.collapse.directions import direction, popularity_correlation, without
from adrec.collapse.measures import singular_values, spike_threshold, spikes
from adrec.collapse.replaced import difference, evaluate_table, some_users
from adrec.collapse.spectra import VIEWS, bulk, energy, null_band, spectrum
from adrec.data.named import synthetic
from adrec.errors import ConfigError, DataError, WeightsError
from adrec.evaluation import evaluate
from tests.adrec.small import built, plan

V, D = 300, 16
RNG = np.random.default_rng(5)
TABLE = RNG.standard_normal((V, D)) * np.linspace(3, 0.2, D) + 2 * RNG.standard_normal(D)


@pytest.mark.parametrize("view", VIEWS)
def test_a_spectrum_forgets_the_scale(view: str) -> None:
    np.testing.assert_allclose(spectrum(TABLE * 50, view), spectrum(TABLE, view), rtol=1e-9)


def test_only_the_raw_view_sees_a_common_offset() -> None:
    moved = TABLE + 40 * np.ones(D)
    np.testing.assert_allclose(spectrum(moved, "centred"), spectrum(TABLE, "centred"), rtol=1e-9)
    np.testing.assert_allclose(spectrum(moved, "standardised"), spectrum(TABLE, "standardised"), rtol=1e-9)
    assert energy(spectrum(moved, "raw"), "raw")[0] > 0.97 > 0.9 > energy(spectrum(TABLE, "raw"), "raw")[0]


def test_standardised_values_are_the_eigenvalues_of_the_correlation_matrix() -> None:
    np.testing.assert_allclose(spectrum(TABLE, "standardised"), np.linalg.eigvalsh(np.corrcoef(TABLE.T))[::-1], rtol=1e-9)


def test_energy_is_the_share_of_the_variance_in_the_first_directions() -> None:
    _, _, axes = np.linalg.svd(TABLE - TABLE.mean(axis=0))
    expected = ((TABLE - TABLE.mean(axis=0)) @ axes[:3].T).var(axis=0).sum() / TABLE.var(axis=0).sum()
    assert energy(spectrum(TABLE))[2] == pytest.approx(expected) and energy(spectrum(TABLE))[-1] == pytest.approx(1)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("shape", [(V, D), (12, 20)])
def test_the_band_holds_tables_of_noise_drawn_entry_by_entry(view: str, shape: tuple[int, int]) -> None:
    low, _, high = null_band(*shape, view, draws=1000)
    tables = (np.random.default_rng(seed).standard_normal(shape) for seed in range(60))
    inside = np.array([(spectrum(t, view) >= low - 1e-9) & (spectrum(t, view) <= high + 1e-9) for t in tables])
    assert inside.mean() > 0.9 and low.shape == (min(shape),)


def test_the_bands_middle_is_the_mean_spectrum_of_noise() -> None:
    rng = np.random.default_rng(1)
    mean = np.mean([singular_values(rng.standard_normal((V, D))) for _ in range(200)], axis=0)
    np.testing.assert_allclose(null_band(V, D, "centred")[1], mean / np.sqrt((mean**2).mean()), rtol=0.01)


def test_noise_fills_the_bulk_and_a_signal_leaves_it() -> None:
    low, high = bulk(3000, 60)
    noise = np.random.default_rng(0).standard_normal((3000, 60))
    values = spectrum(noise, "standardised")
    assert low == pytest.approx(values[-1], rel=0.05) and high == pytest.approx(values[0], rel=0.05)
    signal = spectrum(noise + 1.5 * noise[:, :1], "standardised")
    assert (signal > spike_threshold(3000, 60)).sum() == spikes(noise + 1.5 * noise[:, :1])[0] >= 1


@pytest.mark.parametrize("view", VIEWS)
def test_all_directions_together_are_the_table(view: str) -> None:
    found = [direction(TABLE, k, view) for k in range(1, D + 1)]
    mean = 0 if view == "raw" else TABLE.mean(axis=0)
    np.testing.assert_allclose(mean + sum(np.outer(d.loadings, d.pattern) for d in found), TABLE, atol=1e-9)
    np.testing.assert_allclose(np.cumsum([d.energy for d in found]), energy(spectrum(TABLE, view), view), rtol=1e-9)


@pytest.mark.parametrize("view", VIEWS)
def test_a_direction_that_is_switched_off_is_gone_and_the_others_stay(view: str) -> None:
    rest = without(TABLE, direction(TABLE, 2, view))
    if view == "standardised":  # its own columns' scale changes with it
        assert np.linalg.matrix_rank(rest - rest.mean(axis=0)) == D - 1
    else:
        before, after = singular_values(TABLE, view == "centred"), singular_values(rest, view == "centred")
        np.testing.assert_allclose(after, np.append(np.delete(before, 1), 0), atol=1e-9)
    if view != "raw":
        np.testing.assert_allclose(rest.mean(axis=0), TABLE.mean(axis=0), atol=1e-9)


def test_the_ends_are_the_items_with_the_most_extreme_loadings() -> None:
    found = direction(TABLE, 1)
    low, high = found.ends(3)
    assert found.loadings[high[0]] == found.loadings.max() >= -found.loadings.min() and found.loadings[low[0]] == found.loadings.min()
    assert set(high) == set(np.argsort(found.loadings)[-3:])


def test_a_popularity_axis_is_found_as_one() -> None:
    counts = np.random.default_rng(1).integers(1, 500, V)
    table = np.random.default_rng(2).standard_normal((V, D)) * 0.1
    table[:, 3] += np.log1p(counts)
    assert abs(popularity_correlation(direction(table, 1).loadings, counts) or 0) > 0.99
    assert popularity_correlation(direction(table, 1).loadings, np.full(V, 7)) is None


@pytest.mark.parametrize("number", [0, D + 1, -1])
def test_a_direction_that_is_not_there_is_named(number: int) -> None:
    with pytest.raises(WeightsError, match=f"no direction {number} in a table of shape .*must be 1 to {D}"):
        direction(TABLE, number)


def test_an_unknown_view_is_named() -> None:
    with pytest.raises(ConfigError, match="Unknown view 'x' of a spectrum; must be one of centred, raw, standardised"):
        spectrum(TABLE, "x")


# -- ranking ------------------------------------------------------------------------------------------------------

DATA = synthetic.generate(items=60, users=80)
MODEL = built(plan("sasrec", hidden_size=8, heads=2, length=10))


def test_the_models_own_table_gives_its_own_ranks() -> None:
    own = MODEL.item_embedding.weight[1:].numpy().copy()
    np.testing.assert_array_equal(evaluate_table(MODEL, DATA, own).ranks, evaluate(MODEL, DATA, "val").ranks)


def test_a_table_of_equal_items_ranks_every_answer_last_and_leaves_the_model_alone() -> None:
    before = MODEL.item_embedding.weight.clone()
    ranks = evaluate_table(MODEL, DATA, np.ones((60, 8))).ranks
    assert (ranks >= 60).all() and torch.equal(MODEL.item_embedding.weight, before)


def test_a_table_of_another_shape_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"shape \(61, 8\) does not fit the model; must be \(60, 8\)"):
        evaluate_table(MODEL, DATA, np.ones((61, 8)))


def test_a_sample_of_users_keeps_their_histories_and_answers() -> None:
    part = some_users(DATA, 20, seed=3)
    assert part.n_users == 20 and part.n_items == 60
    for place, user_id in enumerate(part.user_ids):
        user = DATA.position(user_id)
        np.testing.assert_array_equal(part.train(place), DATA.train(user))
        assert (part.val[place], part.test[place]) == (DATA.val[user], DATA.test[user])


def test_all_users_are_no_sample_and_none_are_refused() -> None:
    assert some_users(DATA, 80) is DATA
    with pytest.raises(DataError, match="users to draw must be at least 1, not 0"):
        some_users(DATA, 0)


def test_a_difference_counts_users_that_were_won_and_lost() -> None:
    found = difference(np.array([1, 10, 11, 50, 3, 9]), np.array([11, 12, 10, 50, 3, 99]))
    assert (found.before, found.after, found.won, found.lost) == (4 / 6, 2 / 6, 1, 3)
    assert found.chance == pytest.approx(2 * (1 + 4) / 2**4)
