"""Broken CSV, TSV, Parquet and RecBole files: each gives one sentence that names the file and says what is wrong."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrec.data.readers import read_dataset
from adrec.errors import DataError


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def check(path: Path, said: str, **options) -> None:
    """Reading fails with one sentence that names the file and says this, without another library's error behind it."""
    with pytest.raises(DataError) as caught:
        read_dataset(path, **options)
    told = str(caught.value)
    assert re.search(said, told), told
    assert path.name in told and told.endswith(".") and "\n" not in told
    assert caught.value.__cause__ is None and (caught.value.__suppress_context__ or caught.value.__context__ is None)


# -- text -------------------------------------------------------------------------------------------------------------

HEADER = b"user_id,item_id,timestamp,rating\n"
BODY = b"a,1,1,5\na,2,2,5\na,3,3,5\n"
MORE = BODY + BODY.replace(b"a,", b"b,") + BODY.replace(b"a,", b"c,")
TEXT = {  # name: (bytes, what the sentence must say)
    "empty file": (b"", "is empty"),
    "header only": (HEADER, "column names but no interactions"),
    "header without a line end": (HEADER.strip(), "column names but no interactions"),
    "no user column": (HEADER.replace(b"user_id", b"shoe") + BODY, "no column that looks like the user.*its columns are: shoe, item_id"),
    "no item column": (HEADER.replace(b"item_id", b"shoe") + BODY, "no column that looks like the item.*item=COLUMN"),
    "duplicate column": (HEADER.replace(b"item_id", b"user_id") + BODY, "2 columns named 'user_id'"),
    "row too long": (HEADER + BODY + b"a,4,4,5,6\n", "Line 5 of .* has more values than the first line, which has 4"),
    "row too short": (HEADER + b"a,1\n" + BODY, "Line 2 of .* has 2 values, but the first line has 4"),
    "empty item id": (HEADER + BODY + b"a,,4,5\n", "no item id in row 4"),
    "NaN user id": (HEADER + b"NaN,4,4,5\n" + MORE, "no user id in row 1 .*1 of 10 rows, written NaN.*missing=drop .*missing=keep"),
    "an id of a megabyte": (HEADER + BODY + b"a," + b"9" * 1_000_000 + b",4,5\n", "item ids have at most 512 characters, but .* row 4"),
    "binary garbage": (bytes(range(256)) * 20, "is a binary file"),
    "zip archive": (b"PK\x03\x04\x14\x00\x00\x00" + b"x" * 50, "is a compressed file: rename it"),
    "Latin-1 header": (HEADER.replace(b"rating", b"\xe9toiles") + BODY, "is not UTF-8 text"),
    "Latin-1 ids": (HEADER + BODY + b"a,caf\xe9,4,5\n", "is not UTF-8 text"),
    "UTF-16": ((HEADER + BODY).decode().encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
    "unreadable time": (HEADER + BODY + b"a,4,yesterday,5\n", "row 4 of the time column 'timestamp' holds 'yesterday', which is neither"),
    "a missing time": (HEADER + BODY + b"a,4,,5\n", "no time in row 4 .*time=none"),
    "mixed times": (HEADER + BODY + b"a,4,2024-05-31,5\n", "time column 'timestamp' mixes numbers with '2024-05-31' in row 4"),
    "infinite time": (HEADER + BODY + b"a,4,inf,5\n", "row 4 of the time column 'timestamp' holds 'inf', which is neither"),
    "an impossible date": (HEADER + b"a,4,2024-13-99,5\n", "row 1 of the time column 'timestamp' holds '2024-13-99'"),
    "no user long enough": (HEADER + b"a,1,1,5\nb,1,1,5\n", "no user with at least 3 interactions"),
}


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("case", TEXT)
def test_a_broken_text_file_is_one_sentence_that_says_what_is_wrong(tmp_path, suffix, case):
    data, said = TEXT[case]
    binary = case in ("binary garbage", "UTF-16")
    check(write(tmp_path, f"x{suffix}", data if suffix == ".csv" or binary else data.replace(b",", b"\t")), said)


@pytest.mark.parametrize("lines", [9, 1_000_000])
def test_a_quotation_mark_never_closed_is_named(tmp_path, lines):
    check(write(tmp_path, "x.csv", HEADER + BODY + b'"' + b"a,4,4,5\n" * lines), "In line 5 of .* quotation mark .*say quotes=none")


def test_a_quotation_mark_is_an_ordinary_character_between_tabs(tmp_path):
    lines = (HEADER + MORE.replace(b"b,", b'"b,')).replace(b",", b"\t")
    assert list(read_dataset(write(tmp_path, "x.tsv", lines)).user_ids) == ["a", '"b', "c"]


@pytest.mark.parametrize(("value", "said"), [("great", "holds 'great', which is not a number"), ("inf", "holds 'inf', which is infinite")])
def test_a_rating_that_is_no_number_is_named_where_ratings_count(tmp_path, value, said):
    path = write(tmp_path, "x.csv", HEADER + MORE + MORE.replace(b"a,", b"d,") + f"a,4,4,{value}\n".encode())
    check(path, f"row 19 of the rating column 'rating' {said}", min_rating=1, time="timestamp")
    assert read_dataset(path, time="timestamp").account["rows"] == 19


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".inter", ".pkl"])
def test_a_folder_in_place_of_a_file_is_named(tmp_path, suffix):
    (tmp_path / f"x{suffix}").mkdir()
    check(tmp_path / f"x{suffix}", "is a folder, not a file")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".inter", ".pkl"])
