"""Several values in one row: one user and their items a line, lists in Parquet, JSON and text."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from adrec.errors import DataError
from adrec.reading.account import Doubt
from adrec.reading.rows import Rows, open_rows
from tests.adrec.reading.reading import values, written

PAIRS = [("a", "7"), ("a", "8"), ("b", "7")]


def unrolled(path: Path, *columns: str) -> tuple[Rows, list[tuple[object, ...]]]:
    with open_rows(path) as rows:
        long = rows.unrolled(columns)
        return long, values(long)


def test_a_line_of_a_user_and_their_items_is_a_row_for_each_item(tmp_path: Path):
    with open_rows(written(tmp_path / "a.txt", "1 7 8 9 \n2 7\n3\n4  9\n\n")) as rows:
        assert rows.names == ["user", "item"]
        assert values(rows) == [("1", "7"), ("1", "8"), ("1", "9"), ("2", "7"), ("4", "9")]
        assert rows.account.lines == {"total": 5, "header": 0, "rows": 4, "blank": 1, "inside_quotes": 0}
        assert (rows.account.rows, rows.account.notes) == (
            5,
            ["1 row with an empty list gives no row.", "4 rows with lists are 5 rows of single values, in their order."],
        )


def test_lines_of_many_whole_numbers_each_are_asked_about(tmp_path: Path):
    path = written(tmp_path / "a.txt", "1 2 3 4 5 6\n7 8 9 1 2 3\n")
    with pytest.raises(Doubt, match="has 6 whole numbers: say layout=lists"):
        open_rows(path)
    with open_rows(path, layout="lists") as rows:
        assert len(values(rows)) == 10
    with open_rows(path, layout="columns") as rows:
        assert len(values(rows)) == 2


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("[]", 'u,items\na,"[7, 8]"\nb,[7]\nc,[]\n'),
        ("[]", "u,items\na,\"['7', '8']\"\nb,['7']\nc,[]\n"),
        ("[]", "u,items\na,[7 8]\nb,[7]\nc,\n"),
        ("|", "u,items\na,7|8\nb,7\nc,\n"),
        (" ", "u,items\na,7 8\nb,7\nc,\n"),
    ],
)
def test_lists_in_text_are_a_row_for_each_value(tmp_path: Path, kind: str, text: str):
    path = written(tmp_path / "a.csv", text)
    with open_rows(path) as rows:
        assert rows.lists == {"items": kind}
    rows, found = unrolled(path, "items")
    assert found == PAIRS
    assert rows.account.rows == 3 and "3 rows with lists are 3 rows of single values" in rows.account.notes[-1]


def test_lists_of_parquet_and_json_are_a_row_for_each_value(tmp_path: Path):
    table = pa.table({"u": ["a", "b", "c"], "items": [["7", "8"], ["7"], None], "times": [[1, 2], [3], []]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    rows, found = unrolled(tmp_path / "a.parquet", "items", "times")
    assert found == [("a", "7", 1), ("a", "8", 2), ("b", "7", 3)]
    assert rows.types == {"u": "VARCHAR", "items": "VARCHAR", "times": "BIGINT"}
    path = written(tmp_path / "a.jsonl", '{"u":"a","items":[7,"8"]}\n{"u":"b","items":["7"]}\n{"u":"c"}\n')
    assert unrolled(path, "items")[1] == PAIRS


def test_lists_of_different_lengths_and_broken_lists_are_refused_with_the_row(tmp_path: Path):
    table = pa.table({"u": ["a", "b"], "items": [["7", "8"], ["7"]], "times": [[1, 2], [3, 4]]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="Row 2 of '.*' does not hold lists of one length in items, times"):
        unrolled(tmp_path / "a.parquet", "items", "times")
    text = "u,items\n" + "a,[7]\n" * 300 + "b,[8\n"
    with pytest.raises(DataError, match="Row 301 of"):
        unrolled(written(tmp_path / "a.csv", text), "items")
    with pytest.raises(DataError, match="column 'u' does not hold lists"):
        unrolled(tmp_path / "a.csv", "u")


def test_times_dates_and_titles_are_no_lists(tmp_path: Path):
    with open_rows(written(tmp_path / "a.csv", "u,d,t\n1,2014-05-19 17:26,Heat 2\n2,20140519 1726,7\n")) as rows:
        assert rows.lists == {}
