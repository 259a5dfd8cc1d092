"""A prepared folder: a data set read, filtered and split once, then memory-mapped. Nothing in it is executed.

    prepared.json       format, version, name, users (U), items (V), interactions (N), options, hash, account of the file that was read
    train_items.npy     (N - 2 U,), or as many as remain, int32, little-endian like all arrays here; their contents: see `SequenceDataset`
    train_offsets.npy   (U + 1,) int64
    val.npy, test.npy   (U,) int32
    between_items.npy, between_offsets.npy      int32, int64, only in version 2: data that are split by time
    user_ids.npy        (U,) text
    items.parquet       one row per item in the order of the ids 1 to V, all columns text: item, title, categorical ones

The folder is written once, atomically, and never changed. Opening it checks sizes, ranges and the content hash at reading speed.
"""

import json
import os
import shutil
import tempfile
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from adrec.data.dataset import ItemTable, SequenceDataset
from adrec.errors import DataError
from adrec.files import SHORT, write_json

FORMAT = "adrec prepared data set"
LEAVE_ONE_OUT, BY_TIME = 1, 2
"""Versions of the format, by how the data are split."""
INFO = "prepared.json"
ITEMS = "items.parquet"
COUNTS = ("users", "items", "interactions")
KINDS = {"train_items": "<i4", "train_offsets": "<i8", "val": "<i4", "test": "<i4"}
BETWEEN = {"between_items": "<i4", "between_offsets": "<i8"}
LAST_CODE_POINT = 0x10FFFF
UNREADABLE = (OSError, ValueError, TypeError, LookupError, SyntaxError, ArithmeticError, MemoryError, RecursionError, tokenize.TokenError)
"""What numpy raises on a damaged array file, whose header is a Python literal."""


def is_prepared(path: Path) -> bool:
    """Whether ``path`` claims to be a prepared folder, intact or not."""
    return (path / INFO).is_file()


# -- writing ----------------------------------------------------------------------------------------------------------


