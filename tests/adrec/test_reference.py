"""Meaning as a share of what a plain factorisation of the same interactions reaches on held-out items."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from scipy.sparse.linalg import ArpackNoConvergence

from adrec.collapse import reference
from adrec.collapse.cooccurrence import Cooccurrence
from adrec.collapse.kinds import REMEDIES
from adrec.collapse.reference import Meaning, Questions, factorisation, meaning
from adrec.collapse.verdict import Verdict, diagnose
from adrec.data.dataset import SequenceDataset
from adrec.data.named import synthetic
from tests.adrec import histories
from tests.adrec.verdict_fixtures import planted


@lru_cache
def world() -> tuple[SequenceDataset, np.ndarray]:
    data = synthetic.generate(items=400, users=800, seed=3)
    return data, data.items.frame["cluster"].to_numpy().astype(int) - 1


def of(table: np.ndarray) -> Meaning:
    found = meaning(table, world()[0])
    assert found is not None
    return found


def reached() -> np.ndarray:
    """The factorisation as a table of all items."""
    data, _ = world()
    items = np.flatnonzero(data.popularity[1:] >= 5)
    table = np.zeros((data.n_items, reference.WIDTH))
    table[items] = factorisation(data, items)
    return table


def test_the_factorisation_itself_reaches_one() -> None:
    found = of(reached())
    assert (found.share, found.low, found.high) == pytest.approx((1, 1, 1)) and found.value > 0.5


def test_random_tables_reach_nothing_and_their_intervals_say_so() -> None:
    found = [of(np.random.default_rng(seed).standard_normal((400, 16))) for seed in range(20)]
    assert abs(np.mean([m.share for m in found])) < 0.02
    assert sum(m.low <= 0 <= m.high for m in found) >= 18


def test_the_more_of_a_table_is_signal_the_more_it_reaches() -> None:
    shares = [of(planted(world()[1], 32, signal, 0)).share for signal in (0.0, 0.1, 0.3, 0.9)]
    assert shares == sorted(shares) and shares[0] < 0.1 and shares[-1] > 3 * shares[1]


def test_rows_in_another_order_reach_nothing() -> None:
    table = reached()[np.random.default_rng(0).permutation(400)]
    assert abs(of(table).share) < 0.1


def test_turning_scaling_and_moving_a_table_changes_nothing() -> None:
    table = planted(world()[1], 16, 0.4, 0)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))[0]
    assert of(1e-6 * (table @ turn + 3)).share == pytest.approx(of(table).share)


def test_the_interval_holds_what_other_users_show() -> None:
    data, clusters = world()
    table = planted(clusters, 16, 0.3, 0)
    found = meaning(table, data)
    half = replace(data, val=np.where(np.arange(data.n_users) % 2, data.val, 0), test=np.where(np.arange(data.n_users) % 2, data.test, 0))
    other = meaning(table, half)
    assert found is not None and other is not None
    assert found.low < other.share < found.high and other.high - other.low > found.high - found.low


def test_only_items_before_the_held_out_one_are_asked_and_never_the_item_itself() -> None:
    rng = np.random.default_rng(0)
    everyone = [[1, 2, 3, 4, 5, 6, 7, 2]] + [[*rng.permutation(np.arange(1, 31))] for _ in range(40)]
    asked = Questions.of(histories.dataset(everyone, [f"i{i}" for i in range(30)]))
    assert asked is not None and len(asked.following) == 82
    ids = np.where(asked.recent >= 0, asked.items[asked.recent] + 1, 0)
    assert asked.items[asked.following[0]] + 1 == 7 and ids[0].tolist() == [6, 5, 4, 3, 2]
    assert asked.items[asked.following[41]] + 1 == 2 and ids[41].tolist() == [7, 6, 5, 4, 3]
    assert not (asked.recent == asked.following[:, None]).any()


def test_without_structure_in_the_interactions_nothing_is_said() -> None:
    rng = np.random.default_rng(0)
    random = histories.dataset([rng.integers(1, 101, 12) for _ in range(200)], [f"i{i}" for i in range(100)])
    few = histories.dataset([rng.integers(1, 31, 30) for _ in range(20)], [f"i{i}" for i in range(30)])
    rare = histories.dataset([rng.integers(1, 3001, 12) for _ in range(200)], [f"i{i}" for i in range(3000)])
    for data in (random, few, rare):
        assert meaning(rng.standard_normal((data.n_items, 8)), data) is None


def test_a_table_of_zeros_reaches_nothing() -> None:
    assert of(np.zeros((400, 8))).share == 0


def test_the_reference_of_the_same_interactions_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = of(reached())
    monkeypatch.setattr(reference, "factorisation", lambda data, items: pytest.fail("computed again"))
    assert meaning(reached(), replace(world()[0], name="other")) == first


@pytest.mark.parametrize("dense", [0, 1000])
def test_equally_strong_directions_are_found_alike_each_time(dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "DENSE", dense)
    groups = histories.dataset([np.roll(np.arange(10), u // 6) + 1 + u % 6 * 10 for u in range(120)], [f"i{i}" for i in range(60)])
    first, again = (factorisation(groups, np.arange(60)) for _ in range(2))
    unit = first / np.linalg.norm(first, axis=1, keepdims=True)
    np.testing.assert_allclose(first @ first.T, again @ again.T, atol=0.2)
    assert (unit @ unit.T)[:10, :10].min() > (unit @ unit.T)[:10, 10:].max()


def test_a_vector_that_does_not_converge_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(*_: object, **__: object) -> None:
        raise ArpackNoConvergence("no", np.ones(2), np.ones((400, 2)))

    monkeypatch.setattr(reference, "eigsh", gives_up)
    monkeypatch.setattr(reference, "DENSE", 0)
    assert factorisation(world()[0], np.arange(400)).shape == (400, 2)


def test_the_sentence_has_the_share_and_its_interval() -> None:
    said = Meaning(0.954, 0.91, 0.993, 0.4, 0.42, 100).says
    assert "reaches 0.95 (0.91 to 0.99) of what a plain factorisation of the same interactions reaches" in said
    assert "reaches 0.00 (-0.05 to 0.04)" in Meaning(-0.001, -0.05, 0.04, 0.0, 0.42, 100).says


def test_a_low_rank_table_that_reaches_much_of_a_factorisation_is_in_doubt_unless_its_rows_are_equal() -> None:
    data, clusters = world()
    near = Cooccurrence.from_dataset(data)
    rank_two = np.random.default_rng(0).standard_normal((400, 2)) @ np.random.default_rng(1).standard_normal((2, 64))
    verdict = diagnose(rank_two, cooccurrence=near)
    much, little = (Meaning(share, share - 0.05, share + 0.05, 1.0, 1.1, 800) for share in (0.94, 0.02))
    assert verdict.kind == "low-rank" and verdict.weighed(little).confidence == pytest.approx(verdict.confidence, abs=0.01)
    doubted = verdict.weighed(much)
    assert doubted.confidence == 0.5 and "they mean something: the table reaches 0.94 (0.89 to 0.99) of what" in doubted.says
    assert "may well be concentrated" in doubted.undecided[0] and doubted.weighed(much) == doubted
    assert doubted.core in doubted.says and Verdict.from_json(doubted.to_json(), doubted.facts).core == doubted.core
    equal = diagnose(planted(clusters, 64, 1.0, 0, 2), cooccurrence=near)
    assert equal.kind == "low-rank" and equal.weighed(much).confidence == equal.confidence
    assert all(v.weighed(much).value("meaning_share") == 0.94 for v in (verdict, equal))


def test_what_a_table_means_overrules_how_close_its_items_lie() -> None:
    data, clusters = world()
    near = Cooccurrence.from_dataset(data)
    much, some, little = (Meaning(share, share - 0.05, share + 0.05, 1.0, 1.1, 800) for share in (0.9, 0.4, 0.1))
    healthy = diagnose(planted(clusters, 64, 0.5, 0), cooccurrence=near)
    assert healthy.kind in ("healthy", "concentrated") and healthy.weighed(much).kind == healthy.weighed(some).kind == healthy.kind
    weak = healthy.weighed(little)
    assert (weak.kind, weak.instead) == ("weakly-learned", healthy.kind)
    assert "reaches 0.10 (0.05 to 0.15) of what a plain factorisation" in weak.says
    assert weak.next_steps == REMEDIES["weakly-learned"] and healthy.core not in weak.says
    again = replace(weak, evidence=healthy.evidence).weighed(much)
    assert again.kind == healthy.kind and again.confidence <= weak.confidence and weak.weighed(much) == weak
    for verdict in (healthy, replace(weak, evidence=healthy.evidence)):
        nothing = verdict.weighed(replace(little, low=-0.01))
        assert nothing.kind == "weakly-learned" and nothing.confidence == 0.5 and "Whether anything has been learnt" in nothing.undecided[0]


def test_a_heavy_column_keeps_the_share_from_overruling() -> None:
    data, clusters = world()
    table = np.c_[planted(clusters, 64, 0.5, 0), 100 * np.random.default_rng(0).standard_t(2, 400)]
    verdict = replace(diagnose(table, cooccurrence=Cooccurrence.from_dataset(data)), kind="healthy")
    assert "heavy-column" in [f.code for f in verdict.facts]
    assert verdict.weighed(Meaning(0.1, 0.05, 0.15, 1.0, 1.1, 800)).kind == "healthy"


def test_a_share_near_its_line_is_not_sure() -> None:
    data, clusters = world()
    healthy = diagnose(planted(clusters, 64, 0.5, 0), cooccurrence=Cooccurrence.from_dataset(data))
    for share, kind in ((0.19, "weakly-learned"), (0.21, healthy.kind)):
        weighed = healthy.weighed(Meaning(share, share - 0.05, share + 0.05, 1.0, 1.1, 800))
        assert weighed.kind == kind and weighed.confidence < 0.7 < healthy.confidence
