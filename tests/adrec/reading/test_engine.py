"""The engine: closed to everything but the file that it is given."""

from pathlib import Path

import duckdb
import pytest

from adrec.errors import DataError
from adrec.reading.engine import as_sentences, connect, path_literal


def test_a_connection_sees_no_variable_of_python():
    frame = connect().sql("select 1 as a").to_arrow_table()
    assert len(frame) == 1
    with connect() as con, pytest.raises(duckdb.CatalogException):
        con.sql("select * from frame")


def test_the_temporary_folder_is_there_while_it_is_needed(tmp_path: Path):
    con = connect(memory=60 << 20, threads=1, folder=tmp_path)
    folder = Path(con.sql("select current_setting('temp_directory')").fetchall()[0][0])
    con.execute("select 1")
    assert folder.parent == tmp_path and not folder.exists()
    con.execute("create table t as select range as a, hash(range) as b, range || repeat('x', 20) as s from range(3000000)")
    assert folder.is_dir()
    del con
    assert not folder.exists()


def test_a_name_with_signs_of_a_pattern_is_that_file(tmp_path: Path):
    names = ["a*b.csv", "axb.csv", "it's [1]?.csv"]
    for number, name in enumerate(names):
        (tmp_path / name).write_text(f"a\n{number}\n", encoding="utf-8")
    with connect() as con:
        read = [con.sql(f"select * from read_csv({path_literal(tmp_path / name)})").fetchall() for name in names]
    assert read == [[(0,)], [(1,)], [(2,)]]


def test_an_error_of_the_engine_is_a_sentence_that_names_the_line(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3\n", encoding="utf-8")
    with (
        connect() as con,
        pytest.raises(DataError, match=r"^Line 3 of '.*a.csv' has 1 value, but the first line has 2\.$"),
        as_sentences(path),
    ):
        con.sql(
            f"select * from read_csv({path_literal(path)}, auto_detect=false, header=true, columns={{a: 'VARCHAR', b: 'VARCHAR'}})"
        ).fetchall()


def test_a_long_query_prints_no_progress() -> None:
    with connect() as con:
        assert con.execute("select current_setting('enable_progress_bar')").fetchall() == [(False,)]
