"""Files as rows: every row, in the file's order, with its lines accounted for."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from adrec.errors import DataError
from adrec.reading.engine import connect
from adrec.reading.rows import known, open_rows
from tests.adrec.reading.reading import names, read, values, written


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'a,b\n1,"x,y"\n2,\n'),
        ("a.tsv", "a\tb\r\n1\tx,y\r\n2\t\r\n"),
        ("a.csv", "a;b\n1;x,y\n2;\n"),
        ("a.dat", "a::b\n1::x,y\n2::"),
    ],
)
def test_text_is_read_as_written(tmp_path: Path, name: str, text: str):
    path = written(tmp_path / name, text)
    assert read(path) == [("1", "x,y"), ("2", "")]
    assert names(path) == ["a", "b"]


def test_a_relation_has_the_row_number_and_the_columns_asked_for(tmp_path: Path):
    path = written(tmp_path / "a.csv", "row,ROW,x\n7,8,9\n")
    with open_rows(path) as rows, connect() as con:
        assert rows.relation(con, ["x"]).fetchall() == [(1, "9")]
        relation = rows.relation(con, {"user": "ROW", "item": "row"})
        assert (relation.columns, relation.fetchall()) == (["row", "user", "item"], [(1, "8", "7")])
        with pytest.raises(DataError, match="needs another name"):
            rows.relation(con, ["x", "ROW"])
        with pytest.raises(DataError, match="has no column 'y'; its columns are: row, ROW, x"):
            rows.relation(con, ["y"])


def test_row_numbers_are_the_order_of_the_file_with_several_threads(tmp_path: Path):
    path = written(tmp_path / "a.csv", "n\n" + "".join(f"{n}\n" for n in range(1, 300_001)))
    with open_rows(path) as rows, connect(threads=4) as con:
        assert rows.relation(con).filter("row <> n::int").fetchall() == []


@pytest.mark.parametrize("metadata", [b"", b"{", b"[]", b'{"index_columns": 3}', b'{"index_columns": [{}, 4]}'])
def test_odd_metadata_of_pandas_name_no_index(tmp_path: Path, metadata: bytes):
    table = pa.table({"a": [1], "": [2]}).replace_schema_metadata({b"pandas": metadata})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    try:
        with open_rows(tmp_path / "a.parquet") as rows:
            assert (rows.names, rows.index) == (["a", "column2"], ())
    except DataError as refused:
        assert "is not a readable Parquet file" in str(refused)


def test_the_index_of_a_pandas_frame_is_a_column_if_it_is_stored(tmp_path: Path):
    frame = pd.DataFrame({"x": [1.5, 2.5]}, index=pd.Index(["b", "a"], name="who"))
    frame.to_parquet(tmp_path / "named.parquet")
    frame.reset_index(drop=True).to_parquet(tmp_path / "counted.parquet")
    with open_rows(tmp_path / "named.parquet") as rows:
        assert (rows.names, rows.index, rows.types) == (["x", "who"], ("who",), {"x": "DOUBLE", "who": "VARCHAR"})
        assert values(rows) == [(1.5, "b"), (2.5, "a")]
    with open_rows(tmp_path / "counted.parquet") as rows:
        assert (rows.names, rows.index) == (["x"], ())


def test_parquet_keeps_categories_lists_and_what_is_missing(tmp_path: Path):
    table = pa.table({"a": pa.array(["x", None, "x"]).dictionary_encode(), "b": [[1, 2], [], None], "A": [None, 2**60, -1]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=1)
    with open_rows(tmp_path / "a.parquet") as rows:
        assert rows.lists == {"b": "list"}
        assert values(rows) == [("x", [1, 2], None), (None, [], 2**60), ("x", None, -1)]


def test_the_lines_of_a_file_are_accounted_for(tmp_path: Path):
    path = written(tmp_path / "a.csv", '\na,b\n1,"x\n\ny"\n\n2,z')
    with open_rows(path) as rows, connect() as con:
        rows.check(con)
        assert rows.account.lines == {"total": 7, "header": 1, "rows": 2, "blank": 2, "inside_quotes": 2}
        assert rows.account.rows == 2
        with pytest.raises(DataError, match="7 lines, which are 2 rows, but 1 were read"):
            rows.check(con, 1)


def test_rows_that_parquet_says_it_has_are_compared_too(tmp_path: Path):
    pyarrow.parquet.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "a.parquet")
    with open_rows(tmp_path / "a.parquet") as rows, connect() as con, pytest.raises(DataError, match="holds 3 rows, but 2 were read"):
        rows.check(con, 2)


def test_the_account_shows_the_first_rows(tmp_path: Path):
    with open_rows(written(tmp_path / "a.csv", "a,b\n" + "1,x\n" * 9)) as rows:
        assert rows.account.head == [{"a": "1", "b": "x"}] * 5


def test_a_sample_has_the_first_rows_of_all_columns(tmp_path: Path):
    with open_rows(written(tmp_path / "a.csv", "a,A\n1,2\n3,4\n")) as rows:
        assert rows.sample(1).column_names == ["a", "A"]
        assert [c.to_pylist() for c in rows.sample(1).columns] == [["1"], ["2"]]


def test_a_suffix_says_whether_a_file_is_read():
    assert [known(name) for name in ("a.csv", "a.CSV.gz", "a.zip", "a.xlsx", "a.gz", "a")] == [True, True, True, False, False, False]


def test_an_unknown_suffix_and_an_unknown_option_are_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"unknown format; expected .csv, .*\.gz"):
        open_rows(written(tmp_path / "a.xlsx", "a"))
    with pytest.raises(DataError, match="no option 'sep'"):
        open_rows(written(tmp_path / "a.csv", "a"), sep=";")
