"""Hubs, decay, popularity in the scores and unused codes, each against tables in which they are known."""

import json

import numpy as np
import pytest

from adrec.collapse import hubs as module
from adrec.collapse.hubs import codes, decay, hubs, more, popularity
from adrec.collapse.semantics import popularity_basis
from adrec.data.dataset import SequenceDataset
from tests.adrec import histories

RNG = np.random.default_rng(0)


def data(items: int = 60, users: int = 120) -> SequenceDataset:
    weights = 1 / np.arange(1, items + 1)
    picks = [np.random.default_rng(u).choice(items, 14, replace=False, p=weights / weights.sum()) + 1 for u in range(users)]
    return histories.dataset(picks, [f"i{i}" for i in range(items)])


def test_random_numbers_have_the_hubs_of_random_numbers() -> None:
    found = hubs(RNG.standard_normal((600, 32)))
    assert found is not None
    assert found["skew"] == pytest.approx(found["skew_null"], abs=0.3) and found["nobody"] < 0.02


def test_a_few_items_near_everything_leave_the_others_nobodys_neighbour() -> None:
    table = RNG.standard_normal((400, 256))
    table[:12] = 0.01 * table[:12] + 1
    table[12:] += 0.5
    found = hubs(table)
    assert found is not None and found["nobody"] > 0.9 and found["skew"] > 3
    assert f"{found['nobody']:.0%} of the items are among nobody's 10 nearest" in found["says"]


def test_in_a_large_table_hubs_are_counted_in_crowds_with_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    table = RNG.standard_normal((1500, 8)) + 2
    monkeypatch.setattr(module, "ALL_ITEMS", 1000)
    monkeypatch.setattr(module, "CROWD", 300)
    found, again = hubs(table), hubs(table)
    assert found is not None and found == again and found["of"] == 300
    assert found["skew_low"] < found["skew"] < found["skew_high"] and "drawn at random" in found["says"]


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_decay_of_a_power_law_is_its_exponent(exponent: float) -> None:
    q = RNG.standard_normal((200, 32))
    q = np.linalg.qr(q - q.mean(axis=0))[0]
    found = decay(q * np.arange(1, 33) ** (-exponent / 2))
    assert found is not None and found["exponent"] == pytest.approx(exponent, abs=0.02) and found["null"] < 0.4


def test_popularity_in_the_scores_is_what_counting_every_score_shows() -> None:
    d, table = data(), RNG.standard_normal((60, 7)) + 0.3
    found = popularity(table, d)
    items = np.flatnonzero(d.popularity[1:] >= 5)
    people = [table[[i - 1 for i in d.train(u) if i - 1 in items]].mean(axis=0) for u in range(d.n_users)]
    scores = np.array(people) @ table[items].T
    scores -= scores.mean(axis=1, keepdims=True)
    basis = popularity_basis(d.popularity[1:][items])[:, 1:]
    assert found is not None
    assert found["share"] == pytest.approx(((scores @ basis) ** 2).sum() / (scores**2).sum())
    assert found["common"] == pytest.approx(len(scores) * (scores.mean(axis=0) ** 2).sum() / (scores**2).sum())


def test_scores_that_are_popularity_follow_it_wholly() -> None:
    d = data()
    table = np.stack([np.log1p(d.popularity[1:]), np.ones(60)], axis=1)
    found = popularity(table, d)
    assert found is not None and found["share"] == pytest.approx(1) and found["common"] > 0.9


def test_codes_are_counted_and_numbers_are_no_codes() -> None:
    table = np.stack([np.arange(64) % 50, np.arange(64) % 2], axis=1)
    found = codes(table)
    assert found is not None and found["size"] == 64 and found["used"] == [50, 2] and found["perplexity"][1] == pytest.approx(2)
    assert found["shared"] == pytest.approx(28 / 64)
    assert codes(RNG.standard_normal((64, 2))) is None and codes(-table) is None and codes(np.zeros((64, 2))) is None
    assert codes(np.tile(table, (1, 20))) is None


def test_what_cannot_be_said_is_none_and_the_rest_is_json() -> None:
    small = more(RNG.standard_normal((5, 2)))
    assert small == {"hubs": None, "decay": None, "popularity": None, "codes": None}
    zeros = more(np.zeros((60, 7)), data())
    assert zeros["popularity"] is None
    for found in (zeros, more(RNG.standard_normal((60, 7)).astype(np.float16), data())):
        json.dumps(found, allow_nan=False)