def test_a_missing_file_is_named(tmp_path, suffix):
    check(tmp_path / f"x{suffix}", "There is no file")


def test_a_column_that_was_named_but_is_not_there_is_told_with_those_that_are(tmp_path):
    path = write(tmp_path, "x.csv", HEADER + BODY)
    check(path, "no column 'who' for the user; its columns are: user_id, item_id, timestamp, rating", user="who")


def test_one_column_cannot_be_two_things(tmp_path):
    check(write(tmp_path, "x.csv", HEADER + BODY), "'user_id' cannot be", user="user_id", item="user_id")


def test_a_minimum_rating_without_ratings_is_reported(tmp_path):
    check(write(tmp_path, "x.csv", b"user,item\na,1\na,2\na,3\n"), "no rating column, which min_rating needs", min_rating=4)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"min_rating": "high"}, "min_rating must be a number"),
        ({"k_core": 2.5}, "k_core must be an integer"),
        ({"k_core": -1}, "k_core must be an integer"),
        ({"colour": 1}, "no data option 'colour'; the options are user, item"),
    ],
)
def test_a_bad_option_is_named(tmp_path, option, said):
    with pytest.raises(DataError, match=said):
        read_dataset(write(tmp_path, "x.csv", HEADER + BODY), **option)


def test_an_unknown_suffix_is_told_the_formats(tmp_path):
    check(write(tmp_path, "x.xlsx", b"PK"), r"unknown format; expected a file of rows \(\.csv, \.tsv, ")


def test_a_folder_without_data_is_told_the_formats(tmp_path):
    check(tmp_path, r"holds neither a \.inter file, a dataset\.pkl nor a prepared\.json")


# -- item files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("i.csv", b"shoe,title\n1,a\n", "item file .* no column that looks like the item id; its columns are: shoe, title"),
        ("i.csv", b"id,title\n,a\n", "no item id in row 1"),
        ("i.csv", b"id,title\n1,a,b\n", "Line 2 of .* has more values"),
        ("i.csv", b"", "is empty"),
        ("i.xlsx", b"id,title\n1,a\n", "unknown format"),
        ("i.parquet", b"PAR1", "not a readable Parquet file"),
        ("gone.csv", None, "There is no file"),
    ],
)
def test_a_broken_item_file_is_named(tmp_path, name, data, said):
    if data is not None:
        write(tmp_path, name, data)
    with pytest.raises(DataError, match=said) as caught:
        read_dataset(write(tmp_path, "x.csv", HEADER + BODY), items=tmp_path / name)
    assert name in str(caught.value)


# -- RecBole ------------------------------------------------------------------------------------------------------

ATOMIC = b"user_id:token\titem_id:token\ttimestamp:float\trating:float\n"
LINES = b"a\t1\t1\t5\na\t2\t2\t5\na\t3\t3\t5\n"
RECBOLE = {
    "empty file": (b"", "is empty"),
    "header only": (ATOMIC, "column names but no interactions"),
    "no types": (ATOMIC.replace(b":token", b"") + LINES, "not a RecBole atomic file: the column 'user_id' lacks its type"),
    "an unknown type": (ATOMIC.replace(b":float", b":double") + LINES, "the column 'timestamp:double' lacks its type"),
    "commas": ((ATOMIC + LINES).replace(b"\t", b","), "lacks its type"),
    "no user": (ATOMIC.replace(b"user_id", b"shoe") + LINES, "no column that looks like the user.*: shoe, item_id"),
    "a list of items": (ATOMIC.replace(b"item_id:token", b"item_id_list:token_seq") + LINES, "no column that looks like the item"),
    "duplicate column": (ATOMIC.replace(b"item_id", b"user_id") + LINES, "2 columns named 'user_id'"),
    "row too short": (ATOMIC + LINES + b"a\t4\n", "Line 5 of .* has 2 values, but the first line has 4"),
    "row too long": (ATOMIC + b"a\t4\t4\t5\t6\n" + LINES, "Line 2 of .* has more values"),
    "time in words": (ATOMIC + LINES + b"a\t4\tnoon\t5\n", "row 4 of the time column 'timestamp' holds 'noon'"),
    "a missing time": (ATOMIC + LINES + b"a\t4\t\t5\n", "no time in row 4"),
    "empty user": (ATOMIC + b"\t4\t4\t5\n" + MORE.replace(b",", b"\t"), "no user id in row 1"),
    "binary garbage": (bytes(range(256)), "is a binary file"),
    "Latin-1": (ATOMIC + LINES + b"a\tcaf\xe9\t4\t5\n", "is not UTF-8 text"),
    "UTF-16": ((ATOMIC + LINES).decode().encode("utf-16"), "is UTF-16 text"),
    "an absurd id": (ATOMIC + LINES + b"x" * 5000 + b"\t4\t4\t5\n", "user ids have at most 512 characters, but that in row 4"),
}


