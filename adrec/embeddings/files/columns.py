"""Parquet: number columns side by side, or one column of equally long lists; an id column gives the labels."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from adrec.data.columns import LONGEST_ID, is_text, shown
from adrec.embeddings.files.checks import MOST_ENTRIES, Matrix, as_numbers, check_shape
from adrec.embeddings.files.text import is_label
from adrec.errors import WeightsError

NUMBERS = 2**22
"""Numbers read at a time."""


def read_parquet(path: Path, key: str | None) -> Matrix:
    """The table of a Parquet file. key: the list column, if there are several."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            label = next((f.name for f in schema if is_label(f.name) or is_text(f.type)), None)
            lists = [f.name for f in schema if _list_of_numbers(f.type)]
            numbers = [f.name for f in schema if _number(f.type) and f.name != label]
            names = lists if len(lists) == 1 else [name for name in lists if name == key] if key is not None else numbers
            if not names or (key is not None and names != [key]):
                present = ", ".join(f"{shown(f.name)} {str(f.type)[:30]}" for f in list(schema)[:8]) or "none"
                raise WeightsError(f"'{path}' has neither number columns nor a single list column; its columns are: {present}.")
            if len(set(schema.names)) < len(schema.names):
                raise WeightsError(f"'{path}' has several columns of one name; column names must differ.")
            check_shape(path, (rows, max(_values(file, names[0]) // max(rows, 1), len(names))))
        with pyarrow.parquet.ParquetFile(path, read_dictionary=[label] if label else []) as file:
            wanted = names + ([label] if label else [])
            at_once = max(NUMBERS // max(_values(file, names[0]) // max(rows, 1), len(names)), 1)
            parts = list(_batches(path, file.iter_batches(at_once, columns=wanted), names, label))
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:200].rstrip(".")
        raise WeightsError(f"'{path}' is damaged and cannot be read as Parquet ({reason}).") from None
    if not parts:
        raise WeightsError(f"'{path}' holds a table of shape (0, {len(names)}); expected at least 2 rows (items) and 1 column.")
    labels = tuple(text for _, texts in parts for text in texts) if label else None
    notes = (f"Item ids are the column {shown(label)}.",) if label else ()
    return Matrix(np.concatenate([table for table, _ in parts]), labels, notes)


def _batches(path: Path, batches: Iterable[pa.RecordBatch], names: list[str], label: str | None) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Tables (rows, D) and labels, a few rows at a time, so that no declared size is trusted."""
    width, seen = None, 0
    for batch in batches:
        if not len(batch):
            continue
        lists = _list_of_numbers(batch.column(names[0]).type)
        table = _from_lists(path, batch.column(names[0])) if lists else _side_by_side(path, batch, names)
        seen += table.size
        if width not in (None, table.shape[1]) or seen > MOST_ENTRIES:
            raise WeightsError(f"'{path}' has rows of different lengths, or more than {MOST_ENTRIES:,} numbers; expected a matrix.")
        width = table.shape[1]
        yield table, _labels(path, label, batch.column(label)) if label else []


def _values(file: pyarrow.parquet.ParquetFile, name: str) -> int:
    """How many numbers a column holds according to the file."""
    meta = file.metadata
    columns = (meta.row_group(i).column(j) for i in range(meta.num_row_groups) for j in range(meta.num_columns))
    return sum(c.num_values for c in columns if c.path_in_schema.split(".")[0] == name)


def _side_by_side(path: Path, batch: pa.RecordBatch, names: list[str]) -> np.ndarray:
    for name in names:
        if batch.column(name).null_count:
            raise WeightsError(f"'{path}': the column {shown(name)} has missing values; expected only numbers.")
    return np.stack([as_numbers(batch.column(name).to_numpy(zero_copy_only=False)) for name in names], axis=1)


def _from_lists(path: Path, column: pa.Array) -> np.ndarray:
    values = column.flatten()
    if column.null_count or values.null_count or len(values) % len(column):
        raise WeightsError(f"'{path}' has lists of different lengths or with missing values; expected lists of numbers of equal length.")
    width = len(values) // len(column)
    lengths = {width} if pa.types.is_fixed_size_list(column.type) else set(np.asarray(column.value_lengths()).tolist())
    if lengths != {width}:
        raise WeightsError(f"'{path}' has lists of different lengths, such as {min(lengths)} and {max(lengths)}; expected equal lengths.")
    return as_numbers(values.to_numpy(zero_copy_only=False)).reshape(len(column), width)


def _labels(path: Path, name: str | None, column: pa.Array) -> list[str]:
    if pa.types.is_dictionary(column.type):
        longest = max((len(v) for v in column.dictionary.to_pylist() if v is not None), default=0)
        if longest > LONGEST_ID:
            raise WeightsError(f"'{path}': ids have at most {LONGEST_ID} characters, one in {shown(name)} has {longest:,}.")
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _list_of_numbers(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in lists) and _number(kind.value_type)
