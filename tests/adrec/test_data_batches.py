"""Packed batches against each user's history, one at a time."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrec.data.batches import PackedBatch, evaluation_batches, prefix_batch, training_batch
from adrec.data.dataset import SequenceDataset
from tests.adrec import histories

SEQUENCES = st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=12), min_size=1, max_size=9)


def dataset(sequences: list[list[int]]) -> SequenceDataset:
    return histories.dataset(sequences, "abcdefghi")


def rows(batch: PackedBatch) -> dict[int, tuple[list[int], list[int]]]:
    """Each user's items and targets."""
    places = [slice(stop - length, stop) for stop, length in zip(np.cumsum(batch.lengths), batch.lengths, strict=True)]
    return {int(u): (batch.items[p].tolist(), batch.targets[p].tolist()) for u, p in zip(batch.users, places, strict=True)}


@pytest.mark.parametrize("split", ["val", "test"])
@given(sequences=SEQUENCES, frame=st.integers(1, 6), users_per_batch=st.integers(1, 5))
def test_evaluation_batches_hold_every_users_history_before_the_answer(split, sequences, frame, users_per_batch):
    data = dataset(sequences)
    batches = list(evaluation_batches(data, split, frame, users_per_batch))
    found = {user: row for batch in batches for user, row in rows(batch).items()}
    histories = {u: s[: -2 if split == "val" else -1][-frame:] for u, s in enumerate(sequences)}
    assert found == {u: (h, [*h[1:], 0]) for u, h in histories.items()}
    assert sum(len(b.users) for b in batches) == len(sequences) and all(len(b.users) <= users_per_batch for b in batches)
    lengths = np.concatenate([b.lengths for b in batches])
    assert (np.diff(lengths) >= 0).all()


@given(sequences=SEQUENCES, frame=st.integers(1, 6), seed=st.integers(0, 99))
def test_a_training_batch_holds_every_chosen_users_pairs(sequences, frame, seed):
    data = dataset(sequences)
    rng = np.random.default_rng(seed)
    users = rng.permutation(len(sequences))[: rng.integers(1, len(sequences) + 1)]
    training = {int(u): sequences[u][:-2] for u in users if len(sequences[u]) > 3}
    assert rows(training_batch(data, users, frame)) == {u: (s[:-1][-frame:], s[1:][-frame:]) for u, s in training.items()}


@given(sequences=SEQUENCES, frame=st.integers(1, 6), share=st.floats(0.01, 1), seed=st.integers(0, 99))
def test_a_prefix_batch_holds_the_share_of_all_prefixes_each_at_most_once(sequences, frame, share, seed):
    data, users = dataset([*sequences, [1, 2, 3, 4]]), np.arange(len(sequences) + 1)
    batch = prefix_batch(data, users, frame, share, np.random.default_rng(seed))
    ends = np.cumsum(batch.lengths)
    found = [
        (u, tuple(batch.items[end - n : end].tolist()), int(batch.targets[end - 1]))
        for u, n, end in zip(batch.users, batch.lengths, ends, strict=True)
    ]
    wanted = [(u, tuple(data.train(u)[:k][-frame:].tolist()), int(data.train(u)[k])) for u in users for k in range(1, len(data.train(u)))]
    assert not Counter(found) - Counter(wanted)
    assert len(found) == max(1, round(share * len(wanted))) and (np.diff(batch.lengths) >= 0).all()


def test_an_evaluation_batch_is_made_when_it_is_asked_for():
    data = dataset([[1, 2, 3, 4], [5, 6, 7]])
    batches = evaluation_batches(data, "test", 9, 1)
    assert next(batches).users.tolist() == [1]
    data.val[0] = 9
    assert next(batches).items.tolist() == [1, 2, 9]
