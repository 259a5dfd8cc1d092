"""Tables in files: column names, and columns by position. This module knows nothing about users and items."""

import csv
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from adrec.data.columns import shown
from adrec.errors import DataError

HEAD = 1 << 16
BLOCK = 1 << 23
ATOMIC_TYPES = ("token", "token_seq", "float", "float_seq")
Column = Callable[[Sequence[int]], list[pa.ChunkedArray]]
"""Reads the columns at these positions."""
Table = tuple[Sequence[str], Column]
"""Column names, and the function that reads columns."""


def atomic_file(path: Path) -> Table:
    """Header and columns of an atomic file: tab-separated without quotes, each column named ``name:type``."""
    header, read = delimited(path, "\t", quote=False)
    for field in header:
        if field.partition(":")[2] not in ATOMIC_TYPES:
            types = ", ".join(ATOMIC_TYPES)
            column = f"the column {shown(field)} lacks its type ({types}), as in user_id:token"
            raise DataError(f"'{path}' is not a RecBole atomic file: {column}.")
    return header, read


def present(path: Path) -> Path:
    """The path, if it is a file with something in it."""
    if path.is_dir():
        raise DataError(f"'{path}' is a folder, not a file.")
    try:
        size = path.stat().st_size
    except OSError:
        raise DataError(f"There is no file '{path}'.") from None
    if not size:
        raise DataError(f"'{path}' is empty.")
    return path


def delimited(path: Path, separator: str | None = None, quote: bool = True) -> Table:
    """Column names of a text table and a function that reads columns by position. separator: guessed from the header if None."""
    head = _head(present(path))
    line = head.split("\n", 1)[0]
    separator = separator or max(",;\t|", key=line.count)
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=separator, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE)
    try:
        names = [n.strip() for n in next(rows, [])]
    except csv.Error as error:
        raise DataError(f"The first line of '{path}' cannot be read as column names ({error}).") from None
    if not any(names):
        raise DataError(f"The first line of '{path}' is blank; it must name the columns.")

    def read(positions: Sequence[int]) -> list[pa.ChunkedArray]:
        labels = [str(i) for i in range(len(names))]
        bad: list[tuple[int, int, bool]] = []

        def ragged(row: Any) -> str:
            bad.append((row.number - rows.line_num, row.actual_columns, "\n" in row.text))
            return "error"

        try:
            table = pyarrow.csv.read_csv(
                path,
                pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK, skip_rows=rows.line_num, column_names=labels),
                pyarrow.csv.ParseOptions(
                    delimiter=separator, quote_char='"' if quote else False, newlines_in_values=quote, invalid_row_handler=ragged
                ),
                pyarrow.csv.ConvertOptions(include_columns=[labels[p] for p in positions], column_types=dict.fromkeys(labels, pa.string())),
            )
        except (pa.ArrowException, OSError) as error:
            raise _table_error(path, names, bad, error) from None
        return [table.column(i) for i in range(len(positions))]

    return names, read


def _table_error(path: Path, names: Sequence[str], ragged: Sequence[tuple[int, int, bool]], error: Exception) -> DataError:
    """Why a text table cannot be read, as a sentence."""
    if ragged:
        row, count, several_lines = ragged[0]
        hint = "; look for an unclosed quotation mark" if several_lines else ""
        return DataError(f"'{path}': row {row} has {count} value{'s' * (count != 1)}, but the first line names {len(names)} columns{hint}.")
    if "UTF8" in str(error).upper().replace("-", ""):
        return DataError(f"'{path}' is not UTF-8 text; save it as UTF-8.")
    if "straddling" in str(error):
        return DataError(f"'{path}' has an unclosed quotation mark, or a row of more than {BLOCK >> 20} MB.")
    if "skip initial" in str(error):
        return DataError(f"'{path}' has column names but no interactions.")
    return DataError(f"'{path}' cannot be read as a table ({str(error).splitlines()[0].rstrip('.')}).")


def _head(path: Path) -> str:
    """The beginning of a text file; a DataError if it is not UTF-8 text."""
    try:
        with open(path, "rb") as file:
            data = file.read(HEAD)
    except OSError as error:
        raise DataError(f"'{path}' cannot be opened ({error.strerror}).") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"'{path}' is UTF-16 text; save it as UTF-8.")
    if b"\x00" in data:
        raise DataError(f"'{path}' is a binary file, not a text table.")
    try:
        return data.decode("utf-8-sig") if len(data) < HEAD else data[: data.rfind(b"\n") + 1 or HEAD].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"'{path}' is not UTF-8 text; save it as UTF-8.") from None


def parquet(path: Path) -> Table:
    """Column names of a Parquet file and a function that reads columns by position."""

    def broken(error: Exception) -> DataError:
        reason = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
        return DataError(f"'{path}' is not a readable Parquet file: damaged, truncated or another format ({reason}).")

    try:
        with pyarrow.parquet.ParquetFile(present(path)) as file:
            names = list(file.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise broken(error) from None

    def read(positions: Sequence[int]) -> list[pa.ChunkedArray]:
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                table = file.read(columns=[names[p] for p in positions])
            return [table.column(names[p]) for p in positions]
        except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
            raise broken(error) from None

    return names, read


TABLES: dict[str, Callable[[Path], Table]] = {
    ".csv": delimited,
    ".tsv": partial(delimited, separator="\t"),
    ".parquet": parquet,
    ".pq": parquet,
}
"""Readers of tables with column names by suffix: interactions, items and histories may come in any of them."""
