"""Tables with rows and columns: text, JSON and Parquet, read through ``adrec.reading``, which knows what each column is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from adrec.embeddings.files.checks import MOST_ENTRIES, Matrix, as_numbers, check_shape, tell_odd
from adrec.errors import WeightsError
from adrec.reading import values
from adrec.reading.account import Use, counted, shown
from adrec.reading.engine import as_sentences, connect, literal
from adrec.reading.limits import LONGEST_ID
from adrec.reading.opened import PACKED
from adrec.reading.rows import ROW, Rows, open_rows
from adrec.reading.table_roles import TableRoles, table_roles
from adrec.reading.text import HOW
from adrec.reading.vectors import LABEL, VECTOR

NUMBERS = 2**22
"""Numbers read at a time."""
MOST_TEXT = 2**28
"""Bytes of text in the first rows of a Parquet file, which are looked at to tell what its columns are."""
FIRST = 5_000
LARGEST = 2**31
"""Bytes of a file of text."""
ROLES = ("item", "title", "vector", "leave")
VECTORS = (".txt", ".vec", ".w2v")
"""Suffixes of text that may be a label and a vector a line."""


def read_columns(path: Path, key: str | None, options: Mapping[str, str]) -> Matrix:
    """The table of a file with rows and columns. key: the column of vectors, if there are several. options: HOW and ROLES."""
    inner = Path(path.stem).suffix.lower() if path.suffix.lower() in PACKED else path.suffix.lower()
    if path.stat().st_size > LARGEST and inner not in (".parquet", ".pq"):
        raise WeightsError(f"'{path}' has {path.stat().st_size:,} bytes; text must be at most {LARGEST:,}.")
    if inner in (".parquet", ".pq") and path.suffix.lower() not in PACKED:
        _check_texts(path)
    how = {name: options[name] for name in HOW if name in options}
    if inner in VECTORS or path.suffix.lower() == ".zip":
        how.setdefault("layout", "vectors")
    wanted: dict[str, str | None] = {name: options[name] for name in ROLES if name in options}
    if key is not None:
        wanted["vector"] = key
    with connect() as con, open_rows(path, con, **how) as rows:
        if rows.names == [LABEL, VECTOR] and rows.types[VECTOR] == "VARCHAR[]":
            uses = (Use(LABEL, "item", "what stands before the numbers"), Use(VECTOR, "vector", "the last fields of every line"))
            roles = TableRoles(rows, vector=VECTOR, ids=LABEL, uses=uses)
        else:
            roles = table_roles(rows, con, wanted)
        roles.tell(rows.account)
        table, labels, titles = _whole(con, rows, roles)
        account = rows.account
        rows.check(con, len(table))
        account.read = len(table)
        labels = titles if labels is None else labels
        if labels is not None:
            labels = _plain_ids(labels, account.notes)
            if roles.ids:
                tell_odd(labels, account)
            account.items = len(set(labels))
    told = [
        f"Item ids are the column {shown(use.column)}: {use.why}." for use in account.uses if use.role == ("item" if roles.ids else "title")
    ]
    return Matrix(table, labels, (*told, *account.notes), account=account, titles=titles)


def _whole(con: duckdb.DuckDBPyConnection, rows: Rows, roles: TableRoles) -> tuple[np.ndarray, tuple[str, ...] | None, Any]:
    columns = [roles.vector] if roles.vector else list(roles.dims)
    if rows.format == "Parquet" and not any(values.family(rows.types[name]) == "text" for name in columns):
        batches: Iterator[tuple[np.ndarray, list[str], list[str]]] = _parquet(rows, columns, roles)
    else:
        batches = _text(con, rows, columns, roles)
    tables: list[np.ndarray] = []
    labels: list[str] = []
    titles: list[str] = []
    entries = 0
    for table, ids, names in batches:
        entries += table.size
        if entries > MOST_ENTRIES or (tables and table.shape[1] != tables[0].shape[1]):
            raise WeightsError(f"'{rows.path}' has rows of different lengths, or more than {MOST_ENTRIES:,} numbers; expected a matrix.")
        tables.append(table)
        labels += ids
        titles += names
    if not tables:
        raise WeightsError(f"'{rows.path}' holds a table of shape (0, {len(columns)}); expected at least 2 rows (items) and 1 column.")
    return np.concatenate(tables), tuple(labels) if roles.ids else None, tuple(titles) if roles.title else None


def _plain_ids(labels: tuple[str, ...], notes: list[str]) -> tuple[str, ...]:
    """Ids that are all whole numbers, without ``.0``."""
    points = sum(label.rpartition(".")[1] == "." and not label.rpartition(".")[2].strip("0") for label in labels)
    if not points or not all(label.rpartition(".")[0].removeprefix("-").isdecimal() or label.isdecimal() for label in labels):
        return labels
    if not all(not label.partition(".")[2].strip("0") for label in labels):
        return labels
    notes.append(
        f"{counted(points, 'id')} such as {shown(next(x for x in labels if '.' in x))} are read without the zeros after the point."
    )
    return tuple(label.partition(".")[0] for label in labels)


# -- text and JSON ----------------------------------------------------------------------------------------------------


def _text(
    con: duckdb.DuckDBPyConnection, rows: Rows, columns: Sequence[str], roles: TableRoles
) -> Iterator[tuple[np.ndarray, list[str], list[str]]]:
    """Tables, ids and titles, some rows at a time."""
    beside = {"ids": roles.ids, "title": roles.title}
    named = {f"c{i}": name for i, name in enumerate(columns)} | {alias: name for alias, name in beside.items() if name}
    width = len(columns) if not roles.vector else 256
    done = 0
    with as_sentences(rows.path), con.cursor() as numbers:
        for batch in rows.relation(con, named).to_arrow_reader(max(NUMBERS // width, 1)):
            if not len(batch):
                continue
            at = np.asarray(batch.column(ROW))
            if not np.array_equal(at, np.arange(done + 1, done + len(batch) + 1)):
                raise WeightsError(f"'{rows.path}' was not read in the order of its rows.")
            if roles.vector:
                table = _vectors(numbers, rows, batch.column("c0"), done, roles.vector)
            else:
                check_shape(rows.path, (done + len(batch), len(columns)))
                table = _side_by_side(numbers, rows, [batch.column(f"c{i}") for i in range(len(columns))], columns, done)
            ids, titles = (_texts(rows, batch.column(alias), name) if name else [] for alias, name in beside.items())
            yield table, ids, titles
            done += len(batch)


def _texts(rows: Rows, column: pa.Array, name: str) -> list[str]:
    found = ["" if v is None else str(v).strip() for v in column.to_pylist()]
    _check_lengths(rows.path, name, found)
    return found


def _check_lengths(path: Path, name: str, texts: Iterable[str]) -> None:
    longest = max(map(len, texts), default=0)
    if longest > LONGEST_ID:
        raise WeightsError(f"'{path}': ids have at most {LONGEST_ID} characters, one in {shown(name)} has {longest:,}.")


def _parsed(numbers: duckdb.DuckDBPyConnection, texts: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Texts as float64, NaN for what is no finite number."""
    relation = numbers.from_arrow(pa.table({"v": texts}))
    found = values.asked(numbers, relation, "read_texts", f"select {values.number_sql('v')} as x from read_texts")
    return np.asarray(found.to_arrow_table()["x"].combine_chunks().to_numpy(zero_copy_only=False), dtype=np.float64)


