"""Many seeds and fewer steps, against one trajectory at a time."""

from collections import Counter

import numpy as np
import pytest

from adrec.errors import ConfigError, DataError
from adrec.explain.records import QUANTILES
from adrec.explain.seeds import fewer_steps, seed_sweep, step_counts
from adrec.explain.trajectory import trajectory
from tests.adrec.small import built, plan
from tests.adrec.test_trajectory import HISTORY, model_of

SEEDS = (3, 0, 8, 21)


@pytest.fixture(scope="module")
def alone():
    return [trajectory(model_of(), HISTORY, target=7, seed=s, user=2) for s in SEEDS]


@pytest.fixture(scope="module")
def together():
    return seed_sweep(model_of(), HISTORY, 7, seeds=SEEDS, user=2)


def test_a_batch_of_seeds_equals_one_seed_at_a_time(alone, together):
    assert np.array_equal(together.ranks.T, [w.target_rank for w in alone])
    assert np.array_equal(together.top_ten.transpose(1, 0, 2), [w.top_ten for w in alone])
    assert together.commit_steps.tolist() == [w.commit_step for w in alone]
    assert np.array_equal(together.timesteps, alone[0].timesteps)


def test_fewer_steps_in_a_batch_equal_one_seed_at_a_time(together):
    some = seed_sweep(model_of(), HISTORY, 7, seeds=SEEDS, steps=2)
    walks = [trajectory(model_of(), HISTORY, target=7, seed=s, steps=2) for s in SEEDS]
    assert np.array_equal(some.ranks.T, [w.target_rank for w in walks])


def test_every_rank_in_the_band_belongs_to_a_seed(together):
    assert together.band.shape == (6, len(QUANTILES))
    for band, ranks in zip(together.band, together.ranks, strict=True):
        assert band[0] == ranks.min() and band[-1] == ranks.max() and set(band) <= set(ranks)


def test_shares_count_the_seeds_final_items():
    many = seed_sweep(model_of(), HISTORY, seeds=20)
    last = [trajectory(model_of(), HISTORY, seed=s).top_ten[-1].tolist() for s in range(20)]
    assert dict(many.shares) == {i: n / 20 for i, n in Counter(row[0] for row in last).items()}
    assert dict(many.appearances) == {i: n / 20 for i, n in Counter(i for row in last for i in row).items()}
    assert many.shares[0][1] == max(share for _, share in many.shares) and sum(s for _, s in many.shares) == pytest.approx(1)
    assert many.distinct_lists == len({tuple(sorted(row)) for row in last})
    assert many.distinct_orders == len({tuple(row) for row in last})
    assert many.item == many.shares[0][0] and many.target is None


def test_at_lambda_0_every_seed_gives_the_same_list():
    same = seed_sweep(model_of(noise_weight=0.0), HISTORY, 7, seeds=5)
    assert same.distinct_lists == same.distinct_orders == 1 and (same.band == same.ranks[0, 0]).all()


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_fewer_steps_are_compared_with_all_steps_of_the_same_seed(alone, count):
    (found,) = fewer_steps(model_of(), HISTORY, 7, counts=[count], seeds=SEEDS, user=2)
    for i, (seed, whole) in enumerate(zip(SEEDS, alone, strict=True)):
        walk = trajectory(model_of(), HISTORY, target=7, seed=seed, steps=count, user=2)
        assert found.common[i] == len(set(walk.top_ten[-1]) & set(whole.top_ten[-1]))
        assert found.ranks[i] == walk.target_rank[-1]
    assert count != 6 or (found.common == 10).all()


@pytest.mark.parametrize(("timesteps", "counts"), [(1, [1]), (6, [1, 2, 4, 6]), (32, [1, 2, 4, 8, 16, 32]), (5, [1, 2, 4, 5])])
def test_step_counts_double(timesteps, counts):
    assert step_counts(timesteps) == counts


def test_json_has_the_figures_and_titles(together):
    report = together.to_json(lambda i: f"film {i}")
    assert report["item"] == {"id": 7, "title": "film 7"} and report["band"] == together.band.tolist()
    assert [(e["id"], e["share"]) for e in report["ends_at"]] == together.shares
    assert report["commit_steps"] == together.commit_steps.tolist() and report["distinct_lists"] == together.distinct_lists
    few = fewer_steps(model_of(), HISTORY, 7, counts=[1], seeds=SEEDS)[0]
    assert few.to_json()["common"] == few.common.mean() and few.to_json()["ranks"][0] == few.ranks.min()


def test_an_exception_in_on_step_stops_the_sweep():
    calls = []
    seed_sweep(model_of(), HISTORY, 7, seeds=2, on_step=lambda: calls.append(1))
    assert len(calls) == 2 * 6  # each step is sampled, then ranked
    calls.clear()
    fewer_steps(model_of(), HISTORY, 7, seeds=2, on_step=lambda: calls.append(1))
    assert len(calls) == 6 + 1 + 2 + 4

    def enough():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        seed_sweep(model_of(), HISTORY, 7, seeds=2, on_step=enough)


def test_bad_input_is_refused():
    with pytest.raises(ConfigError, match="No seed given"):
        seed_sweep(model_of(), HISTORY, seeds=0)
    with pytest.raises(DataError, match="history is empty"):
        seed_sweep(model_of(), [])
    with pytest.raises(DataError, match="no reverse process"):
        seed_sweep(built(plan("sasrec")), HISTORY)
    with pytest.raises(ConfigError, match="must be 1 to 6, not 7"):
        fewer_steps(model_of(), HISTORY, counts=[7])
