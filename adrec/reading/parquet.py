"""Parquet: columns by their types, lists too, and the index that pandas stores as a column."""

from pathlib import Path

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
    text.different(path, names)
    read = f"read_parquet({path_literal(plain)}, hive_partitioning=false, file_row_number=true)"
    try:
        described = con.sql(f"describe select * exclude (file_row_number) from {read}").fetchall()
    except duckdb.Error as error:
        raise sentence(path, error) from None
    indexed = tuple(name for name, is_index in zip(names, stored, strict=True) if is_index)
    types = [row[1] for row in described]
    columns = ", ".join(f"{quoted(row[0])} as c{i}" for i, row in enumerate(described))
    sql = f"(select file_row_number + 1 as row, {columns} from {read})"
    lists = {name: "list" for name, kind in zip(names, types, strict=True) if kind.endswith("]")}
    notes = [f"The index of the pandas frame is stored as {listed(indexed)}."] if indexed else []
    return Source("Parquet", names, types, sql, rows=rows, lists=lists, index=indexed, notes=notes)