def check_free(out: Path) -> None:
    """A DataError unless ``out`` can become a prepared folder: it must not exist or must be an empty folder."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        what = "is not empty" if out.is_dir() else "is not a folder"
        raise DataError(f"'{out}' {what}; choose a folder that does not exist yet or is empty.")


@contextmanager
def writing(out: Path) -> Iterator[Path]:
    """A folder to write in, which then becomes ``out``: complete, or not at all."""
    check_free(out)
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name[:SHORT]}-", suffix=".tmp"))
    try:
        yield folder
        folder.chmod(0o755)
        if out.is_dir():
            out.rmdir()  # fails if something was put into it meanwhile
        os.replace(folder, out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def save(dataset: SequenceDataset, out: Path) -> None:
    """Write ``dataset`` to the prepared folder ``out``, which appears complete or not at all."""
    with writing(out) as folder:
        write(dataset, folder)


def write(dataset: SequenceDataset, folder: Path) -> None:
    """Write ``dataset`` into the folder; arrays that are already there are its own, mapped."""
    by_time = dataset.between_items is not None
    kinds: dict[str, Any] = {**KINDS, **(BETWEEN if by_time else {}), "user_ids": str}
    for name, kind in kinds.items():
        path, array = folder / f"{name}.npy", getattr(dataset, name)
        if isinstance(array, np.memmap) and path.exists():
            array.flush()
        else:
            np.save(path, np.asarray(array, dtype=kind), allow_pickle=False)
    frame = dataset.items.frame
    pq.write_table(pa.table({c: pa.array(frame[c], pa.string()) for c in frame}), folder / ITEMS)
    for path in folder.iterdir():
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
    counts = {"users": dataset.n_users, "items": dataset.n_items, "interactions": dataset.n_interactions}
    head = {"format": FORMAT, "version": BY_TIME if by_time else LEAVE_ONE_OUT, "name": dataset.name, **counts}
    account = None if dataset.account is None else dict(dataset.account)
    write_json(folder / INFO, {**head, "options": dict(dataset.options), "hash": dataset.content_hash, "account": account})


# -- reading ----------------------------------------------------------------------------------------------------------


def load(folder: Path) -> SequenceDataset:
    """The data set in a prepared folder, its arrays memory-mapped and read-only; a DataError if anything was changed or damaged."""
    info = _info(folder)
    users, items, interactions = (info[n] for n in COUNTS)
    by_time = info["version"] == BY_TIME
    kinds = KINDS | (BETWEEN if by_time else {})
    lengths = dict.fromkeys(kinds, users) | {name: users + 1 for name in kinds if name.endswith("offsets")}
    lengths |= dict.fromkeys(("train_items", "between_items"), None) if by_time else {"train_items": interactions - 2 * users}
    arrays = {name: _array(folder, name, lengths[name]) for name in kinds}
    for name, kind in kinds.items():
        if arrays[name].dtype != np.dtype(kind):
            raise _broken(folder, f"{name}.npy holds {arrays[name].dtype} instead of {np.dtype(kind)}")
    for part in ("train", "between") if by_time else ("train",):
        _check_offsets(folder, f"{part}_offsets", arrays[f"{part}_offsets"], len(arrays[f"{part}_items"]), 0 if by_time else 1)
    least = {"train_items": 1, "between_items": 1, "val": 0, "test": 0} if by_time else dict.fromkeys(("train_items", "val", "test"), 1)
    for name, first in least.items():
        low, high = (int(bound(arrays[name], initial=first)) for bound in (np.min, np.max))
        if low < first or high > items:
            raise _broken(folder, f"{name}.npy holds the item id {low if low < first else high}, but ids are {first} to {items:,}")
    if by_time:
        _check_answers(folder, arrays, interactions)
    table = _items(folder, items)
    told: dict[str, Any] = {**arrays, "options": info["options"], "account": info.get("account")}
    dataset = SequenceDataset(name=info["name"], items=table, user_ids=_user_ids(folder, users), **told)
    if dataset.content_hash != info["hash"]:
        raise _broken(folder, "the hash of its sequences is not the recorded one")
    return dataset


def _broken(folder: Path, why: str) -> DataError:
    return DataError(f"The prepared folder '{folder}' is damaged: {why}; prepare it again.")


def _info(folder: Path) -> Mapping[str, Any]:
    """The contents of prepared.json, with every entry of the right type."""
    try:
        info = json.loads((folder / INFO).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(folder, f"{INFO} cannot be read as JSON ({type(error).__name__})") from None
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise _broken(folder, f"{INFO} does not name the format '{FORMAT}'")
    if type(info.get("version")) is not int or info["version"] not in (LEAVE_ONE_OUT, BY_TIME):
        raise DataError(
            f"The prepared folder '{folder}' has another version than {LEAVE_ONE_OUT} and {BY_TIME}, which this program reads; prepare it "
            "again."
        )
    kinds = {**dict.fromkeys(COUNTS, int), "name": str, "options": dict, "hash": str}
    wrong = [name for name, kind in kinds.items() if type(info.get(name)) is not kind]
    if wrong:
        raise _broken(folder, f"{INFO} lacks a usable '{wrong[0]}'")
    if not _counted(info.get("account")):
        raise _broken(folder, f"{INFO} lacks a usable 'account'")
    each = 3 if info["version"] == LEAVE_ONE_OUT else 1
    if not (0 < info["users"] <= info["interactions"] / each and 0 < info["items"] < 2**31 and info["interactions"] < 2**62):
        raise _broken(folder, f"the counts in {INFO} are impossible")
    return info


def _counted(account: Any) -> bool:
    """Whether this is no account, or one whose rows are numbers."""
    if not isinstance(account, dict):
        return account is None
    counts = [account.get(name, {}) for name in ("lines", "left_out", "repeats")]
    numbers = [account.get("rows"), account.get("read"), *(n for found in counts if isinstance(found, dict) for n in found.values())]
    return all(isinstance(found, dict) for found in counts) and all(type(n) is int for n in numbers)


def _array(folder: Path, name: str, length: int | None) -> np.ndarray:
    """A one-dimensional array of this length (None: of any), memory-mapped."""
    path = folder / f"{name}.npy"
    try:
        with np.errstate(over="raise"):  # a shape beyond all numbers
            array = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise _broken(folder, f"it has no {path.name}") from None
    except UNREADABLE as error:
        raise _broken(folder, f"{path.name} cannot be read as an array ({type(error).__name__})") from None
    if array.shape != (length,) and not (length is None and array.ndim == 1):
        raise _broken(folder, f"{path.name} has the shape {array.shape} instead of {(length,)}")
    return np.asarray(array)


def _check_offsets(folder: Path, name: str, offsets: np.ndarray, end: int, least: int) -> None:
    too_low = np.less_equal if least else np.less
    if offsets[0] != 0 or offsets[-1] != end or too_low(offsets[1:], offsets[:-1]).any():
        raise _broken(folder, f"{name}.npy does not rise from 0 to {end:,}, at least by {least} a user")


def _check_answers(folder: Path, arrays: Mapping[str, np.ndarray], interactions: int) -> None:
    """Of data split by time: the first item after training is the validation answer, and an answer needs items before it."""
    items, offsets, test = arrays["between_items"], arrays["between_offsets"], arrays["test"]
    trained, between = (arrays[name][1:] > arrays[name][:-1] for name in ("train_offsets", "between_offsets"))
    first = np.append(items, 0)[offsets[:-1]]
    if (arrays["val"] != np.where(trained & between, first, 0)).any():
        raise _broken(folder, "val.npy does not hold each user's first item after training")
    if ((test > 0) & ~trained & ~between).any():
        raise _broken(folder, "test.npy holds an answer of a user with nothing before it")
    if len(arrays["train_items"]) + len(items) + np.count_nonzero(test) != interactions:
        raise _broken(folder, f"its parts do not hold {interactions:,} interactions")


def _user_ids(folder: Path, users: int) -> np.ndarray:
    ids = _array(folder, "user_ids", users)
    if ids.dtype.kind != "U" or not ids.dtype.isnative or not ids.dtype.itemsize:
        raise _broken(folder, f"user_ids.npy holds {ids.dtype} instead of text")
    if ids.view(np.uint32).max() > LAST_CODE_POINT:
        raise _broken(folder, "user_ids.npy holds invalid text")
    return ids


def _items(folder: Path, items: int) -> ItemTable:
    path = folder / ITEMS
    try:
        with pq.ParquetFile(path) as file:
            table = file.read().replace_schema_metadata(None)
        table.validate(full=True)
    except FileNotFoundError:
        raise _broken(folder, f"it has no {ITEMS}") from None
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _broken(folder, f"{ITEMS} cannot be read as Parquet ({type(error).__name__})") from None
    plain = all(f.type == pa.string() and not c.null_count for f, c in zip(table.schema, table.columns, strict=True))
    if len(table) != items or not plain or len(set(table.column_names)) < table.num_columns:
        raise _broken(folder, f"{ITEMS} does not hold {items:,} rows of text in columns of different names")
    if not {"item", "title"} <= set(table.column_names):
        raise _broken(folder, f"{ITEMS} lacks the column item or title")
    return ItemTable(table.to_pandas().set_axis(pd.RangeIndex(1, items + 1, name="id")))
