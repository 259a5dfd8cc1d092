"""Parquet: columns by their types, lists too, and the index that pandas stores as a column."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet

from adrec.errors import DataError
from adrec.reading import text
from adrec.reading.account import listed, shown_path
from adrec.reading.engine import path_literal, quoted, sentence
from adrec.reading.limits import MOST_COLUMNS
from adrec.reading.source import Source


def read_parquet(con: duckdb.DuckDBPyConnection, path: Path, plain: Path) -> Source:
    """The source of a Parquet file. The columns of a pandas index are those that pandas' own metadata names; a counted index is none."""
    try:
        with pyarrow.parquet.ParquetFile(plain) as file:
            names, metadata = list(file.schema_arrow.names), file.schema_arrow.pandas_metadata or {}
            rows = int(file.metadata.num_rows)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:200].rstrip(".")
        raise DataError(f"{shown_path(path)} is not a readable Parquet file: damaged, truncated or another format ({reason}).") from None
    if not 0 < len(names) <= MOST_COLUMNS:
        raise DataError(f"{shown_path(path)} has {len(names):,} columns; a file must have 1 to {MOST_COLUMNS:,}.")
    index = metadata.get("index_columns", []) if isinstance(metadata, dict) else []
    stored = [isinstance(index, list) and name in index for name in names]
    names = [name or f"column{number}" for number, name in enumerate(names, 1)]
    read = f"read_parquet({path_literal(plain)}, hive_partitioning=false, file_row_number=true)"
    try:
        described = con.sql(f"select * exclude (file_row_number) from {read}")
        stored_as, types = described.columns, described.types
    except duckdb.Error as error:
        raise sentence(path, error) from None
    indexed = tuple(name for name, is_index in zip(names, stored, strict=True) if is_index)
    fields = [field for name, called, kind in zip(names, stored_as, types, strict=True) for field in _fields(name, quoted(called), kind)]
    names, types = [name for name, _, _ in fields], [kind for _, _, kind in fields]
    text.different(path, names)
    columns = ", ".join(f"{value} as c{i}" for i, (_, value, _) in enumerate(fields))
    sql = f"(select file_row_number + 1 as row, {columns} from {read})"
    lists = {name: "list" for name, kind in zip(names, types, strict=True) if kind.id in ("list", "array")}
    notes = [f"The index of the pandas frame is stored as {listed(indexed)}."] if indexed else []
    return Source("Parquet", names, list(map(str, types)), sql, rows=rows, lists=lists, index=indexed, notes=notes)


def _fields(name: str, value: str, kind: Any) -> Iterator[tuple[str, str, Any]]:
    """A column, or of one that holds objects the fields inside, called ``user.id``. value: SQL. kind: DuckDB's type."""
    if kind.id != "struct":
        yield name, value, kind
        return
    for inner, of in kind.children:
        yield from _fields(f"{name}.{inner}", f"{value}.{quoted(inner)}", of)