def _side_by_side(numbers: duckdb.DuckDBPyConnection, rows: Rows, arrays: list[pa.Array], columns: Sequence[str], done: int) -> np.ndarray:
    texts = [i for i, array in enumerate(arrays) if pa.types.is_string(array.type)]
    table = np.empty((len(arrays[0]), len(columns)))
    if texts:
        table[:, texts] = _parsed(numbers, pa.chunked_array([arrays[i] for i in texts])).reshape(len(texts), -1).T
    for i in set(range(len(columns))) - set(texts):
        table[:, i] = arrays[i].cast(pa.float64()).to_numpy(zero_copy_only=False)
    bad = np.isnan(table)
    if bad.any():
        row = int(bad.any(axis=1).argmax())
        position = int(bad[row].argmax())
        raise _no_number(rows, done + row, columns[position], arrays[position][row].as_py())
    return table


def _no_number(rows: Rows, row: int, column: str, value: str | None) -> WeightsError:
    """The error for a cell: ``row`` from 0."""
    source = rows.source
    line = source.scan is not None and not source.inside and not source.scan.blank
    where = f"line {row + 1 + source.header:,}" if line else f"row {row + 1:,}"
    if value is not None and value.strip().lower().lstrip("+-") in ("inf", "infinity", "nan"):
        return WeightsError(
            f"'{rows.path}', {where}, column {shown(column)}: {shown(value)} is NaN or infinity; all numbers must be finite."
        )
    held = "nothing" if not (value or "").strip() else shown(value)
    advice = "expected a number in every dimension"
    return WeightsError(f"'{rows.path}', {where}, column {shown(column)}: {held} is not a number; {advice}.")


