"""Tables and interactions as Python objects of any library, by the protocols that libraries share; none is imported here.

An array is taken by ``__array__`` or ``__dlpack__``, a frame by ``__arrow_c_stream__``, a sparse matrix by its ``tocoo``.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from adrec.data import catalog
from adrec.data.dataset import SequenceDataset
from adrec.data.readers import read_frame
from adrec.embeddings.files import Matrix, read_table
from adrec.embeddings.source import Source
from adrec.errors import DataError, WeightsError
from adrec.maps.tables import checked

NAME = "the table"
MOST_DENSE = 2**30
"""Entries of a sparse table that is made dense: 8 GiB."""


def given(table: Any, ids: Sequence[Any] | None) -> Source:
    """The source of a table (V, D): a file, a frame or an array. ids: of its rows, instead of those that it has."""
    name, labels = NAME, None if ids is None else tuple(str(i) for i in ids)
    if isinstance(table, str | Path) or _is_frame(table):
        found = read_table(table) if isinstance(table, str | Path) else _of_frame(table)
        name = Path(table).name if isinstance(table, str | Path) else NAME
        source = Source(name, found.table, labels or found.labels, found.notes, found.padded, account=found.account, removed=found.removed)
    else:
        source = Source(name, checked(array_of(table), f"'{name}'"), labels)
    if labels is not None and len(labels) != len(source.table):
        raise DataError(f"There are {len(labels):,} ids for {len(source.table):,} rows; expected one id per row of the table.")
    return source


def array_of(table: Any) -> np.ndarray:
    """A matrix of any library as an array of numpy, uncopied where that is possible; one that cannot be is a WeightsError."""
    try:
        if hasattr(table, "tocoo"):
            if np.prod(table.shape, dtype=float) > MOST_DENSE:
                raise WeightsError(f"The sparse table has shape {tuple(table.shape)}, too large to be written out; expected a dense one.")
            return np.asarray(table.toarray())
        if hasattr(table, "detach"):  # a tensor of torch, which may be of a graph, on a device and of a type that numpy lacks
            table = table.detach().cpu()
            table = table.float() if str(table.dtype) == "torch.bfloat16" else table
        if not hasattr(table, "__array__") and hasattr(table, "__dlpack__"):
            return np.asarray(np.from_dlpack(table))
        array = np.asarray(table)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        said = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise WeightsError(f"The table, a {type(table).__name__}, cannot be read as an array ({said}).") from None
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def interactions_of(interactions: Any, ids: Sequence[Any] | None = None) -> SequenceDataset:
    """A data set, by name or path or as it is; a frame; or a sparse matrix of users by items, whose columns are ``ids`` or numbers."""
    if isinstance(interactions, SequenceDataset):
        return interactions
    if isinstance(interactions, str | Path):
        return catalog.load(interactions)
    if hasattr(interactions, "tocoo"):
        matrix = interactions.tocoo()
        used = np.asarray(matrix.data) != 0
        users, columns = np.asarray(matrix.row)[used], np.asarray(matrix.col)[used]
        if ids is not None and len(ids) != matrix.shape[1]:
            raise DataError(f"The interactions have {matrix.shape[1]:,} columns for {len(ids):,} ids; expected one column per item.")
        items = columns if ids is None else np.array([str(i) for i in ids], dtype=object)[columns]
        order = np.lexsort((columns, users))
        return read_frame(pd.DataFrame({"user": users[order], "item": items[order]}))
    if isinstance(interactions, pd.DataFrame):
        return read_frame(interactions)
    if _is_frame(interactions):
        return read_frame(_arrow(interactions).to_pandas())
    raise DataError(
        f"The interactions are a {type(interactions).__name__}; expected a frame with a user and an item column, a sparse matrix of users "
        "by items, a data set, its name or a path."
    )


def with_columns(source: Source, interactions: Any) -> Source:
    """The source with the columns of a sparse matrix of users by items as its ids, if it has a row for each and no ids."""
    if source.labels is not None or not hasattr(interactions, "tocoo") or interactions.shape[1] != len(source.table):
        return source
    return replace(source, labels=tuple(str(column) for column in range(len(source.table))))


def _is_frame(value: Any) -> bool:
    return isinstance(value, pd.DataFrame) or (hasattr(value, "__arrow_c_stream__") and hasattr(value, "columns"))


def _arrow(frame: Any) -> pa.Table:
    try:
        return pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"The frame cannot be read as a table ({str(error).splitlines()[0].rstrip('.')}).") from None


def _of_frame(frame: Any) -> Matrix:
    """A frame as the same table in a file would be read: its id column, vectors as lists."""
    if isinstance(frame, pd.DataFrame):
        if isinstance(frame.index, pd.RangeIndex) and all(isinstance(d, np.dtype) and d.kind == "f" for d in frame.dtypes):
            return Matrix(checked(frame.to_numpy(), f"'{NAME}'"))
        frame = frame.rename(columns=str)
    with tempfile.TemporaryDirectory(prefix="adrec-") as folder:
        path = Path(folder) / "the table.parquet"
        if isinstance(frame, pd.DataFrame):
            frame.to_parquet(path)
        else:
            pq.write_table(_arrow(frame), os.fspath(path))
        return read_table(path)
