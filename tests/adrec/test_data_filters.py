"""Filters and the split, against slow obvious versions and as properties."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrec.data.dataset import histories_of
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
        return read_frame(frame_of(rows), "rows", time="time", unit="s", repeats="keep", **filters)
    except DataError:
        return None


def slow_split(rows, min_rating=0, k=0):
    """The same in plain Python: {user: [item, ...]} in the order of users, raw ids."""
    rows = core([(str(u), str(i), t) for u, i, t, r in rows if r >= min_rating], k)
    sequences: dict[str, list[tuple[int, str]]] = {}
    for user, item, time in rows:
        sequences.setdefault(user, []).append((time, item))
    return {u: [i for _, i in sorted(s, key=lambda row: row[0])] for u, s in sequences.items() if len(s) >= 3}


def core(rows, k):
    """The largest part of (user, item, time) rows in which every user and item has ``k`` rows."""
    while True:
        users, items = Counter(u for u, _, _ in rows), Counter(i for _, i, _ in rows)
        kept = [row for row in rows if users[row[0]] >= k and items[row[1]] >= k]
        if len(kept) == len(rows):
            return rows
        rows = kept


def slow_cut(rows, shares, k=0):
    """{user: (training items, validation answer, items between, test answer)} in plain Python, raw ids, None for no answer."""
    rows = core([(str(u), str(i), t) for u, i, t, _ in rows], k)
    times = sorted(t for _, _, t in rows) or [0]
    first, second = (times[min(round(share * len(rows)), len(times) - 1)] for share in (shares[0], shares[0] + shares[1]))
    found = {}
    for user in dict.fromkeys(u for u, _, _ in rows):
        own = sorted(((t, i) for u, i, t in rows if u == user), key=lambda row: row[0])
        train = [i for t, i in own if t < first]
        between = [i for t, i in own if first <= t < second]
        test = next((i for t, i in own if t >= second), None) if train or between else None
        if test is None:
            between = between[:1] if train else []
        if train or test is not None:
            found[user] = (train, between[0] if train and between else None, between, test)
    kept = Counter((u, i) for u, (train, _, between, test) in found.items() for i in [*train, *between, *([test] if test else [])])
    items = dict.fromkeys(i for u, i, _ in rows if kept[u, i])
    return found, list(items)


def parts_of(data):
    """The same of a data set."""
    raw = ["", *data.items.frame["item"]]
    between = histories_of(np.arange(data.n_users), *data.between)

    def words(items):
        return [raw[i] for i in items]

    return {
        str(name): (
            words(data.train(u)),
            raw[data.val[u]] or None,
            words(between[0][between[1][u] : between[1][u + 1]]),
            raw[data.test[u]] or None,
        )
        for u, name in enumerate(data.user_ids)
    }


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


@settings(max_examples=40)
@given(ROWS, st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.25, 0.5, 0.25)]), st.sampled_from([None, 3]))
def test_a_split_by_time_is_the_one_that_a_plain_loop_makes(rows, shares, k):
    data = built(rows, k_core=k, split=f"time:{','.join(map(str, shares))}")
    expected, items = slow_cut(rows, shares, k or 0)
    trained, validated, _, tested = zip(*expected.values(), strict=True) if expected else ((), (), (), ())
    if not (any(trained) and any(validated) and any(tested)):
        assert data is None
        return
    assert parts_of(data) == expected and set(data.items.frame["item"]) == set(items)
    assert data.n_interactions == len(data.interactions) == data.account["read"]
    for split in ("val", "test"):
        users = data.evaluated(split)
        known = {u: [*data.train(u), *(data.history(u, split, 99)[len(data.train(u)) :])] for u in users}
        histories, offsets = data.histories(users, split, 3)
        for place, user in enumerate(users):
            assert (
                histories[offsets[place] : offsets[place + 1]].tolist() == known[user][-3:] and len(known[user]) == data.known(split)[user]
            )


def test_a_split_by_time_trains_on_nothing_from_the_first_cut_on():
    rows = [(u, 100 * u + t, t, 5) for u in range(8) for t in range(u, u + 9)]  # items that name their time
    data, plain = built(rows, split="time:0.6,0.2,0.2"), built(rows)
    time = np.array([int(item) % 100 for item in ["0", *data.items.frame["item"]]])
    trained, validated, tested = (time[items[items > 0]] for items in (data.train_items, data.val, data.test))
    assert trained.max() < validated.min() <= validated.max() < tested.min()
    leaks = {name: found.account["times"]["leaks"]["test"]["before"] for name, found in (("time", data), ("leave-one-out", plain))}
    assert leaks["time"] == 0 < leaks["leave-one-out"]


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("time", "must be leave-one-out or time:TRAIN,VALIDATION,TEST with three shares above 0 that sum to 1, .*not 'time'"),
        ("time:0.8,0.1,0.2", "sum to 1"),
        ("time:0.8,0.2,0", "above 0"),
        ("time:0.8,nan,0.1", "above 0"),
        (
            "time:0.001,0.001,0.998",
            r"cannot be split as .* with cuts at 1970-01-01 .* there are no training rows \(9 rows; rows of one time",
        ),
    ],
)
def test_a_split_by_time_that_cannot_be_is_refused(split, words):
    with pytest.raises(DataError, match=words):
        read_frame(frame_of([(u, i, i // 2, 5) for u in range(3) for i in range(3)]), time="time", unit="s", split=split)


def test_a_split_by_time_needs_times_and_leave_one_out_is_the_default():
    frame = frame_of([(u, i, i, 5) for u in range(3) for i in range(4)])
    with pytest.raises(DataError, match="has no times, which split=time:0.8,0.1,0.1 needs"):
        read_frame(frame.drop(columns="time"), split="time:0.8,0.1,0.1")
    with pytest.raises(DataError, match="column 'time' may order the rows of one user only, .*: say unit=s"):
        read_frame(frame, time="time", split="time:0.8,0.1,0.1")
    assert read_frame(frame, split="leave-one-out").describe() == read_frame(frame).describe()
    assert "split" not in read_frame(frame).options


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
