"""Pairs of items within five positions, against a slow and obvious count."""

import numpy as np
import pytest

from adrec.collapse import cooccurrence
from adrec.collapse.cooccurrence import Cooccurrence
from adrec.data.dataset import SequenceDataset
from tests.adrec import histories


def slowly(data: SequenceDataset) -> set[tuple[int, int]]:
    found = set()
    for user in range(data.n_users):
        history = (data.train(user) - 1).tolist()
        for i, first in enumerate(history):
            found |= {(min(first, second), max(first, second)) for second in history[i + 1 : i + 6] if second != first}
    return found


def test_the_pairs_are_those_within_five_positions_of_a_training_history(tiny_data: SequenceDataset) -> None:
    pairs = Cooccurrence.from_dataset(tiny_data).pairs
    assert len(pairs) == len(slowly(tiny_data)) and set(map(tuple, pairs.tolist())) == slowly(tiny_data)


def test_each_pair_is_counted_once_and_in_order_however_often_it_occurs() -> None:
    rng = np.random.default_rng(0)
    data = histories.dataset([rng.integers(1, 13, rng.integers(3, 30)) for _ in range(200)], [f"i{i}" for i in range(12)])
    assert Cooccurrence.from_dataset(data).pairs.tolist() == [list(pair) for pair in sorted(slowly(data))]


def test_popularity_counts_training_occurrences(tiny_data: SequenceDataset) -> None:
    assert Cooccurrence.from_dataset(tiny_data).popularity.tolist() == tiny_data.popularity[1:].tolist()


def test_no_pair_crosses_from_one_user_to_the_next() -> None:
    assert histories.cooccurrence([[0, 1], [2, 3], [], [4]], 5).pairs.tolist() == [[0, 1], [2, 3]]


def test_a_repeated_item_is_no_pair_with_itself() -> None:
    assert histories.cooccurrence([[1, 1, 0, 1]], 2).pairs.tolist() == [[0, 1]]


def test_six_positions_apart_is_too_far() -> None:
    pairs = histories.cooccurrence([range(7)], 7)
    assert not pairs.contains(0, 6) and pairs.contains(1, 6)


def test_contains_takes_pairs_in_either_order() -> None:
    pairs = histories.cooccurrence([[3, 1]], 4)
    assert pairs.contains([3, 1, 0], [1, 3, 1]).tolist() == [True, True, False]


def test_no_histories_give_no_pairs() -> None:
    none = histories.cooccurrence([], 3)
    assert none.pairs.shape == (0, 2) and not none.contains([0], [1]).any()


def test_a_part_of_the_items_is_renumbered() -> None:
    part = histories.cooccurrence([[0, 2, 4], [4, 1]], 5).among(np.array([2, 4]))
    assert part.pairs.tolist() == [[0, 1]] and part.popularity.tolist() == [1, 2]


def test_large_data_are_thinned_to_a_stated_share_of_the_users(tiny_data: SequenceDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cooccurrence, "MOST_INTERACTIONS", len(tiny_data.train_items) // 4)
    part = Cooccurrence.from_dataset(tiny_data)
    read = [tiny_data.train(user) - 1 for user in range(0, tiny_data.n_users, 5)]
    every = set(map(tuple, histories.cooccurrence(read, 60).pairs.tolist()))
    assert part.share == pytest.approx(1 / 5) and set(map(tuple, part.pairs.tolist())) <= slowly(tiny_data)
    assert part.popularity.tolist() == tiny_data.popularity[1:].tolist() and len(every) == len(part.pairs)