def _vectors(numbers: duckdb.DuckDBPyConnection, rows: Rows, column: pa.Array, done: int, name: str) -> np.ndarray:
    """A column of vectors, as lists or as text, as a table."""
    if pa.types.is_string(column.type):
        pattern = r"^\s*[\[(]?\s*|\s*[\])]?\s*$"
        inside = f"regexp_replace(v, {literal(pattern)}, '', 'g')"
        relation = numbers.from_arrow(pa.table({"v": column}))
        query = rf"select string_split_regex({inside}, '\s*[,;|]\s*|\s+') as l from read_vectors"
        split = values.asked(numbers, relation, "read_vectors", query)
        column = split.to_arrow_table()["l"].combine_chunks()
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0))
    width = int(lengths[0])
    odd = np.flatnonzero(lengths != width)
    if len(odd) or not width:
        row = int(odd[0]) if len(odd) else 0
        has = f"row {done + row + 1:,} has {counted(int(lengths[row]), 'number')} in {shown(name)}"
        raise WeightsError(f"'{rows.path}': {has}, and row {done + 1:,} has {width:,}; expected vectors of equal lengths.")
    flat = column.flatten()
    if pa.types.is_string(flat.type):
        table = _parsed(numbers, flat)
        bad = np.flatnonzero(np.isnan(table))
        if len(bad):
            raise _no_number(rows, done + int(bad[0]) // width, name, flat[int(bad[0])].as_py())
    else:
        table = as_numbers(flat.to_numpy(zero_copy_only=False))
    check_shape(rows.path, (done + len(column), width))
    return table.reshape(len(column), width)


# -- Parquet ----------------------------------------------------------------------------------------------------------


def _check_texts(path: Path) -> None:
    """Refuse a Parquet file whose first rows hold very long texts, before anything unfolds them."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = [f.name for f in file.schema_arrow if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
        with pyarrow.parquet.ParquetFile(path, read_dictionary=names) as file:
            for batch in file.iter_batches(FIRST, columns=names):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    _check_long(path, name, column)
                return
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        return  # reading says what is wrong


def _check_long(path: Path, name: str, column: pa.Array) -> None:
    if not pa.types.is_dictionary(column.type):
        return
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    if (pc.sum(lengths).as_py() or 0) > MOST_TEXT:
        longest = pc.max(lengths).as_py()
        raise WeightsError(f"'{path}': the texts in {shown(name)} are too long to be ids or titles, up to {longest:,} bytes.")


def _parquet(rows: Rows, columns: list[str], roles: TableRoles) -> Iterator[tuple[np.ndarray, list[str], list[str]]]:
    """Tables, ids and titles, some rows at a time; no declared size is trusted."""
    path = rows.path
    beside = [name for name in (roles.ids, roles.title) if name]
    texts = [name for name in beside if values.family(rows.types[name]) == "text"]
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            count = file.metadata.num_rows
            width = max(_values(file, columns[0]) // max(count, 1), len(columns))
            check_shape(path, (count, width))
        with pyarrow.parquet.ParquetFile(path, read_dictionary=texts) as file:
            for batch in file.iter_batches(max(NUMBERS // width, 1), columns=columns + beside):
                if not len(batch):
                    continue
                table = _from_lists(path, batch.column(roles.vector)) if roles.vector else _numeric(path, batch, columns)
                ids, titles = (_labels(path, name, batch.column(name)) if name else [] for name in (roles.ids, roles.title))
                yield table, ids, titles
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:200].rstrip(".")
        raise WeightsError(f"'{path}' is damaged and cannot be read as Parquet ({reason}).") from None


def _values(file: pyarrow.parquet.ParquetFile, name: str) -> int:
    """How many numbers a column holds according to the file."""
    meta = file.metadata
    columns = (meta.row_group(i).column(j) for i in range(meta.num_row_groups) for j in range(meta.num_columns))
    return sum(c.num_values for c in columns if c.path_in_schema.split(".")[0] == name)


def _numeric(path: Path, batch: pa.RecordBatch, names: list[str]) -> np.ndarray:
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


def _labels(path: Path, name: str, column: pa.Array) -> list[str]:
    entries: Iterable[Any] = column.dictionary.to_pylist() if pa.types.is_dictionary(column.type) else column.to_pylist()
    _check_lengths(path, name, (str(v) for v in entries if v is not None))
    return ["" if value is None else str(value) for value in column.to_pylist()]
