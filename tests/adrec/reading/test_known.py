"""Public data sets: a file in the documented layout is recognised by its columns and its values, and one of them alone is not enough."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from adrec.errors import DataError
from adrec.reading import known
from adrec.reading.account import Account
from adrec.reading.roles import Roles, interaction_roles
from adrec.reading.rows import open_rows

ROWS = range(20)


def user(i: int) -> int:
    return 1 + i % 4


def item(i: int) -> int:
    return 10 + i * 7 % 9


def seconds(year: int, i: int) -> int:
    return int(datetime(year, 2, 3, tzinfo=UTC).timestamp()) + 7919 * i


def iso(year: int, i: int, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return f"{datetime.fromtimestamp(seconds(year, i), UTC):{form}}"


def asin(i: int) -> str:
    return f"B00{item(i):07}"


def reviewer(i: int, digits: int = 13) -> str:
    return f"A{user(i):0{digits}}X"


def mbid(n: int) -> str:
    return f"{n:08x}-0000-4000-8000-{n:012x}"


def joined(separator: str, row: Callable[[int], tuple[object, ...]], header: str = "") -> str:
    return header + "".join(separator.join(map(str, row(i))) + "\n" for i in ROWS)


def lines(row: Callable[[int], dict[str, object]]) -> str:
    return "".join(json.dumps(row(i)) + "\n" for i in ROWS)


def review(i: int, **more: object) -> dict[str, object]:
    return {
        "reviewerID": reviewer(i),
        "asin": asin(i),
        "reviewerName": "N",
        "reviewText": f"Text {i}",
        "overall": 1.0 + i % 5,
        "summary": f"Summary {i}",
        "unixReviewTime": seconds(2012, i),
        "reviewTime": iso(2012, i, "%m %d, %Y"),
        **more,
    }


LAYOUTS: dict[str, tuple[str, str, str]] = {
    "MovieLens 100K": ("u.data", joined("\t", lambda i: (user(i), item(i), 1 + i % 5, seconds(1997, i))), "column1 column2 column4"),
    "MovieLens 1M": ("ratings.dat", joined("::", lambda i: (user(i), item(i), 1 + i % 5, seconds(2000, i))), "column1 column2 column4"),
    "MovieLens 10M": (
        "ratings.dat",
        joined("::", lambda i: (user(i), item(i), 0.5 + i % 9 / 2, seconds(2005, i))),
        "column1 column2 column4",
    ),
    "MovieLens 20M, 25M or 32M": (
        "ratings.csv",
        joined(",", lambda i: (user(i), item(i), 0.5 + i % 9 / 2, seconds(2015, i)), "userId,movieId,rating,timestamp\n"),
        "userId movieId timestamp",
    ),
    "Amazon reviews 2014 (ratings only)": (
        "ratings_Beauty.csv",
        joined(",", lambda i: (reviewer(i), asin(i), 1.0 + i % 5, seconds(2012, i))),
        "column1 column2 column4",
    ),
    "Amazon reviews 2018 (ratings only)": (
        "All_Beauty.csv",
        joined(",", lambda i: (asin(i), reviewer(i), 1.0 + i % 5, seconds(2016, i))),
        "column2 column1 column4",
    ),
    "Amazon reviews 2014": ("reviews_Beauty_5.json", lines(lambda i: review(i, helpful=[0, i])), "reviewerID asin unixReviewTime"),
    "Amazon reviews 2018": (
        "Beauty.json",
        lines(lambda i: review(i, verified=True) | ({"vote": "2"} if i % 7 == 0 else {})),
        "reviewerID asin unixReviewTime",
    ),
    "Amazon reviews 2023": (
        "All_Beauty.jsonl",
        lines(
            lambda i: {
                "rating": 1.0 + i % 5,
                "title": f"My view {i}",
                "text": f"Text {i}",
                "images": [],
                "asin": asin(i + 1),
                "parent_asin": asin(i),
                "user_id": reviewer(i, 26),
                "timestamp": 1000 * seconds(2020, i) + i,
                "helpful_vote": 0,
                "verified_purchase": True,
            }
        ),
        "user_id parent_asin timestamp",
    ),
    "Yelp reviews": (
        "yelp_academic_dataset_review.json",
        lines(
            lambda i: {
                "review_id": f"r{i:021}",
                "user_id": f"u{user(i):021}",
                "business_id": f"b{item(i):021}",
                "stars": 1.0 + i % 5,
                "useful": i % 3,
                "funny": 0,
                "cool": 0,
                "text": f"Text {i}",
                "date": iso(2018, i, "%Y-%m-%d %H:%M:%S"),
            }
        ),
        "user_id business_id date",
    ),
    "Gowalla check-ins": (
        "loc-gowalla_totalCheckins.txt",
        joined("\t", lambda i: (user(i), iso(2010, i), 30.2359091167 + i / 100, -97.7951395833 - i / 100, 20000 + item(i))),
        "column1 column5 column2",
    ),
    "Last.fm 1K": (
        "userid-timestamp-artid-artname-traid-traname.tsv",
        joined(
            "\t",
            lambda i: (
                f"user_{user(i):06}",
                iso(2009, i),
                mbid(i % 3),
                f'Artist "{i % 3}',
                mbid(item(i)) if i % 5 else "",
                f"Song {item(i)}",
            ),
        ),
        "column1 column5 column2",
    ),
    "Steam reviews": (
        "steam_reviews.jsonl",
        lines(
            lambda i: {
                "username": f"player {user(i)}",
                "hours": 1.5 * i,
                "products": 7,
                "product_id": str(100 * item(i)),
                "date": iso(2017, 20 * i, "%Y-%m-%d"),
                "text": f"Text {i}",
                "early_access": False,
            }
        ),
        "username product_id date",
    ),
    "Steam 200K": (
        "steam-200k.csv",
        joined(",", lambda i: (100_000 + user(i), f'"Game, {item(i)}"', ("purchase", "play")[i % 2], 1.0 if i % 2 == 0 else 2.5 * i, 0)),
        "column1 column2 none",
    ),
    "Taobao UserBehavior": (
        "UserBehavior.csv",
        joined(",", lambda i: (user(i), item(i), 1000 + item(i) % 3, ("pv", "pv", "cart", "fav", "buy")[i % 5], seconds(2017, i))),
        "column1 column2 column5",
    ),
    "RetailRocket": (
        "events.csv",
        joined(
            ",",
            lambda i: (1000 * seconds(2015, i), user(i), ("view", "addtocart", "transaction")[i % 3], item(i), 7 + i if i % 3 == 2 else ""),
            "timestamp,visitorid,event,itemid,transactionid\n",
        ),
        "visitorid itemid timestamp",
    ),
    "YooChoose clicks": (
        "yoochoose-clicks.dat",
        joined(",", lambda i: (user(i), iso(2014, i, "%Y-%m-%dT%H:%M:%S.277Z"), 214_000_000 + item(i), ("0", "S", "12")[i % 3])),
        "column1 column3 column2",
    ),
    "YooChoose buys": (
        "yoochoose-buys.dat",
        joined(",", lambda i: (user(i), iso(2014, i, "%Y-%m-%dT%H:%M:%S.277Z"), 214_000_000 + item(i), 1046 + i % 6, 1)),
        "column1 column3 column2",
    ),
    "Diginetica": (
        "train-item-views.csv",
        joined(
            ";",
            lambda i: (user(i), user(i) if i % 3 else "NA", item(i), 1000 * i + 526_309, iso(2016, i, "%Y-%m-%d")),
            "sessionId;userId;itemId;timeframe;eventdate\n",
        ),
        "userId itemId eventdate+timeframe",
    ),
}


def roles(con: duckdb.DuckDBPyConnection, folder: Path, name: str, text: str) -> Roles:
    (folder / name).write_text(text)
    with open_rows(folder / name) as rows:
        found = interaction_roles(rows, con, {})
        rows.check(con)
        assert rows.account.rows == len(ROWS)
        if found.times:
            found.times.check(con, rows.relation(con, found.time), rows.path)
        return found


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_public_data_set_is_recognised_and_its_columns_taken(con, tmp_path, name):
    file, text, columns = LAYOUTS[name]
    found = roles(con, tmp_path, file, text)
    assert (found.known, f"{found.user} {found.item} {found.options()['time']}") == (name, columns)
    account = Account(file, "text")
    found.tell(account)
    assert account.sentences()[0] == f"Read '{file}' as {name} (text)."


def test_every_layout_in_the_table_is_tried():
    assert set(LAYOUTS) | {"the layout of MovieLens 1M and 10M"} == {one.name for one in known.KNOWN}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("MovieLens 100K", "\t1\t", "\t7\t"),
        ("MovieLens 20M, 25M or 32M", ",0.5,", ",9.5,"),
        ("Taobao UserBehavior", "pv", "view"),
        ("Gowalla check-ins", "\t30.2", "\t300.2"),
        ("Amazon reviews 2014 (ratings only)", "B00", "product-"),
    ],
)
def test_the_columns_of_a_data_set_with_other_values_are_not_that_data_set(con, tmp_path, name, old, new):
    file, text, _ = LAYOUTS[name]
    assert old in text
    try:
        assert roles(con, tmp_path, file, text.replace(old, new)).known != name
    except DataError as error:
        assert "no header line" in str(error)


def test_an_option_that_names_a_column_is_followed_in_a_known_data_set(con, tmp_path):
    file, text, _ = LAYOUTS["Diginetica"]
    (tmp_path / file).write_text(text)
    with open_rows(tmp_path / file) as rows:
        found = interaction_roles(rows, con, {"user": "sessionId"})
    assert (found.user, found.item) == ("sessionId", "itemId")
