"""Files as rows: every row, in the file's order, with its lines accounted for."""

from pathlib import Path

import pandas as pd
import pytest

from adrec.errors import DataError
from adrec.reading.engine import connect
from adrec.reading.rows import open_rows


def read(path: Path, **how: str) -> list[tuple[object, ...]]:
    """All rows, checked."""
    with open_rows(path, **how) as rows, connect(threads=1) as con:
        rows.check(con)
        return [row[1:] for row in rows.relation(con).fetchall()]


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", 'a,b\n1,"x,y"\n2,\n'), ("a.tsv", "a\tb\r\n1\tx,y\r\n2\t\r\n"), ("a.csv", "a;b\n1;x,y\n2;\n")]
)
def test_text_is_read_as_written(tmp_path: Path, name: str, text: str):
    assert read(written(tmp_path / name, text)) == [("1", "x,y"), ("2", "")]


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


def test_the_index_of_a_pandas_frame_is_a_column_if_it_is_stored(tmp_path: Path):
    frame = pd.DataFrame({"x": [1.5, 2.5]}, index=pd.Index(["b", "a"], name="who"))
    frame.to_parquet(tmp_path / "named.parquet")
    frame.reset_index(drop=True).to_parquet(tmp_path / "counted.parquet")
    with open_rows(tmp_path / "named.parquet") as rows:
        assert (rows.names, rows.index, rows.types) == (["x", "who"], ("who",), {"x": "DOUBLE", "who": "VARCHAR"})
    assert read(tmp_path / "named.parquet") == [(1.5, "b"), (2.5, "a")]
    with open_rows(tmp_path / "counted.parquet") as rows:
        assert (rows.names, rows.index) == (["x"], ())


def test_the_lines_of_a_file_are_accounted_for(tmp_path: Path):
    path = written(tmp_path / "a.csv", 'a,b\n1,"x\ny"\n\n2,z')
    with open_rows(path) as rows, connect() as con:
        rows.check(con)
    assert rows.account.lines == {"total": 5, "header": 1, "rows": 2, "blank": 1, "inside_quotes": 1}
    assert rows.account.rows == 2


def test_a_sample_has_the_first_rows_of_all_columns(tmp_path: Path):
    with open_rows(written(tmp_path / "a.csv", "a,A\n1,2\n3,4\n")) as rows:
        assert rows.sample(1).column_names == ["a", "A"]
        assert [c.to_pylist() for c in rows.sample(1).columns] == [["1"], ["2"]]
