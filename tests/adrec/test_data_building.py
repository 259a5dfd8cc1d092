"""What is left out on request, and what the account says of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrec.data import catalog, prepared
from adrec.data.building import repeats
from adrec.data.item_files import read_items
from adrec.data.readers import read_dataset, read_frame
from adrec.errors import DataError
from adrec.reading.account import Doubt
from tests.adrec.test_data_filters import sequences_of

ROWS = [("a", i, 10 + t) for t, i in enumerate("xxyxzw")] + [("a", "w", 15), ("b", "x", 1), ("b", "y", 2), ("b", "z", 3)]
FRAME = pd.DataFrame(ROWS, columns=["user", "item", "time"])


@pytest.mark.parametrize(
    ("choice", "left"), [("keep", "xxyxzww"), ("exact", "xxyxzw"), ("consecutive", "xyxzw"), ("first", "xyzw"), (None, "xxyxzw")]
)
def test_repeats_are_counted_and_left_out_as_asked(choice, left):
    data = read_frame(FRAME, time="time", repeats=choice)
    assert "".join(sequences_of(data)["a"]) == left
    assert data.account["repeats"] == {"exact": 1, "consecutive": 1, "other": 1}
    assert data.account["rows"] == data.account["read"] + sum(data.account["left_out"].values()) == 10


@pytest.mark.parametrize("timed", [True, False])
def test_repeats_are_those_that_a_plain_loop_finds(timed):
    rng = np.random.default_rng(0)
    u, i, t = (np.sort(rng.integers(0, 9, 400)), rng.integers(0, 5, 400), rng.integers(0, 6, 400))
    order = np.lexsort((t, u))
    u, i, t = u[order], i[order], t[order]
    expected, seen, before = [], {}, None
    for row in zip(u.tolist(), i.tolist(), t.tolist(), strict=True):
        kind = 0 if row[:2] not in seen else 1 if timed and row[2] in seen[row[:2]] else 2 if before == row[:2] else 3
        expected.append(kind)
        seen.setdefault(row[:2], set()).add(row[2])
        before = before if kind == 1 else row[:2]
    assert repeats(u, i, t if timed else None).tolist() == expected


def test_only_the_events_that_are_asked_for_count():
    frame = FRAME.assign(event=["view", "purchase"] * 5)
    assert "".join(sequences_of(read_frame(frame, time="time", events="purchase,view", repeats="keep"))["a"]) == "xxyxzww"
    data = read_frame(frame, time="time", events="view", repeats="keep")
    assert data.account["left_out"]["of other events or none"] == 5
    with pytest.raises(DataError, match=r"no event 'buy' .*purchase \(5\)"):
        read_frame(frame, time="time", events="buy")


def test_users_are_left_out_by_name():
    data = read_frame(FRAME, time="time", drop_users="a")
    assert list(data.user_ids) == ["b"] and data.account["left_out"] == {"of users in drop_users": 7}
    with pytest.raises(DataError, match="no user 'c', whom drop_users names"):
        read_frame(FRAME, time="time", drop_users="c")


def test_rows_without_ids_are_left_out_by_reason():
    frame = pd.concat([FRAME, pd.DataFrame([("NA", "x", 1), ("b", None, 2), ("", "", 3)], columns=FRAME.columns)])
    with pytest.raises(DataError, match=r"no user id in row 11 .*2 of 13 rows, written NA.*missing=drop"):
        read_frame(frame, time="time")
    data = read_frame(frame, time="time", missing="drop")
    assert data.account["left_out"] == {"without a user id": 2, "without an item id": 1, "with the same user, item and time again": 1}
    assert data.content_hash == read_frame(FRAME, time="time").content_hash


def test_a_line_of_totals_is_asked_about_and_told(tmp_path: Path):
    lines = [*(f"{u};{i};{t}" for u, i, t in ROWS), "c;x;", "Sum;;"]
    (tmp_path / "x.csv").write_text("\n".join(["user;item;time", *lines]) + "\n")
    with pytest.raises(Doubt, match=r"2 of 12 rows\); every row needs one: say missing=drop \(2 rows left out\) or time=none"):
        read_dataset(tmp_path / "x.csv")
    left = read_dataset(tmp_path / "x.csv", missing="drop").account["left_out"]
    assert (left["that looks like a line of totals, the last"], left["without a time"]) == (1, 1)


def test_empty_ids_are_no_words_to_keep(tmp_path: Path):
    (tmp_path / "x.csv").write_text("user,item,time\na,x,1\na,,2\n")
    with pytest.raises(Doubt) as doubt:
        read_dataset(tmp_path / "x.csv")
    assert doubt.value.candidates == [("drop", "1 row left out")]


def test_a_prepared_folder_is_written_by_the_engine_as_the_data_set_is_read(tmp_path: Path):
    FRAME.to_csv(tmp_path / "x.csv", index=False)
    catalog.prepare(tmp_path / "x.csv", tmp_path / "out", time="time")
    found, expected = prepared.load(tmp_path / "out"), read_dataset(tmp_path / "x.csv", time="time")
    assert found.describe() == expected.describe() and found.items.frame.equals(expected.items.frame)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "x.csv"]


def test_a_folder_prepared_before_accounts_were_kept_opens(tmp_path: Path):
    import json

    catalog.prepare("synthetic:items=60,users=80", tmp_path / "out")
    info = json.loads((tmp_path / "out" / "prepared.json").read_text())
    del info["account"]
    (tmp_path / "out" / "prepared.json").write_text(json.dumps(info))
    assert prepared.load(tmp_path / "out").account is None


@pytest.mark.parametrize("name", ["times", "row", "value", "n", "thing"])
def test_ids_are_checked_whatever_their_column_is_called(tmp_path, name):
    frame = pd.DataFrame({"user_id": ["a"] * 4 + ["b"] * 4, name: ["12.0", "12", "13", "14"] * 2})
    data = read_frame(frame, item=name)
    assert data.items.frame["item"].tolist() == ["12", "13", "14"]
    assert any(f"Ids of the column '{name}' are written in two ways" in note for note in data.account["notes"])
    frame.drop(columns="user_id").to_csv(tmp_path / "items.csv", index=False)
    assert read_items(tmp_path / "items.csv", item=name)[0].index.tolist() == ["12", "13", "14"]
    with pytest.raises(DataError, match="item ids have at most 512 characters"):
        read_frame(frame.replace("13", "x" * 600), item=name)


def test_first_and_last_are_of_the_rows_that_go_on():
    frame = FRAME.assign(time=1_400_000_000 + FRAME["time"], event=["view"] + ["buy"] * 5 + ["view"] + ["buy"] * 3)
    data = read_frame(frame, time="time", events="buy", drop_users="b", repeats="first")
    assert (data.account["first"], data.account["last"]) == ("2014-05-13 16:53:31", "2014-05-13 16:53:35")
    assert read_frame(frame, time="time", drop_users="b").account["last"] == "2014-05-13 16:53:35"


def test_orders_taken_for_people_and_a_single_person_are_told():
    orders = pd.DataFrame({"user": np.repeat(range(9), 4), "item": list("abcd") * 9, "time": 1_400_000_000 + np.repeat(range(9), 4)})
    told = "All rows of 9 of 9 users have one time"
    assert any(told in note for note in read_frame(orders).account["notes"])
    apart = orders.assign(time=range(1_400_000_000, 1_400_000_036))
    spread = read_frame(apart).account["notes"]
    assert not any("have one time" in note or "1 user" in note for note in spread)
    assert any("There is 1 user" in note for note in read_frame(apart.assign(user="me")).account["notes"])


def test_a_user_may_be_named_twice_in_drop_users():
    assert read_frame(FRAME, time="time", drop_users="a,a").account["left_out"] == {"of users in drop_users": 7}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("i.csv", "x,a b\ny,c d\n", r"looks like data .*\. An item file is read without options"),
        ("i.dat", "1::Toy Story::Animation|Comedy\n2::Jumanji::Adventure\n", "the item id; it has no line of names"),
        ("i.csv", "item_id,title\n7,a\n8,b\n", "No item of the interactions is in the item file .*its ids are 7, 8, not like x, y, z"),
    ],
)
def test_an_item_file_that_cannot_be_joined_is_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    (tmp_path / "a.csv").write_text("".join(f"{user},{item},{time}\n" for user, item, time in ROWS))
    with pytest.raises(DataError, match=words):
        read_dataset(tmp_path / "a.csv", items=tmp_path / name, header="none", user="column1", item="column2", time="column3")


def test_columns_may_really_be_called_column1_and_column2(tmp_path):
    (tmp_path / "a.csv").write_text("column1,column2\n" + "".join(f"{user},{item}\n" for user, item, _ in ROWS))
    with pytest.raises(DataError, match="no column that looks like the user: name it with user="):
        read_dataset(tmp_path / "a.csv", header="first")