@pytest.mark.parametrize("case", RECBOLE)
def test_a_broken_atomic_file_is_one_sentence_that_says_what_is_wrong(tmp_path, case):
    data, said = RECBOLE[case]
    check(write(tmp_path, "x.inter", data), said)


def test_a_broken_item_file_beside_the_interactions_is_named(tmp_path):
    write(tmp_path, "x.item", b"item_id:token\tmovie_title:token_seq\n1\ta\tb\n")
    with pytest.raises(DataError, match=r"Line 2 of .*x\.item' has more values"):
        read_dataset(write(tmp_path, "x.inter", ATOMIC + LINES))


def test_a_folder_with_several_inter_files_asks_for_one(tmp_path):
    for name in ("a.train.inter", "a.test.inter"):
        write(tmp_path, name, ATOMIC + LINES)
    check(tmp_path, r"holds 2 \.inter files \(a\.test\.inter, a\.train\.inter\); choose one")


# -- Parquet ------------------------------------------------------------------------------------------------------


def parquet(**columns) -> bytes:
    """A Parquet file of four good rows with these columns changed; None leaves one out."""
    table = {"user_id": ["a"] * 4, "item_id": [1, 2, 3, 4], "timestamp": [1, 2, 3, 4], "rating": [5.0] * 4} | columns
    buffer = io.BytesIO()
    pq.write_table(pa.table({k: v for k, v in table.items() if v is not None}), buffer)
    return buffer.getvalue()


def twice() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["a"] * 4)] * 3, names=["user_id", "user_id", "item_id"]), buffer)
    return buffer.getvalue()


def changed(data: bytes) -> bytes:
    """The same file with its pages, but not its footer, overwritten."""
    return data[:4] + b"\xa5" * 60 + data[64:]


PARQUET = {
    "empty file": (b"", "is empty"),
    "binary garbage": (bytes(range(256)) * 4, "not a readable Parquet file"),
    "a CSV by another name": (HEADER + BODY, "not a readable Parquet file"),
    "cut off": (parquet()[:-100], "not a readable Parquet file: damaged, truncated"),
    "cut in half": (parquet()[: len(parquet()) // 2], "not a readable Parquet file"),
    "overwritten pages": (changed(parquet()), r"cannot be read \([^()]+\)"),
    "a column name that is no text": (parquet().replace(b"item_id", b"item\xe9id"), "not a readable Parquet file"),
    "no rows": (
        parquet(user_id=pa.array([], pa.string()), item_id=pa.array([], pa.int64()), timestamp=None, rating=None),
        "no interactions",
    ),
    "no item column": (parquet(item_id=None), "no column that looks like the item.*: user_id, timestamp, rating"),
    "duplicate column": (twice(), "2 columns named 'user_id'"),
    "a missing user": (parquet(user_id=["a", None, "a", "a"], timestamp=None), "no user id in row 2"),
    "a NaN item": (parquet(item_id=[1.0, 2.0, np.nan, 4.0]), "no item id in row 3"),
    "fractional ids": (parquet(item_id=[1.0, 2.5, 3.0, 4.0]), "row 2 of the item column 'item_id' holds '2.5'; ids must be integers"),
    "infinite ids": (parquet(item_id=[1.0, np.inf, 3.0, 4.0]), "row 2 of the item column 'item_id' holds 'inf'"),
    "users that are lists": (parquet(user_id=[[1], [2], [3], [4]]), "no column that looks like the user"),
    "ids that are truth values": (parquet(user_id=[True] * 4), "no column that looks like the user"),
    "ids that are dates": (parquet(user_id=pd.to_datetime(["2024-01-01"] * 4)), "no column that looks like the user"),
    "a missing time": (parquet(timestamp=[1, None, 3, 4]), "no time in row 2"),
    "a time of day": (
        parquet(timestamp=pa.array([1, 2, 3, 4], pa.time32("s"))),
        "column 'timestamp' holds times of day without a date: say time=none",
    ),
    "an infinite time": (parquet(timestamp=[1.0, 2.0, 3.0, np.inf]), "row 4 of the time column 'timestamp' holds 'inf'"),
}


@pytest.mark.parametrize("case", PARQUET)
def test_a_broken_parquet_file_is_one_sentence_that_says_what_is_wrong(tmp_path, case):
    data, said = PARQUET[case]
    check(write(tmp_path, "x.parquet", data), said)
