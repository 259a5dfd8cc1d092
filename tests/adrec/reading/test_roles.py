"""Roles of columns: what the values are counts first, the names second, and a choice left open is a question."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from adrec.errors import DataError
from adrec.reading.account import Doubt
from adrec.reading.engine import connect
from adrec.reading.roles import Roles, interaction_roles
from adrec.reading.rows import open_rows
from tests.adrec.reading.reading import BROUGHT, needs_brought


def roles(con: duckdb.DuckDBPyConnection, path: Path, how: dict[str, str] | None = None, **wanted: str) -> Roles:
    with open_rows(path, **(how or {})) as rows:
        return interaction_roles(rows, con, wanted)


def csv(folder: Path, **columns: list[object]) -> Path:
    pd.DataFrame(columns).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


def log(folder: Path, **more: object) -> Path:
    """Sixty interactions of ten users with twelve items, and more columns."""
    plain: dict[str, list[object]] = {"user_id": [i % 10 for i in range(60)], "item_id": [i * 7 % 12 for i in range(60)]}
    return csv(folder, **plain, **{name: list(values) for name, values in more.items()})  # type: ignore[call-overload]


SECONDS = [1_400_000_000 + 977 * i for i in range(60)]
DATES = [f"2014-05-{1 + i // 4:02}" for i in range(60)]
CLOCKS = [100_000 + i for i in range(60)]


@needs_brought
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "user", "item", "time", "known"),
    [
        ("interactions.csv", "user_id", "item_id", "timestamp", None),
        ("interactions.csv.gz", "user_id", "item_id", "timestamp", None),
        ("reviews.jsonl", "user_id", "item_id", "timestamp", None),
        ("books.csv", "user_id", "item_id", "timestamp", None),
        ("new_users.csv", "user_id", "item_id", "timestamp", None),
        ("exact_duplicates.csv", "user_id", "item_id", "timestamp", None),
        ("ids_12_and_12.0.csv", "user_id", "item_id", "timestamp", None),
        ("zero_rows_interactions.csv", "user_id", "item_id", "timestamp", None),
        ("times_with_UTC.csv", "user_id", "item_id", "event_time", None),
        ("date_and_time_of_day.csv", "user_id", "item_id", "date+time", None),
        ("quotes_in_titles.tsv", "user_id", "track_id", "timestamp", None),
        ("missing_item_ids.tsv", "user_id", "track_id", "timestamp", None),
        ("user_NA.csv", "userId", "itemId", "eventdate+timeframe", "Diginetica"),
        ("double_colon.dat", "column1", "column2", "column4", "the layout of MovieLens 1M and 10M"),
        ("no_header.csv", "column1", "column2", "column5", "Taobao UserBehavior"),
        ("user_item.txt", "user", "item", "none", None),
    ],
)
def test_what_people_bring_has_the_right_roles(con, name, user, item, time, known):
    found = roles(con, BROUGHT / name)
    assert (found.user, found.item, found.options()["time"], found.known) == (user, item, time, known)
    if found.times:
        with open_rows(BROUGHT / name) as rows:
            found.times.check(con, rows.relation(con, found.time), rows.path)


@needs_brought
@pytest.mark.data
def test_a_time_of_an_unknown_name_is_asked_for_by_name(con):
    with pytest.raises(Doubt, match=r"time=event_timestamp \(seconds since 1970, .*\) or time=none") as doubt:
        roles(con, BROUGHT / "time_named_event_timestamp.csv")
    assert (doubt.value.option, [v for v, _ in doubt.value.candidates]) == ("time", ["event_timestamp", "none"])
    found = roles(con, BROUGHT / "time_named_event_timestamp.csv", time="event_timestamp")
    assert (found.time, found.times and found.times.unit, found.guessed) == (("event_timestamp",), "s", ("user", "item"))


def test_the_account_says_why(con, tmp_path):
    found = roles(con, log(tmp_path, timestamp=SECONDS, colour=["red"] * 60))
    assert [(use.column, use.role, use.why) for use in found.uses] == [
        ("user_id", "user", "named so, and its values are whole numbers, 10 different"),
        ("item_id", "item", "named so, and its values are whole numbers, 12 different"),
        ("timestamp", "time", "named so; its values are seconds since 1970"),
    ]
    assert found.unused == ("colour",) and found.notes == ()


@pytest.mark.parametrize("names", [("User ID", "Item ID"), ("userId", "movieId"), ("reviewerID", "asin"), ("UID", "product-id")])
def test_capitals_and_punctuation_of_names_do_not_matter(con, tmp_path, names):
    found = roles(con, csv(tmp_path, **dict(zip(names, ([1, 1, 2], [7, 8, 7]), strict=True))))
    assert (found.user, found.item) == names
    assert found.remarks == ("No column holds times, so rows are taken in file order.",)


def test_a_column_named_as_the_time_must_hold_times(con, tmp_path):
    path = log(tmp_path, time=[1 + i % 5 for i in range(60)], seen=SECONDS)
    with pytest.raises(Doubt, match="'time' with only 5 different numbers from 1 to 5, which does not look like a time: say time=seen"):
        roles(con, path)
    assert roles(con, path, time="time").time == ("time",)
    path = log(tmp_path, time=[1 + i % 3 for i in range(60)])
    with pytest.raises(Doubt, match=r"does not look like a time: say time=time \(whole numbers, .*\) or time=none"):
        roles(con, path)


def test_numbers_that_order_a_users_rows_are_times_if_named_so(con, tmp_path):
    assert roles(con, csv(tmp_path, user_id=[1, 1, 1, 2, 2], item_id=[1, 2, 3, 1, 2], timestamp=[3, 1, 2, 1, 2])).time == ("timestamp",)


def test_what_could_be_a_time_is_never_passed_over(con, tmp_path):
    for name, values in [
        ("listened_at", SECONDS),
        ("x", DATES),
        ("order_number", [i * 3 for i in range(60)]),
        ("year", [2000 + i % 9 for i in range(60)]),
    ]:
        with pytest.raises(Doubt, match=f"time={name}"):
            roles(con, log(tmp_path, **{name: values}))
    assert roles(con, log(tmp_path, price=[i * 3 for i in range(60)])).time == ()


def test_two_columns_of_times_must_agree(con, tmp_path):
    finer = roles(con, log(tmp_path, date=DATES, timestamp=[1_398_902_400 + 21_600 * i for i in range(60)]))
    assert finer.time == ("timestamp",)
    with pytest.raises(Doubt, match="several columns of times that tell different orders: say time=timestamp .* or time=date"):
        roles(con, log(tmp_path, timestamp=SECONDS, date=DATES[::-1]))


def test_a_date_and_a_time_of_day_are_joined(con, tmp_path):
    assert roles(con, log(tmp_path, date=DATES, time=CLOCKS)).time == ("date", "time")
    assert roles(con, log(tmp_path, day=DATES, clock=["17:26:42"] * 60)).time == ("day", "clock")
    assert roles(con, log(tmp_path, a=DATES, b=CLOCKS), time="a+b").time == ("a", "b")
    with pytest.raises(Doubt, match=r"say time=date\+time \(.*\) or time=date"):
        roles(con, log(tmp_path, date=DATES, time=[63_160_000 + i for i in range(60)]))
    with pytest.raises(Doubt, match="'time' holds times of day without a date: say time=none"):
        roles(con, log(tmp_path, time=["17:26:42"] * 60))
    with pytest.raises(DataError, match="'b' holds whole numbers, not times of day"):
        roles(con, log(tmp_path, a=DATES, b=[-1] * 60), time="a+b")


def test_broken_and_empty_times_are_told(con, tmp_path):
    with pytest.raises(DataError, match="row 3 of the time column 'date' holds 'soon', which is neither a number nor a date"):
        roles(con, log(tmp_path, date=[*DATES[:2], "soon", *DATES[3:]]))
    assert "'timestamp' is empty, so rows are taken in file order" in roles(con, log(tmp_path, timestamp=[""] * 60)).remarks[0]


def test_days_that_could_be_months_are_looked_for_in_the_whole_file(con, tmp_path, monkeypatch):
    monkeypatch.setattr("adrec.reading.roles.SAMPLE", 10)
    path = log(tmp_path, date=["03/04/2014"] * 50 + ["13/04/2014"] * 10)
    assert (found := roles(con, path).times) and found.order == "dmy"
    path = log(tmp_path, date=["03/04/2014"] * 60)
    with pytest.raises(Doubt, match=r"dates=dmy \(.*\) or dates=mdy"):
        roles(con, path)
    assert (found := roles(con, path, dates="mdy").times) and found.order == "mdy"


def test_users_and_items_of_unknown_names_are_asked_for_with_candidates(con, tmp_path):
    path = csv(tmp_path, reader=[1, 1, 2, 2], item_id=[1, 2, 1, 3], shop=["a", "a", "b", "b"])
    with pytest.raises(Doubt, match=r"no column that looks like the user: name it with user=COLUMN, such as user=reader \(whole numbers"):
        roles(con, path)
    assert roles(con, path, user="reader").user == "reader"
    with pytest.raises(
        DataError, match="no column that looks like the item: name it with item=COLUMN; its columns are: user, price"
    ) as error:
        roles(con, csv(tmp_path, user=[1, 1, 2], price=[0.5, 1.5, 2.5]))
    assert not isinstance(error.value, Doubt)


def test_a_column_named_as_the_user_with_numbers_that_have_a_point_is_offered(con, tmp_path):
    path = csv(tmp_path, user_id=[f"{i % 5}.{i % 9 + 1}" for i in range(60)], item_id=["a", "b", "c"] * 20, time=SECONDS)
    with pytest.raises(Doubt, match=r"such as user=user_id \(numbers") as doubt:
        roles(con, path)
    assert roles(con, path, user=doubt.value.candidates[0][0]).user == "user_id"
    path = csv(tmp_path, visitor=[f"{i % 5}.{i % 9 + 1}" for i in range(60)], item_id=["a", "b", "c"] * 20, time=SECONDS)
    with pytest.raises(Doubt, match=r"user=visitor \(numbers"):
        roles(con, path)


def test_a_column_named_as_the_user_is_offered_whatever_it_holds(con, tmp_path):
    path = csv(tmp_path, user_id=["12 12 12", "1 2 3"] * 30, item_id=["a", "b", "c"] * 20, time=SECONDS)
    with pytest.raises(Doubt, match=r"such as user=user_id \(lists") as doubt:
        roles(con, path)
    assert roles(con, path, user=doubt.value.candidates[0][0]).user == "user_id"


def test_ids_of_text_are_ids_where_some_are_written_like_numbers(con, tmp_path):
    found = roles(
        con, csv(tmp_path, user_id=["99", "98"] * 30, item_id=["f2a7", "52e6", "52e6"] * 20, time=SECONDS, title=["a b", "c d", "c d"] * 20)
    )
    assert (found.item, found.title) == ("item_id", "title")


def test_several_items_are_asked_unless_they_are_one_to_one(con, tmp_path):
    books = {"user_id": [1, 1, 2, 2], "book_id": [1, 2, 1, 3], "isbn": ["a", "b", "a", "c"]}
    assert roles(con, csv(tmp_path, **books)).item == "book_id"
    with pytest.raises(Doubt, match=r"several columns that may be the item: say item=track_id \(.*\) or item=artist_id") as doubt:
        roles(con, csv(tmp_path, user_id=[1, 1, 2, 2], track_id=[1, 2, 1, 3], artist_id=[1, 1, 1, 2]))
    assert doubt.value.option == "item"
    assert roles(con, csv(tmp_path, user_id=[1, 1, 2], item_id=[1, 2, 1], artist_id=[1, 1, 1])).item == "item_id"


def test_a_file_without_names_is_asked_with_options_to_copy(con, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{i % 10},{i * 7 % 12},{i % 4 + 1},{SECONDS[i]}\n" for i in range(60)))
    with pytest.raises(Doubt, match="no header line: say what its columns are, for example user=column1 item=column2") as doubt:
        roles(con, path, {"header": "none"})
    assert doubt.value.proposed == {"user": "column1", "item": "column2", "rating": "column3", "time": "column4"}
    found = roles(con, path, {"header": "none"}, **doubt.value.proposed)
    assert (found.user, found.item, found.rating, found.time) == ("column1", "column2", "column3", ("column4",))
    with pytest.raises(Doubt, match="time=column4"):
        roles(con, path, {"header": "none"}, user="column1", item="column2")


def test_options_name_columns_that_are_there_once(con, tmp_path):
    path = log(tmp_path, timestamp=SECONDS)
    with pytest.raises(DataError, match="has no column 'who' for the user; its columns are: user_id, item_id, timestamp"):
        roles(con, path, user="who")
    with pytest.raises(DataError, match="the column 'user_id' cannot be the item and have another role too"):
        roles(con, path, user="user_id", item="user_id")
    found = roles(con, path, time="none")
    assert (found.time, found.times, found.notes) == ((), None, ("Rows are taken in file order, as asked.",))


def test_titles_and_categories_belong_to_items(con, tmp_path):
    items = [i * 7 % 12 for i in range(60)]
    found = roles(con, log(tmp_path, title=[f"T{i}" for i in items], genres=["a|b"] * 60))
    assert (found.title, found.category) == ("title", "genres")
    review = roles(con, log(tmp_path, title=[f"My review {i}" for i in range(60)]))
    assert review.title is None and "'title' is not used as the title: an item has 5 different ones on average" in " ".join(review.notes)


def test_a_rating_is_a_number(con, tmp_path):
    assert roles(con, log(tmp_path, rating=[i % 5 for i in range(60)])).rating == "rating"
    words = roles(con, log(tmp_path, rating=["good"] * 60))
    assert words.rating is None and "named as a rating but holds text" in " ".join(words.notes)


def test_kinds_of_events_are_recognised_by_name_or_by_value(con, tmp_path):
    for name in ("event_type", "what"):
        found = roles(con, log(tmp_path, **{name: ["view", "view", "buy"] * 20}))
        assert found.event == name
        assert found.events == ("view", "buy") and "apart (view, buy); all are read unless the option events" in found.remarks[0]
    assert roles(con, log(tmp_path, colour=["red", "blue", "grey"] * 20)).event is None


def test_negative_amounts_are_told_with_the_options_that_leave_them_out(con, tmp_path):
    found = roles(con, log(tmp_path, timestamp=SECONDS, Menge=[-1, 2, 3] * 20))
    assert found.remarks[0].endswith("rating=Menge and min_rating=0 leave them out.")


@pytest.mark.parametrize("cut", "|, ")
def test_two_columns_without_names_may_be_a_user_and_a_list_of_items(con, tmp_path, cut):
    lists = [["t7", "t8"], ["t7"], ["t8", "t7", "t9"]]
    rows = [f"u{i}\t{cut.join(items)}" for i, items in enumerate(lists)]
    (tmp_path / "a.tsv").write_text("\n".join(rows) + "\n")
    found = roles(con, tmp_path / "a.tsv")
    assert (found.user, found.item) == ("column1", "column2") and len(found.rows.relation(con, ["column2"]).fetchall()) == 6
    (tmp_path / "b.tsv").write_text("\n".join(["user\tplayed", *rows]) + "\n")
    with pytest.raises(Doubt) as doubt:
        roles(con, tmp_path / "b.tsv")
    assert [value for value, _ in doubt.value.candidates] == ["played"]
    assert len(roles(con, tmp_path / "b.tsv", item="played").rows.relation(con, ["played"]).fetchall()) == 6


def test_a_field_of_an_object_is_recognised_by_its_own_name(con, tmp_path):
    rows = [f'{{"user": {{"id": "u{i % 3}", "name": "x"}}, "page": {{"product_id": {i % 4}}}, "ts": {SECONDS[i]}}}' for i in range(60)]
    (tmp_path / "a.jsonl").write_text("\n".join(rows) + "\n")
    found = roles(con, tmp_path / "a.jsonl")
    assert (found.user, found.item, found.time) == ("user.id", "page.product_id", ("ts",))
    frame = pd.DataFrame({"user": [{"id": i % 3, "at": {"os": "x"}} for i in range(60)], "item_id": [i % 4 for i in range(60)]})
    frame.to_parquet(tmp_path / "a.parquet")
    found = roles(con, tmp_path / "a.parquet")
    assert (found.user, found.unused) == ("user.id", ("user.at.os",))


def test_a_row_of_lists_is_a_row_for_each_value(con, tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"user_id": [1, 2], "items": [[7, 8, 9], [7]], "times": [[3, 1, 2], [5]], "tags": [["x"], ["y", "z"]]}).to_parquet(path)
    found = roles(con, path, time="times")
    assert (found.item, found.time) == ("items", ("times",))
    with connect(threads=1) as other:
        assert found.rows.relation(other, ["user_id", "items", "times"]).fetchall() == [
            (1, 1, 7, 3),
            (2, 1, 8, 1),
            (3, 1, 9, 2),
            (4, 2, 7, 5),
        ]
    assert found.guessed == ("user", "item") and found.uses[1].why == "named so, and its values are whole numbers, 3 different"
    assert roles(con, path, item="items", time="times").uses[1].why == "as asked"
    path = csv(tmp_path, user=[1, 2], item_ids=["[7, 8]", "[9]"])
    assert roles(con, path).rows.relation(con, ["user", "item_ids"]).fetchall() == [(1, "1", "7"), (2, "1", "8"), (3, "2", "9")]


def test_objects_are_no_ids_though_an_option_names_them(con, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"user": {i % 5}, "items": [{{"item_id": "P{i % 7}"}}], "time": {SECONDS[i]}}}\n' for i in range(60)))
    with pytest.raises(DataError, match="the item column 'items' holds objects, such as .*, not ids: write a row for each"):
        roles(con, path, item="items")


def test_names_that_differ_in_capitals_only_are_no_obstacle(con, tmp_path):
    assert roles(con, csv(tmp_path, user_id=[1, 1], item_id=[2, 3], A=[1, 1], a=[2, 2])).unused == ("A", "a")
