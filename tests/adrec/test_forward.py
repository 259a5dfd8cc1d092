"""The forward process in figures, against the plain formulas."""

import numpy as np
import pytest

from adrec.diffusion import Diffusion
from adrec.errors import DataError
from adrec.explain.forward_process import noise_levels, noised, schedule

DIFFUSION = Diffusion.from_schedule("trunc_lin", 8)


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.3, (41, 24)).astype(np.float32)


def test_weights_and_their_ratio_follow_from_alpha_bar():
    found = schedule(DIFFUSION)
    np.testing.assert_allclose(found.signal**2 + found.noise**2, 1)
    np.testing.assert_allclose(found.snr, found.signal**2 / found.noise**2)
    assert (np.diff(found.snr) < 0).all()


def test_an_item_is_lost_as_t_grows_just_as_a_slow_computation_finds(table):
    import torch

    found, draws = noised(table, 7, DIFFUSION, seed=3, draws=50), 50
    eps = torch.randn(draws, 24, generator=torch.Generator().manual_seed(3)).numpy()
    for t, kept in enumerate(DIFFUSION.alpha_bar):
        cosines, ranks = [], []
        for draw in eps:
            x = np.sqrt(kept) * table[7] + np.sqrt(1 - kept) * draw
            similar = [float(x @ row / np.linalg.norm(x) / np.linalg.norm(row)) for row in table[1:]]
            cosines.append(similar[6])
            ranks.append(1 + sum(s > similar[6] for s in similar))
        assert found.cosine[t] == pytest.approx(np.mean(cosines), abs=1e-5)
        assert found.found[t] == pytest.approx(np.mean(np.array(ranks) == 1)) and found.rank[t] == np.median(ranks)
    assert found.cosine[0] > found.cosine[-1] and found.found[0] > found.found[-1]


def test_the_items_own_signal_to_noise_is_that_of_its_parts(table):
    found = noised(table, 7, DIFFUSION)
    kept = DIFFUSION.alpha_bar[2]
    eps = np.random.default_rng(1).normal(size=(4000, 24))
    power = ((np.sqrt(1 - kept) * eps) ** 2).sum(axis=1).mean()
    assert found.snr[2] == pytest.approx((kept * table[7] ** 2).sum() / power, rel=0.03)


def test_noise_levels_are_per_token_per_sequence_or_for_the_last_alone():
    found = noise_levels(30, DIFFUSION, seed=2)
    assert len(set(found["token"])) > 1 and len(set(found["sequence"])) == 1 and found["start"].tolist() == [-1] * 29 + [7]
    assert all(((found[k] >= 0) & (found[k] < 8)).all() for k in ("token", "sequence"))


def test_an_unknown_item_is_refused(table):
    with pytest.raises(DataError, match="ids go from 1 to 40"):
        noised(table, 41, DIFFUSION)
