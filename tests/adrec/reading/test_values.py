"""Values: one idea of a number, an id, a missing word and a time, whatever the column's type."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from adrec.errors import DataError
from adrec.reading import values
from adrec.reading.account import Doubt
from adrec.reading.kinds import Kind, kind_of, two_spellings
from adrec.reading.times import times_of

FILE = Path("a.csv")


def column(con: duckdb.DuckDBPyConnection, given: Sequence[Any] | pa.Array, **more: Sequence[Any] | pa.Array) -> duckdb.DuckDBPyRelation:
    """A relation with these values as the column x."""
    return con.from_arrow(pa.table({"row": range(1, len(given) + 1), "x": given, **more}))


def kind(con: duckdb.DuckDBPyConnection, given: Sequence[Any] | pa.Array) -> Kind:
    return kind_of(con, column(con, given), "x")


def ticks(con: duckdb.DuckDBPyConnection, given: Sequence[Any] | pa.Array, **how: str) -> list[Any]:
    """Values as times, as numbers."""
    relation = column(con, given)
    times = times_of(FILE, kind_of(con, relation, "x"), **how)
    assert times is not None
    times.check(con, relation, FILE)
    return [row[0] for row in relation.project(times.sql()).fetchall()]


def read(con: duckdb.DuckDBPyConnection, given: Sequence[Any] | pa.Array, **how: str) -> list[str | None]:
    """Values as times, as text."""
    times = times_of(FILE, kind(con, given), **how)
    assert times is not None
    return [times.iso(tick) for tick in ticks(con, given, **how)]


def test_a_number_has_one_form_and_ascii_digits(con):
    numbers = ["1", "-2.5", "+3.", ".5", "1e3", " 7\u00a0"]
    others = ["1_000", "１２", "٣", "0x10", "1,5", "inf", "1e999", "--1", "1 2"]
    relation = column(con, [*numbers, *others, "NaN", ""])
    found = [row[0] for row in relation.project(values.number_sql('"x"')).fetchall()]
    assert found == [1, -2.5, 3, 0.5, 1000, 7] + [None] * (len(others) + 2)
    with pytest.raises(DataError, match=r"'a.csv': row 7 of the rating column 'x' holds '1_000', which is not a number\."):
        values.check_numbers(con, relation, FILE, "x", "rating")
    with pytest.raises(DataError, match="row 2 of the rating column 'x' holds '-inf', which is infinite"):
        values.check_numbers(con, column(con, [1.0, -np.inf]), FILE, "x", "rating")
    assert values.check_numbers(con, column(con, numbers), FILE, "x", "rating") is None


@pytest.mark.parametrize("word", values.MISSING)
def test_missing_words_are_missing_ids_numbers_and_times(con, word):
    found = kind(con, ["5", f" {word} "])
    assert (found.missing, found.firsts["missing"][0], found.counts) == (1, 2, {"whole": 1})
    assert column(con, ["5", word]).project(f"{values.id_sql('x')}, {values.number_sql('x')}").fetchall() == [("5", 5), (None, None)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["7", "-2"], "whole numbers"),
        (["7", "2.5"], "numbers"),
        (["2014-05-19", "2014-5-9 17:26"], "dates"),
        (["2019-10-01 00:00:00 UTC", "2019-10-01T00:00:00+02:00"], "dates"),
        (["19/05/2014", "05 19, 2014", "19.5.2014 5:26 PM"], "dates"),
        (["Mon May 19 17:26:42 2014", "19 May 2014", "May 9, 2014"], "dates"),
        (["20140519", "20140520"], "dates written as numbers"),
        (["1400520402", "1400559698"], "seconds since 1970"),
        (["1400520402000"], "milliseconds since 1970"),
        (["17:26:42", "5:26 PM"], "times of day"),
        (["true", "False"], "yes and no"),
        (["[0.1, 0.2]", "[0.3, 0.4]"], "lists"),
        (["0.1 0.2", "0.3 0.4"], "lists"),
        (["Song 1", "1_000"], "text"),
        (["", "NA"], "no values"),
        ([1.5, 2.0], "numbers"),
        ([True, False], "yes and no"),
        ([np.datetime64("2014-05-19", "s")], "dates"),
        ([[1.0], [2.0]], "lists"),
    ],
)
def test_a_column_is_what_its_values_are(con, given, words):
    assert kind(con, given).words == words


def test_a_kind_counts_the_whole_column(con):
    found = kind(con, ["3", "4", "", "3.0"])
    assert (found.rows, found.missing, found.distinct, found.least, found.most) == (4, 1, 3, 3, 4)
    assert (found.numeric, found.whole, found.unique, found.offset) == (True, True, False, None)
    assert kind(con, ["7", "8", "9"]).offset == 6
    weighed = con.from_arrow(pa.table({"row": [1, 4], "x": ["3", "4"], "n": [3, 2]}))
    assert kind_of(con, weighed, "x", weight="n").counts == {"whole": 5}


def test_ids_with_and_without_a_point_are_one_where_all_are_numbers(con):
    relation = column(con, ["12", "12.0", "007", " 12. "])
    found = kind_of(con, relation, "x")
    assert relation.project(values.id_sql("x", numeric=found.numeric)).fetchall() == [("12",), ("12",), ("007",), ("12",)]
    assert two_spellings(found) == ("Ids of the column 'x' are written in two ways, 2 rows like '12.0'; they are read as '12'.")
    texts = kind(con, ["12", "12.0", "a"])
    assert not texts.numeric and two_spellings(texts) is None


@pytest.mark.parametrize("given", [pa.array([12, 7]), pa.array([12.0, 7.0]), pa.array(["12", "7"]).dictionary_encode()])
def test_ids_of_any_type_are_the_same_text(con, given):
    relation = column(con, given)
    assert relation.project(values.id_sql("x", str(relation.types[1]))).fetchall() == [("12",), ("7",)]
    assert values.check_ids(con, relation, FILE, "x", "user") == 0


def test_what_can_be_no_id_is_refused(con):
    for given, message in [
        ([1.5, 2.0], "row 1 of the user column 'x' holds '1.5'; ids must be integers or text"),
        ([[1], [2]], "holds BIGINT.. values; ids must be integers or text"),
        (["a", "b" * 513], "user ids have at most 512 characters, but that in row 2 is longer"),
    ]:
        with pytest.raises(DataError, match=message):
            values.check_ids(con, column(con, given), FILE, "x", "user")
    assert values.check_ids(con, column(con, ["a", "", "NA"]), FILE, "x", "user") == 2


NOON = "2014-05-19 12:00:00"


@pytest.mark.parametrize(
    "text",
    [
        "2014-05-19 12:00:00",
        "2014-05-19T12:00",
        "2014-05-19T12:00:00Z",
        "2014-05-19 12:00:00 UTC",
        "2014-05-19 14:00:00+02:00",
        "2014-05-19T14:00:00.000 +0200",
        "2014/05/19 12:00:00.5",
        "2014.5.19 12:00:00,5",
        "19/05/2014 12:00",
        "19.5.2014 12:00 PM",
        "05/19/2014 12:00:00 pm",
        "05 19, 2014 12:00",
        "Mon May 19 12:00:00 2014",
        "Mon May 19 14:00:00 +0200 2014",
        "Mon, 19 May 2014 12:00:00 GMT",
        "19 May 2014 12:00",
        "May 19, 2014, 12:00 PM",
        "1400500800",
        "1400500800000",
        "1400500800000000000",
    ],
)
def test_a_time_is_read_however_it_is_written(con, text):
    assert read(con, [text]) == [NOON]


@pytest.mark.parametrize(
    "text", ["2014-05-19 17:26:42 pm", "2014-05-19 (BC)", "infinity", "epoch", "2014-05-19 12:00 Europe/Berlin", "today"]
)
def test_a_date_that_the_engine_would_take_loosely_is_refused(con, text):
    with pytest.raises(DataError, match="row 2 of the time column 'x' holds .*, which is neither a number nor a date such as 2024-05-31"):
        ticks(con, ["2014-05-19", text])


def test_a_broken_time_after_the_sample_is_named(con):
    times = times_of(FILE, kind(con, ["2014-05-19"]))
    assert times is not None
    with pytest.raises(DataError, match=r"row 2 of the time column 'x' holds '2014-02-30', which is not a date such as"):
        times.check(con, column(con, ["2014-05-19", "2014-02-30"]), FILE)
    with pytest.raises(DataError, match=r"no time in row 2 \(column 'x', 1 of 2 rows\); every row needs one: say missing=drop .*none"):
        times.check(con, column(con, ["2014-05-19", ""]), FILE)
    with pytest.raises(DataError, match="row 3 .* holds '1_000', which is neither a number nor"):
        numbers = times_of(FILE, kind(con, ["1", "2"]))
        assert numbers is not None
        numbers.check(con, column(con, ["1", "2", "1_000"]), FILE)


def test_numbers_that_are_no_dates_keep_their_order(con):
    assert ticks(con, ["3", "+1", " 2"]) == [3, 1, 2]
    assert ticks(con, ["3.5", "1e1", "-2"]) == [3.5, 10, -2]
    assert ticks(con, [3.5, 1.0]) == [3.5, 1]
    assert ticks(con, pa.array([2**62 + 1, 2**62])) == [2**62 + 1, 2**62]
    assert read(con, ["3", "1"]) == [None, None]


def test_dates_written_as_numbers_keep_their_numbers(con):
    assert ticks(con, ["20140519", "20140520"]) == [20140519, 20140520]
    assert read(con, ["20140519", "20140520"]) == ["2014-05-19 00:00:00", "2014-05-20 00:00:00"]
    assert read(con, ["20140519120000", "20140520120000"])[0] == NOON


def test_decimals_of_seconds_are_kept(con):
    assert np.diff(ticks(con, ["2014-05-19 12:00:00", "2014-05-19 12:00:00.000001"])) == [1]
    assert np.diff(ticks(con, ["2014-05-19 12:00:00.000000001", "2014-05-19 12:00:00.000000002"])) == [1]
    stamps = pa.array([1, 2], pa.timestamp("ns"))
    assert np.diff(ticks(con, stamps)) == [1]


def test_a_day_that_could_be_a_month_is_asked(con):
    assert read(con, ["03/04/2014", "13/04/2014"])[0] == "2014-04-03 00:00:00"
    assert read(con, ["03/04/2014", "03/14/2014"])[0] == "2014-03-04 00:00:00"
    with pytest.raises(Doubt, match=r"dates=dmy \(.*\) or dates=mdy") as doubt:
        ticks(con, ["03/04/2014", "05/06/2014"])
    assert (doubt.value.option, [value for value, _ in doubt.value.candidates]) == ("dates", ["dmy", "mdy"])
    assert read(con, ["03/04/2014"], dates="mdy") == ["2014-03-04 00:00:00"]
    with pytest.raises(DataError, match="dates with the day first and dates with the month first"):
        ticks(con, ["13/04/2014", "04/13/2014"])


def test_units_in_one_column_are_told_apart_and_asked(con):
    mixed = ["1400500800", "1400500801000"]
    with pytest.raises(Doubt, match="mixes 1 value in seconds and 1 value in milliseconds since 1970: say unit=each") as doubt:
        ticks(con, mixed)
    assert [value for value, _ in doubt.value.candidates] == ["each", "s", "ms"]
    assert read(con, mixed, unit="each") == [NOON, "2014-05-19 12:00:01"]
    assert read(con, [f"{time}.5" for time in mixed], unit="each") == [NOON, "2014-05-19 12:00:01"]
    assert ticks(con, ["1400500800.5", "1400500801000"], unit="each") == [1400500800500000000, 1400500801000000000]
    assert ticks(con, mixed, unit="s") == [1400500800, 1400500801000]
    times = times_of(FILE, kind(con, mixed[:1]))
    assert times is not None
    with pytest.raises(Doubt, match="mixes seconds and milliseconds"):
        times.check(con, column(con, mixed), FILE)


@pytest.mark.parametrize("clock", [["172642", "42138"], ["17:26:42", "4:21:38"], ["5:26:42 PM", "4:21:38 am"], ["62802000", "15698000"]])
@pytest.mark.parametrize("day", [["2014-05-19", "2014-05-20"], ["20140519", "20140520"], ["19/05/2014", "20/05/2014"]])
def test_a_date_and_a_time_of_day_are_one_time(con, day, clock):
    relation = column(con, day, y=clock)
    times = times_of(FILE, kind_of(con, relation, "x"), kind_of(con, relation, "y"))
    assert times is not None
    times.check(con, relation, FILE)
    found = [times.iso(row[0]) for row in relation.project(times.sql()).fetchall()]
    assert found == ["2014-05-19 17:26:42", "2014-05-20 04:21:38"]


def test_kinds_of_time_are_not_mixed(con):
    with pytest.raises(DataError, match="mixes numbers with '2014-05-19' in row 2; use one kind of time"):
        ticks(con, ["1400500800", "2014-05-19"])
    assert times_of(FILE, kind(con, ["", "NA"])) is None
