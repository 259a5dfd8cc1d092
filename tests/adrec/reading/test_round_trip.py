"""Whatever a common writer makes of any table comes back equal, or is refused with a sentence."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adrec.errors import DataError
from adrec.reading.rows import open_rows
from tests.adrec.reading.reading import read, values

COLUMNS = ("user_id", "item_id", "title")
SUFFIXES = {",": "csv", ";": "csv", "|": "csv", "\t": "tsv", " ": "txt"}
ids = st.one_of(st.integers(0, 10**12).map(str), st.text("abcXYZ019_-", min_size=1, max_size=8))
marks = st.text("\"',;|\t\n\r \\#a1:[]", max_size=6)
texts = st.one_of(
    marks, marks, st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), st.sampled_from(["nan", "NULL", "1.0"])
)
tables = st.lists(st.tuples(ids, ids, texts), min_size=1, max_size=5)
orders = st.permutations(range(3))
Rows = list[tuple[str, ...]]


def with_csv(rows: Rows, names: list[str], separator: str, quoting: int, path: Path) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator="\r\n" if len(rows) % 2 else "\n")
    writer.writerow(names)
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode())


def with_pandas(rows: Rows, names: list[str], separator: str, quoting: int, path: Path) -> None:
    pd.DataFrame(rows, columns=names, dtype=object).to_csv(path, sep=separator, index=False, quoting=quoting)


def with_arrow(rows: Rows, names: list[str], separator: str, quoting: int, path: Path) -> None:
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    style = {csv.QUOTE_NONE: "none", csv.QUOTE_ALL: "all_valid"}.get(quoting, "needed")
    pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(delimiter=separator, quoting_style=style))


def with_duckdb(rows: Rows, names: list[str], separator: str, quoting: int, path: Path) -> None:
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})  # noqa: F841
    force = ", force_quote *" if quoting == csv.QUOTE_ALL else ""
    with duckdb.connect() as con:
        con.register("written", table)
        con.execute(f"copy written to '{path}' (format csv, delimiter '{separator}', header{force})")


WRITERS: dict[str, Callable[[Rows, list[str], str, int, Path], None]] = {
    "csv": with_csv,
    "pandas": with_pandas,
    "arrow": with_arrow,
    "duckdb": with_duckdb,
}


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=tables, order=orders, separator=st.sampled_from(list(SUFFIXES)), quoting=st.sampled_from([0, 1, 2, 3]))
@example(rows=[("1", "2", 'a "b"'), ("1", "3", "")], order=[0, 1, 2], separator="\t", quoting=0)
@example(rows=[("1", "2", 'a "b"'), ("1", "3", "x\ty")], order=[2, 1, 0], separator="\t", quoting=0)
def test_a_written_table_comes_back_equal_or_is_refused(
    tmp_path: Path, writer: str, rows: Rows, order: list[int], separator: str, quoting: int
):
    path = tmp_path / f"a.{SUFFIXES[separator]}"
    rows, names = [tuple(row[i] for i in order) for row in rows], [COLUMNS[i] for i in order]
    try:
        WRITERS[writer](rows, names, separator, quoting, path)
    except (csv.Error, pa.ArrowInvalid):
        return  # the writer refuses what it cannot write
    try:
        with open_rows(path) as source:
            found, told = values(source), source.account.notes
    except DataError as refused:
        assert str(path) in str(refused) and str(refused).endswith((".", ")")), refused
        return
    if any(note.startswith("Some lines end with CR LF") for note in told):
        found, rows = [[tuple(v.replace("\r", "") for v in row) for row in each] for each in (found, rows)]
    assert found == rows


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(st.tuples(st.text(max_size=4), st.none() | st.integers(-(2**63), 2**63 - 1), st.lists(st.text(max_size=3)))))
def test_parquet_comes_back_equal(tmp_path: Path, rows: list[tuple[str, int | None, list[str]]]):
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    kinds = (pa.string(), pa.int64(), pa.list_(pa.string()))
    table = pa.table({name: pa.array(column, kind) for name, column, kind in zip("aAb", columns, kinds, strict=True)})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == rows


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(st.dictionaries(st.sampled_from(["a", "A", "b\"'.", ""]), st.none() | texts), min_size=1))
def test_json_lines_come_back_equal(tmp_path: Path, rows: list[dict[str, str | None]]):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=len(rows) % 2 == 1) + "\n" for row in rows), encoding="utf-8")
    names = list(dict.fromkeys(name for row in rows for name in row))
    if names:
        assert read(path) == [tuple(row.get(name) for name in names) for row in rows]
