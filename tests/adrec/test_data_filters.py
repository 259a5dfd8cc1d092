"""Filters and the split, against slow obvious versions and as properties."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrec.data.readers import read_frame
from adrec.errors import DataError
from tests.adrec import histories
from tests.adrec.plain_building import build

ROWS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 9), st.integers(0, 3), st.integers(1, 5)),
    min_size=1,
    max_size=120,
)


def frame_of(rows: list[tuple[int, int, int, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user", "item", "time", "rating"])


def built(rows, **filters):
    """The data set of the rows, or None where no user is long enough."""
    try:
        return read_frame(frame_of(rows), "rows", time="time", repeats="keep", **filters)
    except DataError:
        return None


def slow_split(rows, min_rating=0, k=0):
    """The same in plain Python: {user: [item, ...]} in the order of users, raw ids."""
    rows = [(str(u), str(i), t) for u, i, t, r in rows if r >= min_rating]
    while True:
        users, items = Counter(u for u, _, _ in rows), Counter(i for _, i, _ in rows)
        kept = [row for row in rows if users[row[0]] >= k and items[row[1]] >= k]
        if len(kept) == len(rows):
            break
        rows = kept
    sequences: dict[str, list[tuple[int, str]]] = {}
    for user, item, time in rows:
        sequences.setdefault(user, []).append((time, item))
    return {u: [i for _, i in sorted(s, key=lambda row: row[0])] for u, s in sequences.items() if len(s) >= 3}


def sequences_of(dataset):
    """{user: [raw item, ...]} of a data set."""
    raw = dataset.items.frame["item"].to_numpy()
    whole = [np.concatenate([dataset.train(u), [dataset.val[u], dataset.test[u]]]) for u in range(dataset.n_users)]
    return {str(user): list(raw[s - 1]) for user, s in zip(dataset.user_ids, whole, strict=True)}


@settings(max_examples=25)
@given(ROWS, st.sampled_from([None, 2, 4]), st.sampled_from([None, 2, 3, 5]))
def test_the_split_loses_and_duplicates_nothing_and_keeps_the_order(rows, min_rating, k):
    dataset = built(rows, min_rating=min_rating, k_core=k)
    expected = slow_split(rows, min_rating or 0, k or 0)
    assert (sequences_of(dataset) if dataset else {}) == expected
    assert dataset is None or list(dataset.user_ids) == list(expected)


@settings(max_examples=10)
@given(ROWS, st.sampled_from([None, 3]), st.sampled_from([None, 3]))
def test_the_engine_builds_what_numpy_builds(rows, min_rating, k):
    found = built(rows, min_rating=min_rating, k_core=k)
    try:
        expected = build("rows", histories.interactions(frame_of(rows)), min_rating, k)
    except DataError:
        assert found is None
        return
    assert found.content_hash == expected.content_hash and list(found.user_ids) == list(expected.user_ids)
    assert found.items.frame.equals(expected.items.frame) and found.options["dropped_users"] == expected.options["dropped_users"]


@settings(max_examples=10)
@given(ROWS)
def test_item_ids_are_a_bijection_with_the_raw_ids_that_occur(rows):
    dataset = built(rows)
    if dataset is None:
        return
    used = np.unique(np.concatenate([dataset.train_items, dataset.val, dataset.test]))
    assert list(used) == list(range(1, dataset.n_items + 1))
    assert dataset.items.frame["item"].is_unique


@settings(max_examples=10)
@given(ROWS)
def test_items_are_numbered_in_the_order_of_the_rows_that_are_left(rows):
    dataset = built(rows)
    if dataset is None:
        return
    left = [str(i) for u, i, _, _ in rows if str(u) in set(dataset.user_ids)]
    assert list(dataset.items.frame["item"]) == list(dict.fromkeys(left))


def test_rows_with_the_same_time_keep_file_order():
    rows = [(0, item, 5, 1) for item in (4, 2, 9, 1)] + [(0, 7, 0, 1)]
    assert sequences_of(built(rows))["0"] == ["7", "4", "2", "9", "1"]


def test_without_times_the_file_order_counts():
    frame = frame_of([(0, item, 0, 1) for item in (4, 2, 9)]).drop(columns="time")
    assert sequences_of(read_frame(frame))["0"] == ["4", "2", "9"]


def test_users_too_short_to_split_are_dropped_and_counted():
    dataset = built([(0, i, i, 5) for i in range(4)] + [(1, 0, 0, 5), (1, 1, 1, 5), (2, 8, 0, 5)])
    assert (dataset.n_users, dataset.n_items, dataset.options["dropped_users"]) == (1, 4, 2)


def test_filters_are_recorded():
    dataset = built([(u, i, i, 5) for u in range(3) for i in range(4)], min_rating=4, k_core=3)
    assert (dataset.options["min_rating"], dataset.options["k_core"]) == (4, 3)


def test_an_unrated_row_does_not_pass_a_minimum_rating():
    frame = frame_of([(0, i, i, 5) for i in range(5)]).astype({"rating": float})
    frame.loc[1, "rating"] = np.nan
    assert sequences_of(read_frame(frame, min_rating=4))["0"] == ["0", "2", "3", "4"]


def test_filters_that_leave_no_one_say_so():
    with pytest.raises(DataError, match=r"no user with at least 3 interactions after min_rating=4 and k_core=5"):
        read_frame(frame_of([(0, i, i, 5) for i in range(4)]), min_rating=4, k_core=5)


def test_titles_attach_to_raw_ids_and_others_show_their_id():
    frame = frame_of([(0, i, i, 5) for i in range(3)]).assign(title=["", "", "Ran"], genre=["War", None, "Drama"])
    dataset = read_frame(frame)
    assert [dataset.items.frame["title"][i] for i in (1, 2, 3)] == ["0", "1", "Ran"]
    assert list(dataset.items.frame["genre"]) == ["War", "", "Drama"]
